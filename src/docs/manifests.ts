/** The part of the reference that shows the manifests. */

import * as z from 'zod'
import { MANIFEST } from '../config/index.ts'
import { optionTable } from './options.ts'

/** What a WasmFunction has, each type of trigger, and what becomes of it. */
export function manifestReference(): readonly string[] {
  const { metadata, spec, trigger, triggers } = MANIFEST
  const types = Object.entries(triggers).flatMap(([name, { summary, config }]) => [
    `### triggerType: ${name}\n`,
    `${summary}\n`,
    table(config),
  ])
  return [
    '## WasmFunction\n',
    HEAD,
    table(metadata),
    '### spec\n',
    table(spec),
    '### triggers\n',
    table(trigger),
    ...types,
  ]
}

const HEAD = `Manifests: documents of \`kind: WasmFunction\`, in the file of the configuration or in a folder of files, one or several
in each, or in a \`kind: List\`. Each is a function; its triggers are sources and routes. \`headgate explain config\` prints
what they stand for. The options are under \`spec\`, or beside \`metadata\` without one. What is for Kubernetes alone (the
rest of \`metadata\`, \`status\`, \`resources.requests\`, \`resources.limits.cpu\`) is passed over; a note says so of all but
\`metadata\`. Options of triggers may also be written as \`consumer_group\`, as the \`event_sources\` form has them.

In \`metadata\`:
`

const table = (schema: z.ZodType): string =>
  optionTable(z.toJSONSchema(schema, { target: 'draft-7', io: 'input', unrepresentable: 'any', reused: 'inline' }))
