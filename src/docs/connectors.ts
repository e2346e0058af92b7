/** What is generated of connectors: the list of them, and the half of each README that its declaration says. */

import * as z from 'zod'
import type { Connector, Guarantees } from '../connector/connector.ts'
import { optionTable } from './options.ts'

const BEGIN = '<!-- generated:begin -->'
const END = '<!-- generated:end -->'

/** `connectors/index.ts`, given the folders that hold a connector. */
export function connectorList(folders: readonly string[]): string {
  const names = folders.map(nameOf)
  const imports = folders.map((folder, at) => `import ${names[at]} from './${folder}/index.ts'`)
  return [
    '/** Every connector there is. Written by `npm run generate` from the folders beside this file. */',
    '',
    "import type { Connector } from '#connector'",
    ...imports,
    '',
    `export const connectors: readonly Connector[] = [${names.join(', ')}]`,
    '',
  ].join('\n')
}

/** A folder may be named in several words: `my-queue` is imported as `myQueue`. */
const nameOf = (folder: string): string => folder.replace(/[^A-Za-z0-9]+(.?)/g, (_, next: string) => next.toUpperCase())

/** Throws when two folders hold a connector of one type: a copy that was not given a name of its own. */
export function checkTypes(folders: readonly string[], connectors: readonly Connector[]): void {
  const held = new Map<string, string>()
  for (const [at, { type }] of connectors.entries()) {
    const folder = `connectors/${folders[at]}`
    const other = held.get(type)
    if (other !== undefined)
      throw new Error(
        `generating: ${other} and ${folder} are both of type "${type}"; give one of them another in its index.ts`,
      )
    held.set(type, folder)
  }
}

/** Puts the generated half between the markers of a README; at the end, with markers, when it has none. */
export function withGenerated(readme: string, connector: Connector): string {
  const half = `${BEGIN}\n\n${generatedHalf(connector)}\n${END}`
  const [begin, end] = [readme.indexOf(BEGIN), readme.indexOf(END)]
  if (begin < 0 || end < begin) return `${(readme === '' ? `# ${connector.title}` : readme).trimEnd()}\n\n${half}\n`
  return `${readme.slice(0, begin)}${half}${readme.slice(end + END.length)}`
}

function generatedHalf({ summary, stability, since, source, sink }: Connector): string {
  const parts = [`${summary}\n`, `Stability: ${stability}. Since ${since}.\n`]
  if (source) parts.push('## Source\n', `${guarantees(source.guarantees)}\n`, optionTable(jsonSchema(source.config)))
  if (sink) parts.push('## Sink\n', optionTable(jsonSchema(sink.config)))
  return parts.join('\n')
}

const jsonSchema = (schema: z.ZodType) =>
  z.toJSONSchema(schema, { target: 'draft-7', io: 'input', unrepresentable: 'any', reused: 'inline' })

const REJECTED: Readonly<Record<Guarantees['rejected'], string>> = {
  redelivered: 'What the gateway does not accept is sent again by upstream.',
  reported: 'What the gateway does not accept is told to whoever sent it.',
  dropped: 'What the gateway does not accept is lost.',
}
const ORDER: Readonly<Record<Guarantees['order'], string>> = {
  none: 'There is no order between events.',
  subject: 'Events of one subject come in order.',
  total: 'Events come in order.',
}

const guarantees = ({ rejected, order, catchesUp }: Guarantees): string =>
  [
    `- ${REJECTED[rejected]}`,
    `- ${ORDER[order]}`,
    `- ${catchesUp ? 'What happened while the gateway was down arrives once it is back.' : 'What is sent while the gateway is down does not arrive.'}`,
  ].join('\n')
