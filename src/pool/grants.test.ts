/** The line of YAML that a denial names: what was asked for stands in it as text, whatever it holds. */

import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { wanting } from './grants.ts'

const lineOf = (wanted: ReturnType<typeof wanting.kv> | ReturnType<typeof wanting.outside>): string =>
  'line' in wanted ? wanted.line : wanted.why

test.each([
  [wanting.http({ host: 'api.example.com' }), 'allow: { http: [api.example.com] }'],
  [
    wanting.http({ host: '10.0.0.5', port: 81, methods: ['PUT'], private: true }),
    'allow: { http: [{ host: "10.0.0.5", port: 81, methods: [PUT], private: true }] }',
  ],
  [wanting.httpLimit('requests', '64'), 'allow: { http: { requests: 64 } }'],
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
  '',
  ' ',
  '\u001b[31m',
  '\u0085\u2028\u202e',
  '$HOME{',
  'ü',
])('a name that is more than a name: %j', (name) => {
  const line = lineOf(wanting.kv(name))
  expect(parse(line)).toEqual({ allow: { kv: [name] } })
  expect(line).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u)
})

test('a long name is cut', () => {
  expect(lineOf(wanting.kv('x'.repeat(10_000))).length).toBeLessThan(300)
})
