/** Row 30 of the fault matrix: configurations that are made to hurt are refused at once, each with its place. */

import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { connectors } from '../../../connectors/index.ts'
import { type ConfigError, loadConfig } from '../../../src/config/index.ts'

const root = mkdtempSync(join(tmpdir(), 'headgate-hostile-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))
/** As it was before anything hostile was read. */
const PROTOTYPE = Object.getOwnPropertyNames(Object.prototype).toSorted()

/** An alias bomb: nine levels of ten, 10^9 values. */
const bomb = (indent = ''): string =>
  Array.from({ length: 10 }, (_, at) => {
    const values = at === 0 ? 'x, '.repeat(10) : `*l${at - 1}, `.repeat(10)
    return `${indent}l${at}: &l${at} [${values}]`
  }).join('\n')

const ROUTE = 'from: any, to: mqtt:out'
const map = (text: string): string =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: r }\ndata:\n  config.yaml: |\n${text.replace(/^/gm, '    ')}\n`

type Case = readonly [what: string, text: string, place: RegExp, message: RegExp]

const CASES: readonly Case[] = [
  ['an alias bomb', bomb(), /^[1-9]\d*:\d+ /, /aliases repeat more than 10000 values/],
  [
    'an alias bomb in a ConfigMap',
    map(`event_sources:\n- type: cron\n  config:\n${bomb('    ')}`),
    /^[1-9]\d*:\d+ /,
    /aliases repeat more than 10000/,
  ],
  [
    'a key that stands twice',
    `routes:\n  a: { ${ROUTE} }\n  a: { ${ROUTE} }`,
    /^3:3 routes.a/,
    /the key stands twice, first in line 2/,
  ],
  [
    'an option that stands twice',
    `routes:\n  a: { ${ROUTE}, to: mqtt:x }`,
    /^2:\d+ routes.a.to/,
    /the key stands twice/,
  ],
  ['__proto__ at the top', '__proto__: { polluted: true }', /^1:1 __proto__/, /this key is refused/],
  [
    '__proto__ as a name',
    'sinks: { __proto__: { http: { url: "https://a.example/" } } }',
    /^1:10 sinks.__proto__/,
    /this key is refused/,
  ],
  [
    '__proto__ as a header',
    'sinks: { a: { http: { url: "https://a.example/", headers: { __proto__: x } } } }',
    /headers.__proto__/,
    /this key is refused/,
  ],
  ['__proto__ by a merge', 'x: &x { __proto__: { polluted: 1 } }\nroutes: { <<: *x }', /^1:9 /, /this key is refused/],
  [
    '__proto__ in a filter',
    `routes: { r: { ${ROUTE}, filters: [{ exact: { __proto__: a } }] } }`,
    /filters.0.exact/,
    /this key is refused/,
  ],
  [
    '__proto__ in a ConfigMap',
    map('event_sources:\n- type: cron\n  config: { __proto__: { polluted: 1 } }'),
    /^8:\d+ /,
    /this key is refused/,
  ],
  ['constructor as a section', 'constructor: { prototype: { polluted: 1 } }', /^1:1 constructor/, /is not known here/],
  ['.. in the name of a function', 'functions: { "../../evil": { wasm: e.wasm } }', /^1:14 functions/, /is no name/],
  ['.. in the name of a sink', 'sinks: { "..": { http: { url: "https://a.example/" } } }', /^1:10 sinks/, /is no name/],
  [
    'a slash in the name of a source',
    'sources: { "a/../b": { cron: { schedule: "* * * * *" } } }',
    /^1:12 sources/,
    /is no name/,
  ],
  ['a line break in the name of a route', `routes: { "a\\r\\nb": { ${ROUTE} } }`, /^1:11 routes/, /is no name/],
  [
    'a line break in a header',
    'sinks: { a: { http: { url: "https://a.example/", headers: { X: "a\\r\\nb" } } } }',
    /headers.X/,
    /printable ASCII/,
  ],
  ['a NUL in a topic', 'routes: { a: { from: any, to: "mqtt:a\\0b" } }', /^1:\d+ routes.a.to/, /NUL/],
  [
    'an expression of 100,000 brackets',
    `routes: { a: { ${ROUTE}, when: "${'('.repeat(100_000)}" } }`,
    /^1:\d+ routes.a.when/,
    /at most/,
  ],
  [
    'an SQL of 10,000 LIKE',
    `routes: { a: { ${ROUTE}, filters: [{ sql: "${"id LIKE '%a%' AND ".repeat(10_000)}true" }] } }`,
    /filters.0.sql/,
    /at most 4096/,
  ],
  ['100,000 brackets', `a: ${'['.repeat(100_000)}`, /^1:1 /, /nests deeper/],
  ['3 MB', `name: ${'x'.repeat(3_000_000)}`, /^1:1 /, /at most 1048576/],
  ['a device for a secret', `name: "\${file:/dev/zero}"`, /^1:8 name/, /is no file/],
  ['a pipe for a secret', `name: "\${file:PIPE}"`, /^1:8 name/, /is no file/],
  ['a folder for a secret', `name: "\${file:.}"`, /^1:8 name/, /is no file/],
  ['a gigabyte for a secret', `name: "\${file:GIGABYTE}"`, /^1:8 name/, /larger than 1 MiB/],
  ['a symlink to itself for a secret', `name: "\${file:LOOP}"`, /^1:8 name/, /cannot be read \(ELOOP\)/],
  [
    'a symlink to itself for a function',
    'functions: { a: LOOP }',
    /^1:14 functions.a|^1:17 functions.a/,
    /cannot be read \(ELOOP\)/,
  ],
]

/** The mistakes of a configuration, each as `line:column path: message`, and the least milliseconds of three readings. */
async function refusal(path: string): Promise<{ readonly told: readonly string[]; readonly ms: number }> {
  let [ms, told] = [Number.POSITIVE_INFINITY, [] as readonly string[]]
  for (let time = 0; time < 3; time += 1) {
    const begun = performance.now()
    const error = await loadConfig(path, { connectors, env: {} }).catch((thrown: unknown) => thrown)
    ms = Math.min(ms, performance.now() - begun)
    told = ((error as ConfigError).problems ?? []).map(
      ({ line, column, path: at, message }) => `${line}:${column} ${at}: ${message}`,
    )
  }
  return { told, ms }
}

let folders = 0
/** A folder with what the cases name in it. */
function prepare(text: string): string {
  const folder = join(root, `${folders++}`)
  mkdirSync(folder)
  symlinkSync('LOOP', join(folder, 'LOOP'))
  writeFileSync(join(folder, 'GIGABYTE'), '')
  truncateSync(join(folder, 'GIGABYTE'), 2 ** 30)
  execFileSync('mkfifo', [join(folder, 'PIPE')])
  writeFileSync(join(folder, 'hostile.yaml'), text)
  return join(folder, 'hostile.yaml')
}

describe('row 30: refused within 200 ms, with its place', () => {
  test.each(CASES)('%s', async (_, text, place, message) => {
    const { told, ms } = await refusal(prepare(text))
    expect(told.length).toBeGreaterThan(0)
    expect(
      told.some((line) => place.test(line) && message.test(line)),
      told.join('\n').slice(0, 2_000),
    ).toBe(true)
    expect(ms).toBeLessThan(200)
    expect(Object.getOwnPropertyNames(Object.prototype).toSorted()).toEqual(PROTOTYPE)
    expect({}).not.toHaveProperty('polluted')
  })

  test('a gigabyte of configuration, itself and among others', async () => {
    const file = prepare('name: x')
    truncateSync(file, 2 ** 30)
    for (const path of [file, join(file, '..')]) {
      const { told, ms } = await refusal(path)
      expect(told).toEqual([expect.stringMatching(/^1:1 : the file has 1073741824 bytes; at most/)])
      expect(ms).toBeLessThan(200)
    }
  })
})
