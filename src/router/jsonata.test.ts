/** What is wrong with a JSONata expression, and where. */

import { expect, test } from 'vitest'
import { jsonataProblem } from './jsonata.ts'

test('one that is sound has no problem', () => {
  expect(jsonataProblem('$merge([$, {"subject": data.name}])')).toBeUndefined()
})

test.each([
  ['{"a": }', 6, 'the symbol "}" cannot be used'],
  ['data.amount +', 12, 'unexpected end of expression'],
  ['data.a ! 1', 7, 'unknown operator: "!"'],
  ['"abc', 3, 'string literal must be terminated'],
  ['data[0', 5, 'expected "]" before end of expression'],
])('%s', (text, offset, message) => {
  const problem = jsonataProblem(text)
  expect(problem?.message).toContain(message)
  expect(problem?.offset).toBe(offset)
})

test('one that nests without end is refused soon', () => {
  const started = performance.now()
  expect(jsonataProblem('('.repeat(16_000))?.message).toBe('the expression nests too deep')
  expect(performance.now() - started).toBeLessThan(2_000)
})

test('one without an expression in it, and one that is none any more, are refused', () => {
  expect(jsonataProblem(' \n')?.message).toContain('empty')
  expect(jsonataProblem(`"${'x'.repeat(16_384)}"`)).toEqual({
    offset: 16_384,
    message: expect.stringContaining('at most 16384'),
  })
})
