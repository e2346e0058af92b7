/** The newest names against a model: a list of pairs. */

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Recent } from './recent.ts'

test('it finds what a list of pairs finds, newest first, whatever was added, removed and forgotten', () => {
  const step = fc.record({
    hash: fc.integer({ min: 0, max: 3 }),
    event: fc.integer({ min: 0, max: 9 }),
    removes: fc.boolean(),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), fc.integer({ min: 0, max: 9 }), (steps, before) => {
      const recent = new Recent()
      let model: [hash: number, event: number][] = []
      for (const { hash: low, event, removes } of steps) {
        // Two of one head, and two of one hash.
        const hash = low * 2 ** 40 + (low >> 1)
        if (removes) recent.remove(hash, event)
        else recent.add(hash, event)
        if (!removes) model.push([hash, event])
        const at = removes ? model.findLastIndex((one) => one[0] === hash && one[1] === event) : -1
        if (at >= 0) model.splice(at, 1)
      }
      recent.forget(before)
      model = model.filter(([, event]) => event >= before)
      const all: [number, number][] = []
      recent.each((hash, event) => all.push([hash, event]))
      expect(all).toEqual(model)
      for (const low of [0, 1, 2, 3]) {
        const hash = low * 2 ** 40 + (low >> 1)
        const seen: number[] = []
        recent.find(hash, (event) => seen.push(event) === 0)
        expect(recent.has(hash)).toBe(seen.length > 0)
        expect(seen).toEqual(model.flatMap(([of, event]) => (of === hash ? [event] : [])).reverse())
      }
    }),
  )
})

test('it grows, and everything in it is found still', () => {
  const recent = new Recent()
  for (let event = 0; event < 5_000; event++) recent.add(event * 977, event)
  for (const event of [0, 1, 1_023, 1_024, 4_999])
    expect(recent.find(event * 977, (other) => other === event)).toBe(event)
  expect(recent.find(1, () => true)).toBeUndefined()
})
