/** Slots on ordinary days and on those on which clocks change, read off without waiting. */

import { describe, expect, test } from 'vitest'
import { isTimezone, Slots, scheduleProblem } from './slots.ts'

const slots = (schedule: string, timezone: string, from: string, to: string): string[] =>
  [...new Slots(schedule, timezone).between(Date.parse(from), Date.parse(to))].map((at) =>
    new Date(at).toISOString().replace(':00.000Z', 'Z'),
  )

test('five fields, six fields, names, nicknames', () => {
  expect(slots('30 2 * * MON', 'UTC', '2026-11-20T00:00Z', '2026-12-01T00:00Z')).toEqual([
    '2026-11-23T02:30Z',
    '2026-11-30T02:30Z',
  ])
  expect(slots('*/20 59 23 31 DEC *', 'UTC', '2026-12-31T00:00Z', '2027-01-01T00:00Z')).toEqual([
    '2026-12-31T23:59Z',
    '2026-12-31T23:59:20.000Z',
    '2026-12-31T23:59:40.000Z',
  ])
  expect(slots('@daily', 'UTC', '2026-11-20T00:00Z', '2026-11-22T00:00Z')).toEqual([
    '2026-11-21T00:00Z',
    '2026-11-22T00:00Z',
  ])
})

test('the first bound is outside, the second inside', () => {
  expect(slots('* * * * *', 'UTC', '2026-11-20T10:00Z', '2026-11-20T10:02Z')).toEqual([
    '2026-11-20T10:01Z',
    '2026-11-20T10:02Z',
  ])
  expect(slots('* * * * *', 'UTC', '2026-11-20T10:00Z', '2026-11-20T10:00:59Z')).toEqual([])
})

describe.each([
  ['Europe/Berlin', '2026-03-29', '2026-10-25', '+01:00', '+02:00'],
  ['America/New_York', '2026-03-08', '2026-11-01', '-05:00', '-04:00'],
])('in %s', (zone, forward, back, winter, summer) => {
  const daily = (day: string, offset: string, next: string) =>
    slots('30 2 * * *', zone, `${day}T00:00${offset}`, `${day}T23:00${next}`)
  // In New York clocks go back at 02:00 and repeat 01:30; in Berlin at 03:00 and repeat 02:30.
  const repeated = zone === 'Europe/Berlin' ? '02' : '01'

  test('a time that does not exist is made up for when the gap ends', () => {
    expect(daily(forward, winter, summer)).toEqual([at(`${forward}T03:00${summer}`)])
  })

  test('a time that comes twice counts once, the first time', () => {
    expect(slots(`30 ${repeated} * * *`, zone, `${back}T00:00${summer}`, `${back}T23:00${winter}`)).toEqual([
      at(`${back}T${repeated}:30${summer}`),
    ])
  })

  test('a schedule for every hour follows real time on both days', () => {
    expect(slots('15 * * * *', zone, `${forward}T00:00${winter}`, `${forward}T23:59${summer}`)).toHaveLength(23)
    expect(slots('15 * * * *', zone, `${back}T00:00${summer}`, `${back}T23:59${winter}`)).toHaveLength(25)
  })

  test('several times inside the gap are made up for once, and not when the schedule names its end as well', () => {
    const times = (schedule: string) => slots(schedule, zone, `${forward}T00:00${winter}`, `${forward}T12:00${summer}`)
    expect(times('*/15 2 * * *')).toEqual([at(`${forward}T03:00${summer}`)])
    expect(times('0 2,3 * * *')).toEqual([at(`${forward}T03:00${summer}`)])
  })
})

test('clocks that change by half an hour', () => {
  const zone = 'Australia/Lord_Howe'
  expect(slots('45 1 * * *', zone, '2026-04-04T13:00Z', '2026-04-05T13:00Z')).toEqual(['2026-04-04T14:45Z'])
  expect(slots('15 2 * * *', zone, '2026-10-03T13:30Z', '2026-10-04T12:00Z')).toEqual([at('2026-10-04T02:30+11:00')])
})

test('six zones: once on each day of the months in which clocks change', () => {
  for (const zone of [
    'UTC',
    'Europe/London',
    'Asia/Kolkata',
    'America/St_Johns',
    'Pacific/Chatham',
    'Africa/Casablanca',
  ]) {
    expect(slots('30 2 * * *', zone, '2026-02-10T12:00Z', '2026-04-10T12:00Z'), zone).toHaveLength(59)
    expect(slots('30 2 * * *', zone, '2026-09-20T12:00Z', '2026-11-08T12:00Z'), zone).toHaveLength(49)
  }
})

test('looks next where a slot may be', () => {
  const look = (schedule: string, now: string, zone = 'UTC') =>
    new Date(new Slots(schedule, zone).nextLook(Date.parse(now))).toISOString().slice(11, 19)
  expect(look('* * * * *', '2026-11-20T10:00:00Z')).toBe('10:01:00')
  expect(look('* * * * *', '2026-11-20T10:00:59.999Z')).toBe('10:01:00')
  expect(look('10,40 * * * * *', '2026-11-20T10:00:10Z')).toBe('10:00:40')
  expect(look('10,40 * * * * *', '2026-11-20T10:00:40Z')).toBe('10:01:10')
  // The end of a gap is a full minute, whatever second the schedule names.
  expect(look('10 0 2 * * *', '2026-11-20T10:00:40Z', 'Europe/Berlin')).toBe('10:01:00')
})

test('says what is wrong with a schedule or a zone', () => {
  expect(scheduleProblem('0 2 * * *')).toBeUndefined()
  expect(scheduleProblem('0 25 * * *')).toContain('hour')
  expect(scheduleProblem('0 2 * *')).toContain('expected 5 or 6 fields')
  expect(scheduleProblem('0 0 30 2 *')).toBeDefined()
  expect(isTimezone('Europe/Berlin')).toBe(true)
  expect(isTimezone('Europe/Berln')).toBe(false)
})

const at = (time: string): string => new Date(time).toISOString().replace(':00.000Z', 'Z')
