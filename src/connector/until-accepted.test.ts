/** What is offered until it is accepted: with growing pauses, only while there is credit, and until the signal. */

import { expect, test } from 'vitest'
import { GatewayError } from '../errors.ts'
import type { Credit } from './connector.ts'
import { UntilAccepted } from './until-accepted.ts'

const full = (retryAfterMs?: number) =>
  new GatewayError('JOURNAL_FULL', 'journal: full', retryAfterMs === undefined ? {} : { retryAfterMs })
const open: Credit = { refusal: () => undefined, wait: async () => {} }
const offers = (signal: AbortSignal, credit = open) => new UntilAccepted({ credit, signal, firstMs: 10, longestMs: 40 })

test('it is offered again after growing pauses, never shorter than asked for, and each refusal is told', async () => {
  const at: number[] = []
  const told: string[] = []
  const emit = async () => {
    at.push(performance.now())
    if (at.length === 4) throw full(100)
    if (at.length < 6) throw new Error('on purpose')
    return 'taken'
  }
  const { signal } = new AbortController()
  expect(await offers(signal).offer(emit, ({ code }) => void told.push(code))).toBe('taken')
  expect(told).toEqual(['INTERNAL', 'INTERNAL', 'INTERNAL', 'JOURNAL_FULL', 'INTERNAL'])
  const pauses = at.slice(1).map((time, index) => time - (at[index] ?? 0))
  for (const [index, least] of [10, 20, 40, 100, 40].entries()) expect(pauses[index]).toBeGreaterThan(least - 2)
})

test('without credit it is not offered, and is once there is some', async () => {
  const room = Promise.withResolvers<void>()
  let isFull = true
  const credit: Credit = { refusal: () => (isFull ? full() : undefined), wait: () => room.promise }
  let offered = 0
  const offer = offers(new AbortController().signal, credit).offer(
    async () => {
      offered += 1
    },
    () => {},
  )
  await new Promise(setImmediate)
  expect(offered).toBe(0)
  isFull = false
  room.resolve()
  await offer
  expect(offered).toBe(1)
})

test('it ends with the signal, in a pause and in the middle of an emit that rejects then', async () => {
  for (const inPause of [true, false]) {
    const leave = new AbortController()
    const emit = async () => {
      if (!inPause) leave.abort(new Error('enough'))
      throw full(60_000)
    }
    const offer = offers(leave.signal).offer(emit, () => {
      if (inPause) setImmediate(() => leave.abort(new Error('enough')))
    })
    await expect(offer).rejects.toThrow('enough')
  }
})
