/** Sinks that are gone: what comes for them waits as it is, is told once, and goes on when it is resumed. */

import { describe, expect, test } from 'vitest'
import { GatewayError } from '../errors.ts'
import type { Journal } from '../journal/journal.ts'
import { openMemoryJournal } from '../journal/memory.ts'
import { route, router } from '../router/harness.ts'
import type { Route } from '../router/route.ts'
import { ActivityStream } from './activity.ts'
import { Breakers } from './breakers.ts'
import type { DeliverParts } from './deliver.ts'
import { Dispatcher } from './dispatch.ts'
import { readGone } from './gone.ts'
import { fill, TestClock, turns } from './harness.ts'
import { lanesOf } from './lanes.ts'

const gone = () => new GatewayError('SINK_GONE', 'billing (http): delivering: answered 410')
const down = () => new GatewayError('SINK_UNAVAILABLE', 'billing (http): delivering: no answer')
const sink = (name: string) => ({ kind: 'sink', text: name, name }) as const
const ORDERS = route('orders', { to: [sink('billing')], concurrency: 3 })
const INVOICES = route('invoices', { to: [sink('billing')] })

/** Lanes of routes on one journal; `fails` says what each delivery to a target comes to. */
class Bench {
  readonly clock = new TestClock()
  readonly journal: Journal
  readonly log: string[] = []
  readonly breakers: Breakers
  readonly sent: string[] = []
  crowded = false
  fails: (to: string) => GatewayError | undefined
  readonly #routes: readonly Route[]
  #dispatcher: Dispatcher

  private constructor(
    routes: readonly Route[],
    journal: Journal,
    fails: Bench['fails'],
    breakers: (bench: Bench) => Breakers,
  ) {
    this.fails = fails
    this.#routes = routes
    this.journal = journal
    this.breakers = breakers(this)
    this.#dispatcher = this.#serve()
  }

  static async open(
    routes: readonly Route[],
    fails: Bench['fails'] = () => undefined,
    journal: Journal = openMemoryJournal(),
  ): Promise<Bench> {
    const memory = await readGone(journal)
    return new Bench(routes, journal, fails, (bench) => {
      const note = (_: object, line: string) => void bench.log.push(line)
      return new Breakers({ error: note, warn: note, info: note }, memory, () => bench.crowded)
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#dispatcher.stop(10)
  }

  send(to: Route, ...ids: readonly string[]): Promise<void> {
    return fill(this.journal, ids, { route: to.name, to: to.to[0]?.text ?? '' })
  }

  /** What each delivery is, by its event. */
  async records() {
    const records = []
    for await (const { callId } of this.journal.events()) records.push(await this.journal.find({ callId }))
    return records.flatMap((record) => record?.deliveries ?? [])
  }

  #serve(): Dispatcher {
    const dispatcher = new Dispatcher(this.journal, (error) => expect.fail(error.message))
    const parts: DeliverParts = {
      journal: this.journal,
      replies: { publish: async () => undefined, follow: () => undefined },
      activity: new ActivityStream(),
      accept: async ({ id }) => ({ callId: id, duplicate: false, routes: [] }),
      copy: async (event, target, name) => {
        const lane = { route: name, to: `dead_letter: ${target}` }
        await this.journal.append({ event, origin: { source: 'x', address: '' }, callId: event.id, routes: [lane] })
      },
      cancelled: () => false,
      now: Date.now,
    }
    const controlled = { router: router(this.#routes), breakers: this.breakers, clock: this.clock }
    for (const each of this.#routes)
      for (const lane of lanesOf(each, ({ text }) => this.#target(text), parts, controlled)) dispatcher.add(lane)
    return dispatcher
  }

  #target(to: string) {
    return {
      answers: false,
      handle: async () => {
        this.sent.push(to)
        const error = this.fails(to)
        await turns()
        if (error) throw error
        return { children: [] }
      },
    }
  }
}

const settle = async (): Promise<void> => {
  for (let n = 0; n < 5; n += 1) await turns()
}

describe('a sink that is gone', () => {
  test('is sent nothing more: what comes for it waits, no attempt used up, told once', async () => {
    await using bench = await Bench.open([ORDERS])
    bench.fails = gone
    await bench.send(ORDERS, 'a', 'b', 'c', 'd', 'e')
    await settle()
    expect(bench.sent.length).toBeLessThanOrEqual(3)
    const before = bench.sent.length
    await bench.send(ORDERS, 'f')
    await settle()
    expect(bench.sent.length).toBe(before)
    expect(bench.log).toEqual([
      'orders: nothing more goes to billing, what comes for it waits: billing (http): delivering: answered 410; change the sink and reload, or run: headgate resume billing',
    ])
    expect(bench.breakers.held()).toBe(
      'held: orders -> billing (billing (http): delivering: answered 410); what comes for it waits; change the sink and reload, or run: headgate resume billing',
    )
    expect([bench.breakers.holds(), bench.breakers.states(), bench.breakers.open()]).toEqual([
      [{ route: 'orders', to: 'billing', held: true }],
      [],
      undefined,
    ])
    const records = await bench.records()
    expect(records).toHaveLength(6)
    for (const record of records) expect(record).toMatchObject({ status: 'due', attempts: 0 })
  })

  test('goes on when it is resumed: one tries first, then the others, in their order', async () => {
    await using bench = await Bench.open([ORDERS])
    bench.fails = gone
    await bench.send(ORDERS, 'a', 'b', 'c', 'd')
    await settle()
    const held = bench.sent.length
    expect(bench.breakers.resume('billing')).toEqual([{ route: 'orders', to: 'billing' }])
    await settle()
    expect(bench.sent.length).toBe(held + 1)
    expect(bench.breakers.held()).toBeDefined()
    bench.fails = () => undefined
    bench.breakers.resume('billing')
    await settle()
    expect(bench.sent.length).toBe(held + 5)
    expect(bench.breakers.held()).toBeUndefined()
    expect(bench.log.slice(1)).toEqual([
      expect.stringContaining('orders: nothing more goes to billing'),
      'orders: going on: billing works again',
    ])
    for (const record of await bench.records()) expect(record).toMatchObject({ status: 'done', attempts: 1 })
    expect(bench.breakers.resume('billing')).toEqual([])
  })

  test('that fails in another way when it is resumed is there: attempts count again', async () => {
    await using bench = await Bench.open([ORDERS])
    bench.fails = gone
    await bench.send(ORDERS, 'a')
    await settle()
    bench.fails = down
    bench.breakers.resume('billing')
    await settle()
    expect(bench.breakers.held()).toBeUndefined()
    expect(await bench.records()).toMatchObject([{ status: 'dead', attempts: 1, error: { code: 'SINK_UNAVAILABLE' } }])
  })

  test('holds batches: they are given back whole, and gathered again', async () => {
    const bulk = route('bulk', { to: [sink('billing')], controls: { batch: { max: 3, waitMs: 1_000 } } })
    await using bench = await Bench.open([bulk], gone)
    await bench.send(bulk, 'a', 'b', 'c', 'd')
    await bench.clock.pass(1_000)
    await settle()
    expect(bench.sent).toHaveLength(1)
    for (const record of await bench.records()) expect(record).toMatchObject({ status: 'due', attempts: 0 })
    bench.fails = () => undefined
    bench.breakers.resume('billing')
    await settle()
    await bench.clock.pass(1_000)
    await settle()
    expect(bench.sent).toHaveLength(3)
    for (const record of await bench.records()) expect(record).toMatchObject({ status: 'done', attempts: 1 })
  })

  test('is so for each route that feeds it, and for no other', async () => {
    const other = route('other', { to: [sink('shipping')] })
    await using bench = await Bench.open([ORDERS, INVOICES, other])
    bench.fails = (to) => (to === 'billing' ? gone() : undefined)
    await bench.send(ORDERS, 'a')
    await settle()
    await bench.send(INVOICES, 'b')
    await bench.send(other, 'c')
    await settle()
    expect(bench.sent).toEqual(['billing', 'shipping'])
    expect(bench.log).toHaveLength(1)
    expect(bench.breakers.resume('billing')).toHaveLength(2)
  })

  test('holds the copies of dead letters, too', async () => {
    const lossy = route('lossy', { to: [sink('shipping')], deadLetter: sink('billing') })
    await using bench = await Bench.open([lossy])
    bench.fails = (to) => (to === 'billing' ? gone() : down())
    await bench.send(lossy, 'a')
    await settle()
    expect(bench.breakers.held()).toContain('held: lossy -> dead_letter: billing (')
    const records = await bench.records()
    expect(records.map(({ status, to }) => [to, status])).toEqual([
      ['shipping', 'dead'],
      ['dead_letter: billing', 'due'],
    ])
  })

  test('leaves the event to a fallback, where there is one', async () => {
    const saved = route('saved', { to: [sink('billing')], fallback: sink('shipping') })
    await using bench = await Bench.open([saved])
    bench.fails = (to) => (to === 'billing' ? gone() : undefined)
    await bench.send(saved, 'a', 'b')
    await settle()
    expect(bench.breakers.held()).toBeUndefined()
    for (const record of await bench.records()) expect(record).toMatchObject({ status: 'done', fallback: 'shipping' })
  })
})

test('after a restart one delivery tries, and the others only after it', async () => {
  const journal = openMemoryJournal()
  {
    await using bench = await Bench.open([ORDERS], gone, journal)
    await bench.send(ORDERS, 'a', 'b', 'c', 'd')
    await settle()
  }
  {
    await using bench = await Bench.open([ORDERS], gone, journal)
    await settle()
    expect(bench.sent).toEqual(['billing'])
    expect(bench.breakers.held()).toBeDefined()
  }
  await using bench = await Bench.open([ORDERS], undefined, journal)
  await settle()
  expect(bench.sent).toHaveLength(4)
  for (const record of await bench.records()) expect(record).toMatchObject({ status: 'done', attempts: 1 })
  // It works: the next start tries nothing first.
  expect((await readGone(journal)).has('billing')).toBe(false)
})

test('what comes for it is taken until half of the room is; what others take, too, is taken all the same', async () => {
  await using bench = await Bench.open([ORDERS])
  bench.fails = gone
  await bench.send(ORDERS, 'a')
  await settle()
  const orders = { route: ORDERS }
  expect(bench.breakers.refusal([orders], Date.now())).toBeUndefined()
  bench.crowded = true
  const refusal = bench.breakers.refusal([orders], Date.now())
  expect(refusal).toMatchObject({ code: 'OVERLOADED', retryAfterMs: 30_000 })
  expect(refusal?.message).toBe('orders (route): accepting: the target is gone, and half of the journal is full')
  expect(bench.breakers.refusal([orders, { route: route('other') }], Date.now())).toBeUndefined()
})

test('what a lane hears that was left, as its sink has changed, holds nobody', async () => {
  await using bench = await Bench.open([ORDERS])
  const left = bench.breakers.make({ route: 'invoices', to: 'billing' }, { sink: 'billing' }, bench.clock)
  bench.breakers.remove(left)
  left.hold('answered 410')
  expect([bench.breakers.held(), bench.log]).toEqual([undefined, []])
  await bench.send(ORDERS, 'a')
  await settle()
  expect(await bench.records()).toMatchObject([{ status: 'done' }])
})
