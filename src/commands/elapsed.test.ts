/** How a stretch of time reads. */

import { expect, test } from 'vitest'
import { elapsed } from './elapsed.ts'

test.each([
  [0, '0 ms'],
  [0.0214, '0.021 ms'],
  [9.96, '10 ms'],
  [11.4, '11 ms'],
  [999, '999 ms'],
  [3_440, '3.4 s'],
  [59_000, '59 s'],
  [90_000, '1.5 min'],
  [7_200_000, '2 h'],
  [8.64e8, '10 d'],
])('%d ms reads %s', (ms, text) => {
  expect(elapsed(ms)).toBe(text)
})
