/** What ends a deadline, and what does not any more. */

import { once } from 'node:events'
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
