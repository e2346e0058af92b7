/** Tables of options, written from the JSON form of a schema. */

import type { core } from 'zod'

export type JsonSchema = core.JSONSchema.BaseSchema

/** A Markdown table of every option of an object, nested ones by their path. */
export function optionTable(schema: JsonSchema): string {
  const rows = options(schema, '', definitionsOf(schema))
  if (rows.length === 0) return 'None.\n'
  const cells = rows.map(({ key, type, otherwise, text }) => `| \`${key}\` | ${type} | ${otherwise} | ${text} |`)
  return ['| Option | Type | Default | Meaning |', '| --- | --- | --- | --- |', ...cells].join('\n').concat('\n')
}

interface Option {
  readonly key: string
  readonly type: string
  readonly otherwise: string
  readonly text: string
}

/** Schemas by what `$ref` calls them. */
type Definitions = Readonly<Record<string, JsonSchema>>

/** What a schema and its parts may refer to: itself as a whole, and what it defines. */
const definitionsOf = (schema: JsonSchema): Definitions => ({
  '#': schema,
  ...Object.fromEntries(
    Object.entries((schema['definitions'] ?? {}) as Definitions).map(([name, part]) => [`#/definitions/${name}`, part]),
  ),
})

function options(schema: JsonSchema, prefix: string, definitions: Definitions): readonly Option[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, part]) => {
    if (typeof part !== 'object') return []
    const key = `${prefix}${name}`
    if (part.properties && part.type === 'object') return options(part, `${key}.`, definitions)
    return [
      {
        key,
        type: typeText(part, definitions),
        otherwise: defaultText(part, schema.required?.includes(name)),
        text: cell(part.description),
      },
    ]
  })
}

const cell = (text = ''): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ')

function defaultText(part: JsonSchema, required = false): string {
  if (part['secret'] === true || part.default === undefined) return required ? 'required' : ''
  return `\`${JSON.stringify(part.default).replace(/^"(.*)"$/, '$1')}\``
}

/** What may be written, in words. */
export function typeText(part: JsonSchema, definitions: Definitions = {}): string {
  const text = (one: JsonSchema | boolean | undefined): string =>
    typeof one === 'object' ? typeText(one, definitions) : 'anything'
  if (part.anyOf) return [...new Set(part.anyOf.map(text))].join(' or ')
  if (part.$ref !== undefined) return referredText(definitions[part.$ref])
  if (part.allOf) return text(part.allOf[0])
  if (part.const !== undefined) return `\`${String(part.const)}\``
  if (part.enum) return part.enum.map((value) => `\`${String(value)}\``).join(', ')
  if (part.format === 'duration' || part.format === 'size' || part.format === 'host:port') return part.format
  if (Array.isArray(part.type)) return part.type.map((type) => text({ type })).join(' or ')
  switch (part.type) {
    case 'string':
      return 'text'
    case 'integer':
      return `whole number${range(part)}`
    case 'number':
      return `number${range(part)}`
    case 'boolean':
      return '`true`, `false`'
    case 'array':
      return typeof part.items === 'object' && !Array.isArray(part.items) ? `list of ${text(part.items)}` : 'list'
    case 'object':
      return part.properties ? 'options' : 'mapping'
    default:
      return 'anything'
  }
}

/** What holds others of its kind is told by what it is, not by what is in it: those would be told for ever. */
const referredText = (part?: JsonSchema): string => (part?.properties ? 'options' : 'anything')

function range({ minimum, maximum }: JsonSchema): string {
  const low = minimum !== undefined && minimum > Number.MIN_SAFE_INTEGER ? minimum : undefined
  const high = maximum !== undefined && maximum < Number.MAX_SAFE_INTEGER ? maximum : undefined
  if (low !== undefined && high !== undefined) return `, ${low} to ${high}`
  return low === undefined ? (high === undefined ? '' : `, at most ${high}`) : `, at least ${low}`
}
