/** The part of the reference that shows the `event_sources` form. */

import * as z from 'zod'
import { EVENT_SOURCES } from '../config/index.ts'
import { optionTable } from './options.ts'

const ENTRIES = Object.entries(EVENT_SOURCES)

/** What each type of entry has, and what becomes of it. */
export function eventSourcesReference(): readonly string[] {
  return ['## event_sources\n', HEAD, ...ENTRIES.flatMap(type)]
}

const HEAD = `Another way to write sources, sinks and routes: a list of entries \`{ type, name?, config }\`, as a router's ConfigMap has
it. The file may be that ConfigMap itself: what it holds under \`data\` is read, and other Kubernetes objects are passed
over. \`headgate explain config\` prints what it stands for; \`--functions <folder>\` says where \`<target_function>.wasm\`
lies.
`

function type([name, { summary, list, config, item }]: (typeof ENTRIES)[number]): readonly string[] {
  const options = Object.keys(config.shape).length === 0 ? [] : ['Under `config`:\n', table(config)]
  return [`### type: ${name}\n`, `${summary}\n`, ...options, `In each entry of \`config.${list}\`:\n`, table(item)]
}

const table = (schema: z.ZodType): string =>
  optionTable(z.toJSONSchema(schema, { target: 'draft-7', io: 'input', unrepresentable: 'any', reused: 'inline' }))
