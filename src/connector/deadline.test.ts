/** What ends a deadline, and what does not any more. */

import { getEventListeners, once } from 'node:events'
import { expect, test } from 'vitest'
import { Deadline } from './deadline.ts'

const LONG_MS = 60_000

test('the signal ends at its time, and says so', async () => {
  const deadline = new Deadline(5, new AbortController().signal)
  await once(deadline.signal, 'abort')
  expect(deadline.passed).toBe(true)
  expect(deadline.signal.reason).toMatchObject({ name: 'TimeoutError' })
})

test('the first of the others ends it, with its reason; its time has not passed', () => {
  const [one, other] = [new AbortController(), new AbortController()]
  const deadlines = [1, 2].map(() => new Deadline(LONG_MS, one.signal, other.signal))
  const reason = new Error('the gateway stops')
  other.abort(reason)
  one.abort(new Error('later'))
  for (const { passed, signal } of deadlines) expect([signal.reason, passed]).toEqual([reason, false])
  for (const deadline of deadlines) deadline.end()
})

test('one that has ended already ends it at once', () => {
  const reason = new Error('before')
  const deadline = new Deadline(LONG_MS, AbortSignal.abort(reason))
  expect(deadline.signal.reason).toBe(reason)
  deadline.end()
})

test('once the work is over nothing ends the signal any more', async () => {
  const whole = new AbortController()
  const over = new Deadline(1, whole.signal)
  over.end()
  // Of the same list of timers, behind it.
  const later = new Deadline(1)
  await once(later.signal, 'abort')
  whole.abort()
  expect([over.signal.aborted, over.passed]).toEqual([false, false])
})

test('ten thousand that are over leave nothing on the signal that they were for, one at a time or all at once', () => {
  const whole = new AbortController()
  const listeners = () => getEventListeners(whole.signal, 'abort').length
  const most = Array.from({ length: 10_000 }, () => {
    const deadline = new Deadline(LONG_MS, whole.signal)
    const held = listeners()
    deadline.end()
    deadline.end()
    return held
  })
  expect([Math.max(...most), listeners()]).toEqual([1, 0])
  const open = Array.from({ length: 10_000 }, () => new Deadline(Number.POSITIVE_INFINITY, whole.signal))
  expect(listeners()).toBe(1)
  for (const deadline of open.splice(1)) deadline.end()
  expect(listeners()).toBe(1)
  whole.abort()
  expect(open[0]?.signal.aborted).toBe(true)
  open[0]?.end()
  expect(listeners()).toBe(0)
})

test.each([Number.POSITIVE_INFINITY, 30 * 86_400_000])('one of %d ms does not end at once', async (ms) => {
  const long = new Deadline(ms)
  const later = new Deadline(5)
  await once(later.signal, 'abort')
  expect([long.signal.aborted, long.passed]).toEqual([false, false])
  long.end()
})
