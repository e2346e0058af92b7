/** Row 30 of the fault matrix: manifests that are made to hurt are refused at once, each with its place. */

import { expect, test } from 'vitest'
import { mistakes } from '../harness.ts'

const HEAD = 'kind: WasmFunction\nmetadata: { name: f }\nimage: ./f.wasm\n'
/** As it was before anything hostile was read. */
const PROTOTYPE = Object.getOwnPropertyNames(Object.prototype).toSorted()

/** Nine levels of ten: 10^9 values. */
const bomb = Array.from({ length: 10 }, (_, at) => {
  const values = at === 0 ? 'x, '.repeat(10) : `*l${at - 1}, `.repeat(10)
  return `l${at}: &l${at} [${values}]`
}).join('\n')

test.each<[string, string, string]>([
  ['an alias bomb', `${HEAD}${bomb}`, 'aliases repeat more than 10000 values'],
  ['a key that is refused', `${HEAD}environment: { __proto__: { polluted: x } }`, '__proto__: this key is refused'],
  ['a name that is refused', HEAD.replace('name: f', 'name: __proto__'), 'metadata.name: "__proto__" is refused'],
  [
    'a variable that is refused',
    `${HEAD}env: [{ name: __proto__ }]`,
    '4:15 WasmFunction/f.env.0.name: "__proto__" is refused',
  ],
  [
    'a name of every object',
    `${HEAD}environment: { A: a }\nconstructor: 1\ntoString: 2`,
    '"constructor" is not known here',
  ],
  [
    'a type of every object',
    `${HEAD}triggers: [{ triggerType: constructor, config: {} }]`,
    '"constructor" is none of http',
  ],
])('%s', (_, text, expected) => {
  expect(mistakes(text).join('\n')).toContain(expected)
  expect(Object.getOwnPropertyNames(Object.prototype).toSorted()).toEqual(PROTOTYPE)
})

test('a thousand functions of one name are told soon', () => {
  const begun = performance.now()
  const found = mistakes(Array.from({ length: 1_000 }, () => HEAD).join('---\n'))
  expect(found).toHaveLength(50)
  expect(found[0]).toContain('the function "f" is defined twice')
  // A second on an idle machine: what takes the square of it takes minutes.
  expect(performance.now() - begun).toBeLessThan(30_000)
})
