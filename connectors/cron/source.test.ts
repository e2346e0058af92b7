/** Ticks across restarts, set clocks and refusals, on a clock that the test moves. */

import { expect, test, vi } from 'vitest'
import { MemoryLog, memoryContext } from '#conformance'
import { type Clock, type CloudEvent, type Emit, GatewayError } from '#connector'
import { systemClock } from './clock.ts'
import { cronConfig } from './config.ts'
import { TestClock, TestCursor } from './harness.ts'
import { CronSource } from './source.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const NOON = Date.parse('2026-11-20T12:00:00Z')

class Bench {
  readonly clock = new TestClock(NOON)
  readonly cursor = new TestCursor()
  readonly log = new MemoryLog()
  readonly ids: string[] = []
  emit: Emit = async (event: CloudEvent) => {
    this.ids.push(event.id.slice('tick/2026-11-'.length).replace(':00.000Z', ''))
    return { callId: event.id, duplicate: false, routes: [] }
  }

  async run(options: object = {}, clock: Clock = this.clock): Promise<AsyncDisposable & CronSource> {
    const config = cronConfig.parse({ schedule: '0 * * * *', catch_up: '2h', ...options })
    const context = memoryContext({ name: 'tick', clock, cursor: this.cursor, log: this.log })
    const source = new CronSource(config, context)
    await source.start(this.emit)
    return Object.assign(source, { [Symbol.asyncDispose]: () => source.stop() })
  }

  /** Resolves when the source has seen the clock and waits for it again. */
  async move(ms: number): Promise<void> {
    const { waits } = this.clock
    this.clock.time += ms
    await vi.waitFor(() => expect(this.clock.waits).toBeGreaterThan(waits), 5_000)
  }

  ticks = (...expected: string[]): Promise<void> => vi.waitFor(() => expect(this.ids).toEqual(expected), 5_000)
}

test.each([
  [{ data: { report: 'daily' } }, 'application/json', '{"report":"daily"}'],
  [{ data: '<daily/>', content_type: 'application/xml' }, 'application/xml', '<daily/>'],
])('a tick carries what its options say: %j', async (options, datacontenttype, text) => {
  const bench = new Bench()
  const events: CloudEvent[] = []
  bench.emit = async (event) => {
    events.push(event)
    return { callId: event.id, duplicate: false, routes: [] }
  }
  await using _ = await bench.run(options)
  await bench.move(HOUR)
  await vi.waitFor(() => expect(events).toHaveLength(1), 5_000)
  expect(events[0]).toMatchObject({ datacontenttype })
  expect(Buffer.from(events[0]?.data ?? []).toString()).toBe(text)
})

test('the first start owes nothing for the past, a restart owes what it slept through', async () => {
  const bench = new Bench()
  {
    await using _ = await bench.run()
    await bench.move(HOUR)
    await bench.ticks('20T13:00')
  }
  bench.clock.time += 2 * HOUR
  await using _ = await bench.run()
  await bench.ticks('20T13:00', '20T14:00', '20T15:00')
})

test('a gateway that is killed before its first tick still owes it', async () => {
  const bench = new Bench()
  await (await bench.run()).stop()
  bench.clock.time += 90 * MINUTE
  await using _ = await bench.run()
  await bench.ticks('20T13:00')
})

test('what is older than catch_up is left out, with one line that says how many', async () => {
  const bench = new Bench()
  await (await bench.run()).stop()
  bench.clock.time += 24 * HOUR + MINUTE
  await using _ = await bench.run()
  await bench.ticks('21T11:00', '21T12:00')
  await vi.waitFor(() => expect(bench.log.lines).toHaveLength(1))
  expect(bench.log.lines[0]?.fields).toMatchObject({ source: 'tick', ticks: 22 })
})

test('a changed schedule owes nothing for the time before it', async () => {
  const bench = new Bench()
  await (await bench.run()).stop()
  bench.clock.time += HOUR
  await using _ = await bench.run({ schedule: '*/30 * * * *' })
  await bench.move(30 * MINUTE)
  await bench.ticks('20T13:30')
})

test('ticks do not overlap: one that is not accepted yet holds back the next', async () => {
  const bench = new Bench()
  const gate = Promise.withResolvers<void>()
  const { emit } = bench
  let offered = 0
  bench.emit = async (event) => {
    offered += 1
    await gate.promise
    return emit(event)
  }
  await using _ = await bench.run()
  bench.clock.time += HOUR
  await vi.waitFor(() => expect(offered).toBe(1))
  bench.clock.time += HOUR
  // A few turns of the clock's own timer: an overlapping tick would be offered in the first.
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setTimeout(resolve, 2))
  expect(offered).toBe(1)
  gate.resolve()
  await bench.ticks('20T13:00', '20T14:00')
})

test('a tick that is refused comes again, until it is older than catch_up', async () => {
  const bench = new Bench()
  const { emit } = bench
  let refusals = 0
  bench.emit = async (event) => {
    refusals += 1
    if (refusals <= 2) throw new GatewayError('JOURNAL_FULL', 'journal: no room', { retryAfterMs: 1 })
    return emit(event)
  }
  await using _ = await bench.run()
  await bench.move(HOUR)
  await bench.ticks('20T13:00')
  expect(bench.log.lines.map(({ fields }) => fields)).toMatchObject([
    { code: 'JOURNAL_FULL' },
    { code: 'JOURNAL_FULL' },
  ])
})

test('a clock that jumps ahead loses no tick, one that is set back gives slots their old ids', async () => {
  const bench = new Bench()
  await using _ = await bench.run()
  await bench.move(HOUR + 1)
  await bench.ticks('20T13:00')
  await bench.move(2 * HOUR)
  await bench.ticks('20T13:00', '20T14:00', '20T15:00')
  await bench.move(-3 * HOUR)
  await bench.move(HOUR)
  const hours = ['20T13:00', '20T14:00', '20T15:00', '20T13:00']
  await bench.ticks(...hours)
})

test('the first tick after clocks went forward is the one that the gap swallowed', async () => {
  const bench = new Bench()
  bench.clock.time = Date.parse('2026-03-29T00:00:00Z')
  await using _ = await bench.run({ schedule: '30 2 * * *', timezone: 'Europe/Berlin' })
  await bench.move(HOUR)
  await vi.waitFor(() => expect(bench.cursor.value).toContain('2026-03-29T01:00:00.000Z'))
})

test('ticks by the system clock', async () => {
  const bench = new Bench()
  await using _ = await bench.run({ schedule: '* * * * * *' }, systemClock)
  await vi.waitFor(() => expect(bench.ids.length).toBeGreaterThanOrEqual(2), 10_000)
  expect(new Set(bench.ids).size).toBe(bench.ids.length)
})

test.each([
  [{ schedule: '61 * * * *' }, '"61 * * * *" is not a schedule: minute: 61 is a invalid expression for minute'],
  [{ schedule: '* *' }, '"* *" is not a schedule: expected 5 or 6 fields but got 2'],
  [{ schedule: '0 2 * * *', timezone: 'Europe/Berln' }, '"Europe/Berln" is not a time zone'],
  [{ schedule: '0 2 * * *', catch_up: '60d' }, 'is longer than 31d'],
])('refuses %j', (config, message) => {
  const { error } = cronConfig.safeParse(config)
  expect(error?.issues.map((issue) => issue.message).join()).toContain(message)
})
