/** Credit is refused for each of its reasons, says which, and comes back. */

import { expect, onTestFinished, test, vi } from 'vitest'
import { GatewayError } from '../errors.ts'
import type { JournalStats } from '../journal/journal.ts'
import { JournalCredit } from './credit.ts'

const limits = { appends: 2, pending: 10, bytes: 1_000 }
const empty: JournalStats = { events: 0, pending: 0, dead: 0, bytes: 0, lanes: [] }
const open = (stats: Partial<JournalStats> = {}) => new JournalCredit(limits, () => ({ ...empty, ...stats }))

test('there is room below every limit', () => {
  expect(open({ pending: 9, bytes: 999 }).refusal()).toBeUndefined()
})

test.each([
  ['a full journal', { bytes: 1_000 }, 'JOURNAL_FULL', '"journal.max_size"'],
  ['too many that wait', { pending: 10 }, 'OVERLOADED', '10 deliveries wait already'],
])('%s is refused, with its reason and when to come back', (_, stats, code, reason) => {
  expect(open(stats).refusal()).toMatchObject({ code, retryAfterMs: 1_000, message: expect.stringContaining(reason) })
})

test('appends under way are counted for as long as they take', async () => {
  const credit = open()
  const gate = Promise.withResolvers<void>()
  const held = [credit.hold(gate.promise), credit.hold(gate.promise)]
  expect(credit.refusal()?.code).toBe('OVERLOADED')
  gate.resolve()
  await Promise.all(held)
  expect(credit.refusal()).toBeUndefined()
})

test('a gateway that stops takes nothing', () => {
  const credit = open()
  credit.close()
  expect(credit.refusal()?.code).toBe('STOPPING')
})

test('waiting ends when there is room, and with the signal', async () => {
  const credit = open()
  const gate = Promise.withResolvers<void>()
  const held = [credit.hold(gate.promise), credit.hold(gate.promise)]
  const waiting = credit.wait(AbortSignal.timeout(5_000))
  await expect(credit.wait(AbortSignal.abort(new Error('enough')))).rejects.toThrow('enough')
  gate.resolve()
  await Promise.all(held)
  await waiting
})

test('an append that found no room is remembered', async () => {
  const credit = open()
  expect(credit.full).toBe(false)
  await expect(credit.hold(Promise.reject(new GatewayError('JOURNAL_FULL', 'no room')))).rejects.toThrow('no room')
  expect(credit.full).toBe(true)
})

test('half of the room is told: of the bytes, or of the deliveries that wait', () => {
  const at = (bytes: number, pending: number) =>
    new JournalCredit({ appends: 1, bytes: 100, pending: 10 }, () => ({ bytes, pending })).crowded
  expect([at(49, 4), at(50, 0), at(0, 5)]).toEqual([false, true, true])
})

test('whether its limit has room for an event, with what is held now and with nothing', () => {
  const event = { specversion: '1.0', id: 'e', source: '/s', type: 't', data: new Uint8Array(400) } as const
  expect(open().hasRoomFor(event)).toBe(true)
  expect(open({ bytes: 500 }).hasRoomFor(event)).toBe(false)
  expect(open({ bytes: 500 }).couldHold([event])).toBe(true)
  expect(open().couldHold([event, event])).toBe(false)
})

test('after an append that found no room one of those who wait tries again, and the others once it has', async () => {
  // By the clock of the machine a thousand may take longer to come than the rest after an append lasts.
  vi.useFakeTimers({ toFake: ['performance', 'setInterval', 'clearInterval'] })
  onTestFinished(() => void vi.useRealTimers())
  const credit = open()
  const full = new GatewayError('JOURNAL_FULL', 'no room')
  await credit.hold(Promise.reject(full)).catch(() => undefined)
  expect(credit.refusal()).toMatchObject({ code: 'JOURNAL_FULL' })
  let tries = 0
  let isFull = true
  const done: number[] = []
  const leave = new AbortController()
  const offer = async (name: number): Promise<void> => {
    for (;;) {
      await credit.wait(leave.signal)
      tries += 1
      const append = isFull ? Promise.reject(full) : Promise.resolve()
      const isIn = await credit.hold(append).then(
        () => true,
        () => false,
      )
      if (isIn) return void done.push(name)
    }
  }
  const offers = Array.from({ length: 1_000 }, (_, name) => offer(name))
  await vi.advanceTimersByTimeAsync(1_000)
  expect(tries).toBeGreaterThan(2)
  expect(tries).toBeLessThan(100)
  isFull = false
  await vi.advanceTimersByTimeAsync(1_000)
  await Promise.all(offers)
  expect(new Set(done).size).toBe(1_000)
})
