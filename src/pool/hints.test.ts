/** When hints hold, on times that are written down. */

import { expect, test } from 'vitest'
import { Hints } from './hints.ts'

const HOUR = 3_600_000
const at = (time: string) => Date.parse(`2026-11-${time}Z`)
const office = { schedule: '0 8 * * MON-FRI', timezone: 'Europe/Berlin', min: 4, forMs: 10 * HOUR }

test('a hint holds from its slot for as long as it says, in its time zone', () => {
  const hints = new Hints([office], 60_000)
  // 20 November 2026 is a Friday; 08:00 in Berlin is 07:00 UTC.
  const wanted = ['20T06:59:59', '20T07:00:00', '20T16:59:59', '20T17:00:00', '21T08:00:00', '23T07:00:01']
  expect(wanted.map((time) => hints.wanted(at(time)))).toEqual([0, 4, 4, 0, 0, 4])
})

test('one that does not say holds for as long as instances may idle', () => {
  const hints = new Hints([{ schedule: '0 * * * *', timezone: 'UTC', min: 2 }], 60_000)
  expect(['20T10:00:00', '20T10:00:59', '20T10:01:00'].map((time) => hints.wanted(at(time)))).toEqual([2, 2, 0])
})

test('of several the largest counts', () => {
  const noon = { schedule: '0 12 * * *', timezone: 'UTC', min: 9, forMs: HOUR }
  const hints = new Hints([office, noon], 60_000)
  expect(['20T11:00:00', '20T12:30:00', '20T13:30:00'].map((time) => hints.wanted(at(time)))).toEqual([4, 9, 4])
})

test('it holds after a start in the middle of it, and not after a machine slept through it', () => {
  expect(new Hints([office], 60_000).wanted(at('20T10:00:00'))).toBe(4)
  const hints = new Hints([office], 60_000)
  expect(hints.wanted(at('20T06:00:00'))).toBe(0)
  expect(hints.wanted(at('20T20:00:00'))).toBe(0)
})

test('a clock that is set goes for what it says', () => {
  const hints = new Hints([office], 60_000)
  expect(hints.wanted(at('20T09:00:00'))).toBe(4)
  expect(hints.wanted(at('20T05:00:00'))).toBe(0)
  expect(hints.wanted(at('20T07:30:00'))).toBe(4)
  // By a little only: nothing is made anew for it.
  expect(hints.wanted(at('20T07:29:30'))).toBe(4)
  expect(hints.wanted(at('25T05:00:00'))).toBe(0)
})
