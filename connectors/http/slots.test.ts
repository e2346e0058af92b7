/** The bound on emits under way: order, refusal, and that a slot comes back whatever the work does. */

import { expect, test } from 'vitest'
import { GatewayError } from '#connector'
import { Slots } from './slots.ts'

const slots = (limit: number, queued: number) =>
  new Slots(limit, queued, () => new GatewayError('OVERLOADED', 'test (http): accepting: full'))

test('runs at most so many, the rest in order, and refuses beyond the queue', async () => {
  const gates = Array.from({ length: 4 }, () => Promise.withResolvers<void>())
  const begun: number[] = []
  const bound = slots(2, 2)
  const all = gates.map(({ promise }, i) =>
    bound.run(async () => {
      begun.push(i)
      await promise
    }),
  )
  await Promise.resolve()
  expect(begun).toEqual([0, 1])
  expect(bound.full).toBe(true)
  await expect(bound.run(async () => {})).rejects.toMatchObject({ code: 'OVERLOADED' })
  gates[1]?.resolve()
  await all[1]
  gates[0]?.resolve()
  await all[0]
  for (const { resolve } of gates) resolve()
  await Promise.all(all)
  expect(begun).toEqual([0, 1, 2, 3])
  await bound.idle()
})

test('work that throws gives its slot back', async () => {
  const bound = slots(1, 0)
  await expect(bound.run(() => Promise.reject(new Error('no')))).rejects.toThrow('no')
  await expect(
    bound.run(() => {
      throw new Error('at once')
    }),
  ).rejects.toThrow('at once')
  expect(await bound.run(async () => 7)).toBe(7)
  await bound.idle()
})
