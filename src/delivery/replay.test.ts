/** Replays: which events run again, as what, how fast, and that each runs once under one name. */

import { beforeEach, describe, expect, test } from 'vitest'
import { GatewayError } from '../errors.ts'
import type { CloudEvent } from '../event/index.ts'
import type { Entry, Journal } from '../journal/journal.ts'
import { openMemoryJournal } from '../journal/memory.ts'
import type { Match } from '../router/router.ts'
import { ActivityStream } from './activity.ts'
import { asChild } from './chain.ts'
import { NOW, TestClock, turns, until } from './harness.ts'
import { type ReplayParts, type ReplayProgress, type ReplayWish, replay } from './replay.ts'

const route = (name: string): Match => {
  const retry = { max: 0, backoff: 'constant', delayMs: 0, capMs: 0, jitter: 'none', except: [] } as const
  const to = [{ kind: 'function', text: 'f', name: 'f' }] as const
  return { route: { name, from: [{ kind: 'any' }], to, retry, concurrency: 1, timeoutMs: 1_000, delivery: 'auto' } }
}

let clock: TestClock
let journal: Journal
let appended: Entry[]
let parts: ReplayParts

beforeEach(() => {
  clock = new TestClock()
  journal = openMemoryJournal({ now: clock.now })
  appended = []
  parts = {
    journal: {
      append: (entry) => {
        appended.push(entry)
        return journal.append(entry)
      },
      find: (key) => journal.find(key),
      events: (span) => journal.events(span),
      get used() {
        return journal.used
      },
    },
    router: () => ({
      match: ({ type }) =>
        type === 'nobody' ? [] : type === 'order' ? [route('orders'), route('all')] : [route('all')],
    }),
    replies: { publish: () => expect.fail('nobody is answered'), follow: () => expect.fail('nobody is answered') },
    activity: new ActivityStream(),
    noRoute: () => new GatewayError('NO_ROUTE', 'no route takes it'),
    runDirect: () => expect.fail('nothing runs beside the journal'),
    now: clock.now,
    credit: { wait: async () => undefined },
    clock,
  }
})

async function remember(id: string, more: Partial<CloudEvent> = {}, source = 'http'): Promise<void> {
  const event = { specversion: '1.0', id, source: '/s', type: 'order', ...more } as const
  const origin = { source, address: 'POST /events' }
  await journal.append({ event, origin, callId: `call-${id}`, routes: [] })
}

const ALIVE = new AbortController().signal

async function run(wish: Partial<ReplayWish> = {}, signal = ALIVE): Promise<ReplayProgress> {
  let last: ReplayProgress | undefined
  for await (const progress of replay({ name: 'again', ...wish }, parts, signal)) last = progress
  if (last === undefined) throw new Error('a replay tells of its end')
  return last
}

const ids = (): readonly string[] => appended.map(({ event }) => event.id)

describe('an event that runs again', () => {
  test('is a new event of its own id, from where it came, and no call', async () => {
    const call = { callid: 'c', replyto: 'r', replyform: 'event', correlationdata: 'x', deadline: 'y' }
    await remember('e1', { data: Buffer.from('{}'), subject: 's', extensions: { region: 'eu', ...call } })
    expect(await run()).toEqual({
      events: 1,
      routes: { orders: 1, all: 1 },
      before: 0,
      unmatched: 0,
      children: 0,
      at: NOW,
    })
    const [entry] = appended
    expect(entry?.event).toEqual({
      specversion: '1.0',
      id: 'e1/replay/again',
      source: '/s',
      type: 'order',
      subject: 's',
      data: Buffer.from('{}'),
      extensions: { region: 'eu', replayof: 'call-e1', replay: 'again' },
    })
    expect(entry?.origin).toEqual({ source: 'http', address: 'POST /events' })
    expect(entry?.callId).not.toBe('call-e1')
    expect(entry?.routes.map(({ route }) => route)).toEqual(['orders', 'all'])
  })

  test('runs once under one name, and again under another', async () => {
    await remember('e1')
    await run()
    expect(await run()).toMatchObject({ events: 0, before: 1, routes: {} })
    expect(await run({ name: 'more' })).toMatchObject({ events: 1, before: 0 })
    expect(journal.stats().events).toBe(3)
  })

  test('marks what comes of it, so that it is no repeat of what came of it first', () => {
    const child = { specversion: '1.0', id: 'sum-7', source: '/f', type: 't' } as const
    const parent = { specversion: '1.0', id: 'e1', source: '/s', type: 't' } as const
    expect(asChild(child, parent, 'd', 0).id).toBe('sum-7')
    const again = asChild(child, { ...parent, extensions: { replay: 'again' } }, 'd', 0)
    expect([again.id, again.extensions?.['replay']]).toEqual(['sum-7/replay/again', 'again'])
    expect(asChild({ ...child, id: '' }, { ...parent, extensions: { replay: 'again' } }, 'd', 0).id).toBe('e1/d/0')
  })
})

describe('which events run again', () => {
  test('those of the span that the expression is true of', async () => {
    for (const id of ['a', 'b', 'c', 'd']) {
      await remember(id)
      clock.time += 1_000
    }
    await run({ from: NOW + 1_000, to: NOW + 3_000, when: ({ id }) => id !== 'b' })
    expect(ids()).toEqual(['c/replay/again'])
  })

  test('for one route alone, when one is named', async () => {
    await remember('a')
    await remember('b', { type: 'user' })
    expect(await run({ route: 'orders' })).toMatchObject({ events: 1, routes: { orders: 1 }, unmatched: 0 })
    expect(appended.map(({ routes }) => routes.map(({ route }) => route))).toEqual([['orders']])
  })

  test('not those of the gateway itself: copies of dead letters, replays, and what comes again by itself', async () => {
    await remember('copy', {}, 'dead_letter')
    await remember('replayed', { extensions: { replay: 'x' } })
    await remember('child', { extensions: { hops: 1 } })
    expect(await run()).toMatchObject({ events: 0, children: 1 })
    expect(await run({ route: 'all' })).toMatchObject({ events: 1, children: 0 })
    expect(ids()).toEqual(['child/replay/again'])
  })

  test('are counted, and left alone, in a dry run', async () => {
    await remember('a')
    await remember('b', { type: 'user' })
    await remember('c', { type: 'nobody' })
    expect(await run({ dryRun: true })).toMatchObject({ events: 2, routes: { orders: 1, all: 2 }, unmatched: 1 })
    expect(appended).toEqual([])
  })
})

describe('how fast', () => {
  const fill = async (count: number) => {
    for (let n = 0; n < count; n++) await remember(`e${n}`)
  }

  test('no faster than the rate', async () => {
    await fill(9)
    const done = run({ rate: 4 })
    await until(() => appended.length === 1)
    await clock.pass(249)
    expect(appended).toHaveLength(1)
    await clock.pass(1)
    await until(() => appended.length === 2)
    await clock.pass(1_750)
    expect(await done).toMatchObject({ events: 9 })
  })

  test('no faster than what it adds is delivered', async () => {
    await fill(2_000)
    const done = run()
    await until(() => appended.length >= 512)
    await turns()
    // Two deliveries each: 1,024 wait, give or take what was written together.
    expect(appended.length).toBeLessThanOrEqual(512 + 64)
    const leave = new AbortController()
    const drain = async (name: string) => {
      for await (const delivery of journal.claim({ route: name, to: 'f' }, leave.signal))
        await journal.settle(delivery, { status: 'done' })
    }
    const drains = [drain('orders'), drain('all')]
    let over = false
    void done.finally(() => {
      over = true
    })
    for (let turn = 0; turn < 1_000 && !over; turn++) await clock.pass(20)
    expect(await done).toMatchObject({ events: 2_000 })
    leave.abort()
    await Promise.all(drains)
  })

  test('it ends with its signal, and goes on under its name', async () => {
    await fill(8)
    const leave = new AbortController()
    const done = run({ rate: 1 }, leave.signal)
    const ended = expect(done).rejects.toThrow()
    await until(() => appended.length === 1)
    leave.abort()
    await ended
    expect(await run()).toMatchObject({ events: 7, before: 1 })
    // The clock stands: what had run before is passed over at once, whatever the rate.
    expect(await run({ rate: 1 })).toMatchObject({ events: 0, before: 8 })
  })
})
