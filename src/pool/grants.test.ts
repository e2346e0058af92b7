/** The line of YAML that a denial names: what was asked for stands in it as text, whatever it holds. */

import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { flow, hostOf, type Wanted, wanting } from './grants.ts'

const lineOf = (wanted: Wanted): string => ('allow' in wanted ? `allow: ${flow(wanted.allow)}` : wanted.why)

test.each([
  [wanting.http({ host: 'api.example.com' }), 'allow: { http: [api.example.com] }'],
  [
    wanting.http({ host: '10.0.0.5', port: 81, methods: ['PUT'], private: true }),
    'allow: { http: [{ host: "10.0.0.5", port: 81, methods: [PUT] }] }',
  ],
  [
    wanting.http({ host: 'a.example', port: 81, private: true }),
    'allow: { http: [{ host: a.example, port: 81, private: true }] }',
  ],
  [
    wanting.httpLimit('requests', 64, [
      { host: '*.a.example', private: false },
      { host: '10.0.0.5', scheme: 'http', private: true },
      { host: '::1', private: false },
    ]),
    'allow: { http: { to: ["*.a.example", { host: "10.0.0.5", scheme: http }, { host: "::1", private: false }], requests: 64 } }',
  ],
  [wanting.kv('thumbnails'), 'allow: { kv: [thumbnails] }'],
  [wanting.dir('/data', true), 'allow: { dirs: [{ guest: /data, host: <folder>, write: true }] }'],
  [wanting.config('a b'), 'allow: { config: { "a b": <value> } }'],
  [wanting.messaging('publish', 'a/b'), 'allow: { messaging: { publish: [a/b] } }'],
  [wanting.call('resize@2'), 'allow: { call: ["resize@2"] }'],
])('%o', (wanted, line) => expect(lineOf(wanted)).toBe(line))

test.each([
  'a] }\nadmin: { listen: 0.0.0.0 }',
  '"',
  "'",
  '\\',
  '*x',
  '&x',
  '!x',
  '#',
  '- a',
  'a: b',
  'true',
  'Null',
  '12',
  '1e3',
  ' ',
  '\u001b[31m',
  '\u0085\u2028\u202e',
  '$HOME{',
  'ü',
])('a name that is more than a name: %j', (name) => {
  const line = lineOf(wanting.call(name))
  expect(parse(line)).toEqual({ allow: { call: [name] } })
  expect(line).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u)
})

test('a name that would be a variable is none', () => {
  expect(lineOf(wanting.call(`a\${HOME}`))).toBe(`allow: { call: ["a$\${HOME}"] }`)
})

test.each([
  wanting.http({ host: '-a-' }),
  wanting.http({ host: 'x'.repeat(10_000) }),
  wanting.httpLimit('requests', 1_001, []),
  wanting.kv('x'.repeat(10_000)),
  wanting.kv('../a'),
  wanting.dir(`/${'x'.repeat(10_000)}`, true),
  wanting.config(''),
  wanting.messaging('publish', '#'),
  wanting.messaging('publish', '$SYS/a'),
  wanting.call(''),
])('what no configuration can hold is not advised: %o', (wanted) => {
  expect(wanted).not.toHaveProperty('allow')
  expect(lineOf(wanted).length).toBeLessThan(300)
})

test.each([
  ['0x7f.1', '127.0.0.1'],
  ['2130706433', '127.0.0.1'],
  ['[::ffff:127.0.0.1]', '::ffff:7f00:1'],
  ['LOCALHOST.', 'localhost'],
  ['bücher.example', 'xn--bcher-kva.example'],
  ['a@b', undefined],
  ['a\\b', undefined],
  ['a%2fb', undefined],
  ['[::1%25lo]', undefined],
  ['.', undefined],
])('the host %s is %s', (text, host) => expect(hostOf(text)).toBe(host))
