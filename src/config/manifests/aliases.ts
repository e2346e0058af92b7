/** Keys under the names that the schema has for them: other systems write some of them differently. */

import type { Reporter } from '../names.ts'
import type { Path } from '../tree.ts'

/** What others write, and what it is called here. */
export type Aliases = Readonly<Record<string, string>>

/** Returns a mapping under the names of the schema. Each key keeps its place; one that is there under two is reported. */
export function renamed(
  written: Readonly<Record<string, unknown>>,
  aliases: Aliases,
  at: Path,
  reporter: Reporter,
): Readonly<Record<string, unknown>> {
  const entries = Object.entries(written).flatMap(([key, value]): [string, unknown][] => {
    const name = Object.hasOwn(aliases, key) ? (aliases[key] ?? key) : key
    if (name === key) return [[key, value]]
    if (Object.hasOwn(written, name)) {
      reporter.report([...at, key], `"${key}" and "${name}" are the same; write one of them`, { on: 'key' })
      return []
    }
    const place = reporter.places.at([...at, key])
    if (place) reporter.places.set([...at, name], { ...place, writtenAt: [...at, key] })
    return [[name, value]]
  })
  return Object.fromEntries(entries)
}
