/** In which steps dead letters are redriven. */

import { expect, test } from 'vitest'
import { steps } from './redrive.ts'

const sizes = (count: number, careful: boolean, rate?: number): readonly number[] =>
  [...steps(Array.from({ length: count }), careful, rate)].map(({ length }) => length)

test('with care: one, ten, then the rest', () => {
  expect(sizes(0, true)).toEqual([])
  expect(sizes(1, true)).toEqual([1])
  expect(sizes(5, true)).toEqual([1, 4])
  expect(sizes(250, true)).toEqual([1, 10, 100, 100, 39])
})

test('at a rate: as many as a quarter of a second has, one at least', () => {
  expect(sizes(30, false, 40)).toEqual([10, 10, 10])
  expect(sizes(3, false, 1)).toEqual([1, 1, 1])
  expect(sizes(12, true, 20)).toEqual([1, 5, 5, 1])
})

test('every letter is in one step', () => {
  const letters = Array.from({ length: 333 }, (_, at) => at)
  expect([...steps(letters, true, 100)].flat()).toEqual(letters)
})
