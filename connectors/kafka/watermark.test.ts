/** The watermark against a model: the lowest offset that is not settled, whatever the order. */

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Watermark } from './watermark.ts'

test('nothing taken: nothing to commit', () => {
  expect(new Watermark().next).toBeUndefined()
})

test('stands at the lowest offset that is not settled, gaps of a compacted log included', () => {
  const watermark = new Watermark()
  for (const offset of [5, 6, 9, 20]) watermark.take(offset)
  expect([watermark.next, watermark.open]).toEqual([5, 4])
  watermark.settle(6)
  watermark.settle(20)
  expect([watermark.next, watermark.open]).toEqual([5, 2])
  watermark.settle(5)
  expect(watermark.next).toBe(7)
  watermark.settle(9)
  expect([watermark.next, watermark.open]).toEqual([21, 0])
})

test('agrees with the model in any order', () => {
  const orders = fc
    .uniqueArray(fc.integer({ min: 0, max: 10_000 }), { minLength: 1, maxLength: 3_000 })
    .chain((offsets) => {
      const sorted = offsets.toSorted((a, b) => (a < b ? -1 : 1))
      return fc.tuple(fc.constant(sorted), fc.shuffledSubarray(sorted))
    })
  fc.assert(
    fc.property(orders, ([sorted, settled]) => {
      const watermark = new Watermark()
      for (const offset of sorted) watermark.take(offset)
      for (const offset of settled) watermark.settle(offset)
      const open = sorted.filter((offset) => !settled.includes(offset))
      const below = sorted.filter((offset) => open[0] === undefined || offset < open[0]).at(-1)
      expect(watermark.open).toBe(open.length)
      expect(watermark.next).toBe(below === undefined ? sorted[0] : below + 1)
    }),
    { numRuns: 50 },
  )
})
