/** The `environment` of a manifest: names and values, or a list of them as a container has it. */

import * as z from 'zod'
import { type Traced, traced } from '../event-sources/expansion.ts'
import { mapping, type Reporter } from '../names.ts'
import type { Path } from '../tree.ts'

const value = z.string({
  error: ({ input }) =>
    typeof input === 'number' || typeof input === 'boolean'
      ? `expected text, got ${input}; write it in quotes: "${input}"`
      : undefined,
})

/** A name that is a value here, and becomes a key: as a key it is refused everywhere. */
export const ownName = z
  .string()
  .min(1)
  .refine((name) => name !== '__proto__', { error: '"__proto__" is refused; choose another name' })

export const environment = z.union([
  z.record(z.string().min(1), value),
  z.array(z.strictObject({ name: ownName, value: value.optional() })),
])

/** Reports each `valueFrom`, and returns the list without them, at the same indexes. */
export function withoutReferences(written: unknown, at: Path, reporter: Reporter): unknown {
  if (!Array.isArray(written)) return written
  return written.map((entry: unknown, index) => {
    const { valueFrom, ...rest } = mapping(entry)
    if (valueFrom === undefined) return entry
    reporter.report([...at, index, 'valueFrom'], 'Secrets and ConfigMaps of Kubernetes are not read from here', {
      on: 'key',
      suggestion: `mount or pass it to the gateway, and write value: "\${NAME}" or value: "\${file:/run/secrets/name}"`,
    })
    return rest
  })
}

/** The variables, each with its place. Reports a name that stands twice. */
export function variables(given: z.output<typeof environment>, at: Path, reporter: Reporter): Record<string, Traced> {
  if (!Array.isArray(given))
    return Object.fromEntries(Object.entries(given).map(([name, text]) => [name, traced(text, [...at, name])]))
  const made = new Map<string, Traced>()
  given.forEach(({ name, value: text = '' }, index) => {
    const here = [...at, index]
    const first = made.get(name)
    if (first) {
      const { file, line } = reporter.places.problem(first.at, '')
      reporter.report([...here, 'name'], `"${name}" stands twice, first in ${file}:${line}`)
    } else made.set(name, traced(text, text === '' ? here : [...here, 'value']))
  })
  return Object.fromEntries(made)
}
