/** Row 27 of the fault matrix, on the whole gateway: nine months in jumps, over every change to and from summer time in six zones. */

import { expect, test } from 'vitest'
import { eventually } from '../../services/eventually.ts'
import { startGateway } from '../../services/gateway.ts'
import { Receiver } from '../../services/receiver.ts'
import { describeWith } from '../../services/service.ts'
import { WHOLE } from '../faults.ts'
import { SetClock } from './clock.ts'

/** The time that each is without for an hour, or half of one, in spring, and has twice in autumn; the last two have neither. */
const ZONES = [
  ['Europe/Berlin', '30 2 * * *'],
  ['America/New_York', '30 2 * * *'],
  ['Australia/Lord_Howe', '15 2 * * *'],
  ['Pacific/Chatham', '0 3 * * *'],
  ['Asia/Kolkata', '30 2 * * *'],
  ['UTC', '30 2 * * *'],
] as const

const DAY = 86_400_000
/** Of a year that the machine which runs the tests has not come to; with three of the seven changes, or with all. */
const FROM = Date.UTC(2047, 2, 1, 12)
const TO = WHOLE ? Date.UTC(2047, 10, 20, 12) : Date.UTC(2047, 3, 10, 12)
const JUMP = 20 * DAY

const config = (sink: string) => `
sinks: { out: { http: { url: "${sink}", allow: [127.0.0.1] } } }
sources:
${ZONES.map(([zone, schedule], at) => `  daily${at}: { cron: { schedule: "${schedule}", timezone: ${zone}, catch_up: 31d } }`).join('\n')}
  hourly: { cron: { schedule: "0 * * * *", timezone: Europe/Berlin, catch_up: 31d } }
routes:
  ticks: { from: [${ZONES.map((_, at) => `daily${at}`).join(', ')}, hourly], to: out }
`

const dateIn = (zone: string, at: number): string =>
  new Intl.DateTimeFormat('sv-SE', { timeZone: zone, year: 'numeric', month: '2-digit', day: '2-digit' }).format(at)

describeWith(['libfaketime'], 'row 27', () => {
  test('a daily time that does not exist, or comes twice, is one tick of its date; each hour that passes is one', async () => {
    using clock = new SetClock()
    clock.setTo(FROM)
    await using receiver = await Receiver.open()
    await using gateway = await startGateway({ config: config(receiver.url), env: clock.env })
    const slotsOf = (source: string): readonly number[] =>
      receiver.received
        .flatMap(({ headers }) => `${headers['ce-id']}`.match(new RegExp(`^${source}/(.*)$`))?.[1] ?? [])
        .map((time) => Date.parse(time))
        .sort((one, other) => one - other)
    for (let at = FROM + JUMP; ; at += JUMP) {
      const to = Math.min(at, TO)
      clock.setTo(to)
      await eventually(() => (slotsOf('hourly').at(-1) ?? 0) >= to - 3_600_000, {
        what: `the hours up to ${new Date(to).toISOString()}`,
        withinMs: 60_000,
        everyMs: 100,
        progress: () => receiver.received.length,
      })
      if (to === TO) break
    }
    const whole = (at: number) => at > FROM && at <= TO
    const expected = Array.from({ length: (TO - FROM) / 3_600_000 }, (_, at) => FROM + (at + 1) * 3_600_000)
    const hours = () => slotsOf('hourly').filter(whole)
    // Deliveries are many at once: the last may come before others.
    const isAll = (slots: readonly number[]): boolean => {
      const [first = TO, last = FROM] = [slots[0], slots.at(-1)]
      return first <= FROM + 1.1 * DAY && last > TO - 1.1 * DAY && slots.length > Math.round((last - first) / DAY)
    }
    await eventually(() => hours().length >= expected.length && ZONES.every((_, at) => isAll(slotsOf(`daily${at}`))), {
      what: 'each hour, and each day of each zone',
      withinMs: 60_000,
      everyMs: 100,
      progress: () => receiver.received.length,
      detail: () => JSON.stringify([hours().length, ...ZONES.map((_, at) => slotsOf(`daily${at}`).length)]),
    })
    expect(hours()).toEqual(expected)
    for (const [at, [zone]] of ZONES.entries()) {
      const dates = slotsOf(`daily${at}`).map((slot) => dateIn(zone, slot))
      const first = Date.parse(dates[0] ?? '')
      expect(dates).toEqual(dates.map((_, day) => new Date(first + day * DAY).toISOString().slice(0, 10)))
    }
    console.log(
      JSON.stringify({ row: 27, name: 'summer time', hours: expected.length, days: slotsOf('daily0').length }),
    )
    expect(gateway.output()).not.toContain('ticks were left out')
  })
})
