/** Routes that take the same events, and do something else with them. */

import { expect, test } from 'vitest'
import { connectors } from '../../connectors/index.ts'
import { parseConfig } from '../config/index.ts'
import { differing } from './differing.ts'

const config = (options: string) =>
  parseConfig(
    `functions: { f: f.wasm }
routes: { a: { from: mqtt:a, to: f, ${options} }, b: { from: mqtt:b, to: f } }`,
    'x.yaml',
    { connectors },
  )

test.each<[string, string, readonly string[]]>([
  ['', 'retry: 3', []],
  ['', 'transform: "$"', ['transform']],
  ['transform: "$"', 'transform: "$merge([$, {}])"', ['transform']],
  ['retry: 2, delay: 1s', 'retry: { max: 2, cap: 5m }', ['retry', 'delay']],
  ['', 'when: type == "a"', []],
])('{ %s } and { %s }', (before, after, options) => {
  expect(differing(config(before), config(after))).toEqual(options.length === 0 ? [] : [{ route: 'a', options }])
})

test('a route that one of them has not is no other route', () => {
  const one = config('')
  const { expanded } = config('retry: 9')
  expect(differing(one, { expanded: { ...expanded, routes: {} } })).toEqual([])
})
