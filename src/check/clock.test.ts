/** The virtual clock: order, and that time never goes back. */

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { VirtualClock } from './clock.ts'

test('time never goes back, and what is set happens in order, each at its time or, when that has passed, now', async () => {
  const offsets = fc.array(fc.integer({ min: -50, max: 1_000 }), { maxLength: 20 })
  await fc.assert(
    fc.asyncProperty(
      offsets,
      offsets,
      fc.array(fc.integer({ min: -100, max: 400 }), { maxLength: 5 }),
      async (set, later, moves) => {
        const clock = new VirtualClock(1_000)
        const seen: number[] = [clock.now()]
        const ring = (offset: number) => {
          const at = clock.now() + offset
          clock.at(at, () => {
            expect(clock.now()).toBeGreaterThanOrEqual(at)
            seen.push(clock.now())
            const next = later.pop()
            if (next !== undefined) ring(next)
          })
        }
        for (const offset of set) ring(offset)
        for (const move of moves) {
          await clock.advance(clock.now() + move)
          seen.push(clock.now())
        }
        while (await clock.step());
        seen.push(clock.now())
        expect(seen).toEqual(seen.toSorted((a, b) => a - b))
      },
    ),
    { numRuns: 100 },
  )
})

test('it stands still while work goes on that takes real time', async () => {
  const clock = new VirtualClock(0)
  const work = Promise.withResolvers<void>()
  let ended = 0
  clock.at(5, () => undefined)
  void clock.hold(work.promise).then(() => {
    ended = clock.now()
    clock.at(clock.now() + 1, () => undefined)
  })
  const passed = clock.advance(10)
  await new Promise((resolve) => setImmediate(resolve))
  expect(clock.now()).toBe(0)
  work.resolve()
  await passed
  expect([ended, clock.now()]).toEqual([0, 10])
})

test('what was taken back does not happen, and whoever waits is told of an abort', async () => {
  const clock = new VirtualClock(0)
  clock.at(1, () => expect.fail('it rang'))()
  const waiting = clock.until(10, AbortSignal.abort(new Error('enough')))
  await expect(waiting).rejects.toThrow('enough')
  expect(await clock.step()).toBe(false)
})
