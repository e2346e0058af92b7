/** Row 27 of the fault matrix, on the whole gateway: the machine's clock is set ahead and back, while it runs and between two runs. */

import { afterAll, beforeAll, expect, test } from 'vitest'
import { RawClient } from '../../e2e/broker/running.ts'
import { Client, eventOf, HOSTILE, held, settled, unique } from '../../e2e/path/client.ts'
import { eventually } from '../../services/eventually.ts'
import { type GatewayProcess, startGateway } from '../../services/gateway.ts'
import { Receiver, type Reply } from '../../services/receiver.ts'
import { describeWith } from '../../services/service.ts'
import { WHOLE } from '../faults.ts'
import { HOUR, SetClock, usedMs } from './clock.ts'

const ZONES = [
  'UTC',
  'Europe/Berlin',
  'America/New_York',
  'Australia/Lord_Howe',
  'Asia/Kolkata',
  'Pacific/Chatham',
] as const

const config = (sink: string) => `
functions: { hostile: { wasm: ${HOSTILE}, timeout: 20s } }
sinks: { out: { http: { url: "${sink}", allow: [127.0.0.1], timeout: 20s } } }
sources:
${ZONES.map((zone, at) => `  zone${at}: { cron: { schedule: "* * * * *", timezone: ${zone}, catch_up: 2d } }`).join('\n')}
routes:
  again: { from: "mqtt:again", to: out, retry: { max: 6, delay: 2s, backoff: constant, jitter: none } }
  later: { from: "mqtt:later", to: out, delay: 4s }
  paced: { from: "mqtt:paced", to: out, rate: { limit: 2, per: 1s } }
  once: { from: "mqtt:once", to: out, dedupe: { key: subject, window: 4s } }
  calm: { from: "mqtt:calm", to: out, debounce: { key: subject, wait: 4s, max_wait: 1m } }
  shop: { from: "mqtt:shop", to: hostile, retry: 0 }
  frail: { from: "mqtt:frail", to: out, retry: { max: 6, delay: 1s, backoff: constant, jitter: none }, breaker: { failures: 2, open: 3s } }
  slow: { from: "mqtt:slow", to: out }
  ticks: { from: [${ZONES.map((_, at) => `zone${at}`).join(', ')}], to: out }
`

const MINUTE = 60_000
const nextMinute = (time: number): number => Math.ceil(time / MINUTE + 1) * MINUTE
const tickOf = (zone: number, slot: number): string => `zone${zone}/${new Date(slot).toISOString()}`

const CLOUDEVENT = { properties: { contentType: 'application/cloudevents+json' } } as const
const idOf = (event: Readonly<Record<string, unknown>>): string => `${event['id']}`

/** Long after what is waited for is due by the real time, long before it is by a clock that was set back. */
const SOON_MS = 25_000

describeWith(['libfaketime'], 'row 27', () => {
  const failing = new Set<string>()
  const slow = new Set<string>()
  const clock = new SetClock()
  let receiver: Receiver
  let gateway: GatewayProcess

  beforeAll(async () => {
    receiver = await Receiver.open(async ({ headers }): Promise<Reply> => {
      const id = `${headers['ce-id']}`
      if (slow.has(id)) await new Promise((resolve) => setTimeout(resolve, 4_000))
      return { status: failing.has(id) ? 503 : 204 }
    })
    gateway = await startGateway({ config: config(receiver.url), env: clock.env })
  })

  afterAll(async () => {
    await gateway?.[Symbol.asyncDispose]()
    await receiver?.close()
    clock[Symbol.dispose]()
  })

  /** What the clock has shown, by whole minutes: it is set back only at the end of one. */
  const spans: { from: number; to?: number }[] = [{ from: nextMinute(clock.now()) }]

  /** Resolves once each slot that the clock has shown, up to this time, has come. */
  async function ticked(to: number): Promise<void> {
    const missing = (): readonly string[] => {
      const came = new Set(receiver.received.map(({ headers }) => headers['ce-id']))
      return spans.flatMap((span) => {
        const count = Math.max(0, Math.floor(((span.to ?? to) - span.from) / MINUTE))
        const slots = Array.from({ length: count }, (_, at) => span.from + at * MINUTE)
        return ZONES.flatMap((_, zone) => slots.map((slot) => tickOf(zone, slot)).filter((id) => !came.has(id)))
      })
    }
    await eventually(() => missing().length === 0, {
      what: 'each slot has come',
      withinMs: 120_000,
      everyMs: 500,
      detail: () => missing().slice(0, 20).join(' '),
    })
  }

  function set(by: number): void {
    if (by < 0) {
      const last = spans.at(-1)
      if (last) last.to = Math.floor(clock.now() / MINUTE) * MINUTE
    }
    clock.set(clock.now() - Date.now() + by)
    if (by < 0) spans.push({ from: nextMinute(clock.now()) })
  }

  const countOf = (id: string): number => receiver.received.filter(({ headers }) => headers['ce-id'] === id).length

  /** Resolves once each of these came to the sink, with how long that took. */
  async function arrive(events: readonly Readonly<Record<string, unknown>>[], what: string): Promise<number> {
    const begun = performance.now()
    await eventually(() => events.every((event) => countOf(idOf(event)) > 0), { what, withinMs: SOON_MS })
    return Math.round(performance.now() - begun)
  }

  /** The clock is set in the middle of everything that waits or is under way. */
  async function setInTheMiddle(jump: () => Promise<void>, name: string, killed = false): Promise<void> {
    // What a schedule is making up for when the clock is set back comes when the clock is there again.
    await ticked(clock.now() - MINUTE)
    await using client = await Client.connect(gateway)
    const make = (topic: string, count: number) =>
      Array.from({ length: count }, (_, at) => ({ topic, event: eventOf(topic, { subject: `${name}-${at}` }) }))
    const all = [
      ...make('again', 20),
      ...make('later', 5),
      ...make('paced', 8),
      ...make('once', 3),
      ...make('calm', 2),
      ...make('frail', 3),
      ...make('slow', 2),
    ]
    const of = (topic: string) => all.filter((each) => each.topic === topic).map(({ event }) => event)
    for (const event of [...of('again'), ...of('frail')]) failing.add(idOf(event))
    for (const event of of('slow')) slow.add(idOf(event))
    const [sleeper] = make('sleep', 1).map(({ event }) => ({ ...event, subject: '4000' }))
    await Promise.all(all.map(({ topic, event }) => client.publish(topic, event, CLOUDEVENT)))
    await client.publish('shop', sleeper ?? {}, CLOUDEVENT)
    await eventually(() => of('again').every((event) => countOf(idOf(event)) > 0), { what: 'each failed once' })
    await eventually(() => of('slow').every((event) => countOf(idOf(event)) > 0), {
      what: 'the slow ones are under way',
    })
    const before = new Map(of('again').map((event) => [idOf(event), countOf(idOf(event))]))
    const begun = performance.now()
    await jump()
    // What fails goes on failing for a while: how often it is tried in this time is the storm, or there is none.
    await new Promise((resolve) => setTimeout(resolve, 5_000))
    const triedMs = performance.now() - begun
    const tries = of('again').map((event) => countOf(idOf(event)) - (before.get(idOf(event)) ?? 0))
    failing.clear()
    const tookMs = await arrive(
      all.map(({ event }) => event),
      `${name}: everything arrives`,
    )
    for (const { event } of all) await settled(gateway, idOf(event))
    await settled(gateway, idOf(sleeper ?? {}))
    const fates = await Promise.all(all.map(async ({ event }) => (await held(gateway, idOf(event)))?.deliveries[0]))
    const quick = all.filter(({ topic }) => ['later', 'paced', 'once', 'calm', 'slow'].includes(topic))
    // What was under way when the process was killed comes once more.
    const twice = quick.filter(({ event }) => countOf(idOf(event)) > (killed ? 2 : 1))
    const shop = (await held(gateway, idOf(sleeper ?? {})))?.deliveries[0]
    // The names of `once` may come again when the window has passed by the real time.
    const repeats = make('once', 3)
    await using later = await Client.connect(gateway)
    await Promise.all(repeats.map(({ topic, event }) => later.publish(topic, event, CLOUDEVENT)))
    await arrive(
      repeats.map(({ event }) => event),
      `${name}: names come again after their window`,
    )
    const figures = { tries: Math.max(...tries), triedMs: Math.round(triedMs), tookMs, twice: twice.length }
    console.log(
      JSON.stringify({ row: 27, name, ...figures, dead: fates.filter((fate) => fate?.status === 'dead').length }),
    )
    expect(fates.map((fate) => fate?.status)).toEqual(all.map(() => 'done'))
    // Every two seconds, and once more where the time that passed was not real.
    expect(Math.max(...tries)).toBeLessThanOrEqual(Math.ceil(triedMs / 2_000) + 1)
    expect(twice).toEqual([])
    expect(shop).toMatchObject({ status: 'done', attempts: 1 })
    for (const event of of('slow')) expect((await held(gateway, idOf(event)))?.deliveries[0]?.attempts).toBe(1)
  }

  const jumps: readonly (readonly [string, number])[] = [
    ['an hour ahead', HOUR],
    ['three hours back', -3 * HOUR],
    ...(WHOLE
      ? ([
          ['a day ahead', 24 * HOUR],
          ['two days back', -48 * HOUR],
          ['half a minute back', -30_000],
        ] as const)
      : []),
  ]

  test.each(jumps)(
    '%s while it runs: what waits, waits as long as it would have, or less; nothing twice, nothing lost',
    async (name, by) => {
      await setInTheMiddle(async () => set(by), name)
      expect(gateway.output()).not.toMatch(/uncaught exception|unhandled rejection/)
    },
  )

  test('keep-alive, a call that waits: by the time that passes', async () => {
    await using lively = await Client.connect(gateway, { keepalive: 2 })
    using silent = new RawClient(gateway.mqtt)
    await silent.hello('silent', { keepalive: 2 })
    const callId = unique('call')
    await lively.subscribe(`replies/${callId}`)
    const asked = eventOf('sleep', { subject: '3000', callid: callId, replyto: `replies/${callId}` })
    await lively.publish('shop', asked, CLOUDEVENT)
    const begun = performance.now()
    // It ends where it began, and shows nothing for long enough that a schedule has to know of it.
    for (const by of [HOUR, -3 * HOUR, 2 * HOUR]) {
      clock.set(clock.now() - Date.now() + by)
      await new Promise((resolve) => setTimeout(resolve, 700))
    }
    await lively.receive(`replies/${callId}`)
    await eventually(() => silent.closed, { what: 'the silent one is cut', withinMs: SOON_MS })
    const silentMs = Math.round(performance.now() - begun)
    const before = usedMs(gateway)
    await new Promise((resolve) => setTimeout(resolve, 3_000))
    const busyMs = usedMs(gateway) - before
    console.log(JSON.stringify({ row: 27, name: 'keep-alive', silentMs, busyMs }))
    expect(lively.mqtt.connected).toBe(true)
    // One and a half times its keep-alive [MQTT-3.1.2-22].
    expect(silentMs).toBeGreaterThan(1_500)
    expect(silentMs).toBeLessThan(20_000)
    // Nothing spins: asking for the time alone takes 4 us with a clock that can be set.
    expect(busyMs).toBeLessThan(1_500)
  })

  test.each([
    ['an hour ahead', HOUR],
    ['three hours back', -3 * HOUR],
  ] as const)('%s between two runs', async (name, by) => {
    await setInTheMiddle(
      async () => {
        await gateway.kill()
        set(by)
        await gateway.restart()
      },
      `restart, ${name}`,
      true,
    )
  })

  test('each slot of a schedule comes once, in six zones, whatever the clock was set to in between', async () => {
    await ticked(clock.now() - 2 * MINUTE)
    const ticks = receiver.received.flatMap(({ headers }) => `${headers['ce-id']}`.match(/^zone.*/)?.[0] ?? [])
    const doubled = ticks.length - new Set(ticks).size
    console.log(JSON.stringify({ row: 27, name: 'cron', ticks: ticks.length, doubled, spans: spans.length }))
    // One that was under way when the gateway was killed comes again: as the same event.
    expect(doubled).toBeLessThanOrEqual(2 * ZONES.length)
    expect(gateway.output()).not.toContain('ticks were left out')
  })
})
