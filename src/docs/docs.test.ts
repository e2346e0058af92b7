/** The reference says what the code does: each error is thrown somewhere, each option, error and metric is described. */

import { globSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import * as z from 'zod'
import { defineConnector, defineSource, ERRORS } from '../connector/index.ts'
import { duration, secret, size } from '../schema/index.ts'
import { METRICS } from '../telemetry/names.ts'
import { checkTypes, connectorList, withGenerated } from './connectors.ts'
import { optionTable } from './options.ts'
import { editorSchema, reference } from './reference.ts'

const ROOT = new URL('../../', import.meta.url).pathname

const product = globSync('{src,connectors}/**/*.ts', { cwd: ROOT })
  .filter((file) => !/\.test\.ts$|\/harness\.ts$/.test(file) && file !== 'src/errors.ts')
  .map((file) => ({ file, text: readFileSync(`${ROOT}${file}`, 'utf8') }))

/** What stands before a code where an error is made of it; a code that is compared with or listed is not thrown. */
const MAKING = [
  /\bnew GatewayError\(/,
  /\bnew HttpProblem\(\s*\d+,/,
  /\brefuse\(/,
  /\bconst code = /,
  /\): ErrorCode \{[^}]*?\breturn /,
]
/** The pool's workers describe an error as a fault, which becomes one on this side of the thread. */
const FAULT = /\{\s*code: /

/** `condition ? 'ONE' : 'OTHER'` makes either. */
function makes(code: string, { file, text }: { readonly file: string; readonly text: string }): boolean {
  const making = file.startsWith('src/pool/') ? [...MAKING, FAULT] : MAKING
  const either = "(?:[^'();]*\\?\\s*(?:'[A-Z_]+'\\s*:\\s*)?)?"
  return making.some(({ source }) => new RegExp(`${source}\\s*${either}'${code}'`).test(text))
}

test.each(Object.keys(ERRORS))('%s is thrown somewhere, and documented', (code) => {
  expect(product.filter((each) => makes(code, each)).map(({ file }) => file)).not.toEqual([])
  expect(reference([])).toContain(`| \`${code}\` |`)
})

test.each([
  ["throw new GatewayError('A_CODE', 'x')", true],
  ["new GatewayError(\n  'A_CODE',\n", true],
  ["new GatewayError(full ? 'OTHER' : 'A_CODE', what)", true],
  ["const code = disposition === other ? 'A_CODE' : 'OTHER'", true],
  ["new HttpProblem(503, 'A_CODE', 'x')", true],
  ["throw refuse('A_CODE', name, 'x')", true],
  ["function codeOf(status: number): ErrorCode {\n  if (status === 410) return 'A_CODE'", true],
  ["function other(): string {\n  return 'A_CODE'", false],
  ["if (error.code === 'A_CODE') return", false],
  ["{ code: 'A_CODE', message }", false],
  ["const codes = ['A_CODE']", false],
  ["new GatewayError('OTHER', 'A_CODE')", false],
])('a code is thrown by %j: %s', (text, thrown) => {
  expect(makes('A_CODE', { file: 'src/x.ts', text })).toBe(thrown)
})

test.each(Object.values(METRICS).map(({ name }) => name))('%s is documented', (name) => {
  expect(reference([])).toContain(`\`${name}\``)
})

const table = (schema: z.ZodType): string =>
  optionTable(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }))

test('a table of options shows types, defaults and nested ones by their path', () => {
  const options = z.strictObject({
    wait: duration().prefault('5s').describe('How long | how often.'),
    limits: z.strictObject({ size: size().prefault('1MiB').describe('How much.') }).prefault({}),
    level: z.enum(['a', 'b']).optional().describe('Which.'),
    password: secret().prefault('hunter2').describe('Never shown.'),
    count: z.int().min(1).max(5).describe('How many.'),
  })
  expect(table(options).split('\n').slice(2, 7)).toEqual([
    '| `wait` | duration | `5s` | How long \\| how often. |',
    '| `limits.size` | size | `1MiB` | How much. |',
    '| `level` | `a`, `b` |  | Which. |',
    '| `password` | text |  | Never shown. |',
    '| `count` | whole number, 1 to 5 | required | How many. |',
  ])
})

const tick = defineConnector({
  type: 'tick',
  title: 'Tick',
  summary: 'Ticks.',
  stability: 'beta',
  since: '0.1.0',
  source: defineSource({
    config: z.strictObject({ every: duration().describe('How often.') }),
    guarantees: { rejected: 'dropped', order: 'total', catchesUp: false },
    create: () => ({ start: async () => {}, stop: async () => {} }),
  }),
})

test('the generated half of a README replaces itself and nothing else', () => {
  const once = withGenerated('# Tick\n\n<!-- generated:begin -->old<!-- generated:end -->\n\nBy hand.\n', tick)
  expect(once).toMatch(/^# Tick\n\n<!-- generated:begin -->\n\nTicks\.\n/)
  expect(once).toContain('What the gateway does not accept is lost.')
  expect(once).toContain('| `every` | duration | required | How often. |')
  expect(once).toMatch(/<!-- generated:end -->\n\nBy hand\.\n$/)
  expect(once).not.toContain('old')
  expect(withGenerated(once, tick)).toBe(once)
  expect(withGenerated('', tick)).toMatch(/^# Tick\n\n<!-- generated:begin -->/)
})

test('the list of connectors imports each folder; the editor schema knows each connector', () => {
  expect(connectorList(['cron', 'http'])).toContain('export const connectors: readonly Connector[] = [cron, http]')
  expect(connectorList(['my-queue'])).toContain("import myQueue from './my-queue/index.ts'")
  const schema = JSON.parse(editorSchema([tick]))
  expect(schema.$schema).toBe('http://json-schema.org/draft-07/schema#')
  expect(schema.properties.sources.additionalProperties.properties).toHaveProperty('tick')
})

test('two folders of one type are refused by name', () => {
  expect(() => checkTypes(['a', 'b'], [tick, { ...tick, type: 'tock' }])).not.toThrow()
  expect(() => checkTypes(['a', 'b'], [tick, tick])).toThrow('connectors/a and connectors/b are both of type "tick"')
})
