/** A file full of mistakes is refused soon, and in few words. */

import { expect, test } from 'vitest'
import { parseConfig } from './load.ts'
import type { ConfigError } from './problem.ts'
import { firstOfEach } from './told.ts'

const refusal = (yaml: string): ConfigError => {
  try {
    parseConfig(yaml, 'x.yaml', { connectors: [], env: {} })
  } catch (error) {
    return error as ConfigError
  }
  throw new Error('it was taken')
}

const MANY = 10_000
const each = (line: (n: number) => string): string => Array.from({ length: MANY }, (_, n) => line(n)).join('')

test.each([
  ['duplicate keys', `routes:\n${'  a: 1\n'.repeat(MANY)}`, '9949 more mistakes stand below'],
  ['duplicate keys in one line', `routes: { ${'a: 1, '.repeat(MANY)} }`, '9949 more mistakes stand below'],
  ['variables that are not set', `routes:\n${each((n) => `  k${n}: \${NOPE}\n`)}`, '9950 more mistakes stand below'],
  [
    'names that are none',
    `sinks:\n${each((n) => `  k${n}: {}\n`)}`,
    '9950 more like x.yaml:2: expected one technology',
  ],
  ['tags', 'a: !x 1\n'.repeat(MANY), 'x.yaml:20:4'],
])('%s: the first of a kind are told', (_, yaml, words) => {
  const { problems, message } = refusal(yaml)
  expect(problems.length).toBeLessThanOrEqual(52)
  expect(problems.length).toBeGreaterThanOrEqual(20)
  expect(message).toContain(words)
  expect(message.length).toBeLessThan(20_000)
})

test('a mistake of another kind is told among many of one', () => {
  const { message } = refusal(`sinks:\n${each((n) => `  k${n}: {}\n`)}brokr: {}\n`)
  expect(message).toContain('did you mean "broker"?')
})

test('the first of each takes one look at each, and ends when it has enough', () => {
  let looks = 0
  const keyOf = (n: number) => {
    looks++
    return n % 100
  }
  expect(firstOfEach(Array(MANY).keys(), keyOf, 20)).toEqual([...Array(20).keys()])
  expect(looks).toBe(20)
  expect(firstOfEach(Array(MANY).keys(), (n) => n % 5, 20)).toEqual([0, 1, 2, 3, 4])
})
