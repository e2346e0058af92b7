/** Matched, appended, acknowledged: in that order, and not otherwise. */

import { describe, expect, test } from 'vitest'
import { GatewayError } from '../errors.ts'
import type { CloudEvent } from '../event/index.ts'
import type { Entry, RouteRef } from '../journal/journal.ts'
import { openMemoryJournal } from '../journal/memory.ts'
import type { Reply } from '../reply/reply.ts'
import type { Controls, Route, Target } from '../router/route.ts'
import type { Match } from '../router/router.ts'
import { createAccept } from './accept.ts'
import { type Activity, ActivityStream } from './activity.ts'
import { Breakers } from './breakers.ts'
import { SYSTEM_CLOCK } from './clock.ts'
import { JournalCredit } from './credit.ts'
import { SILENT } from './harness.ts'

const origin = { source: 'http', address: 'POST /events' }
const event = (extensions?: Record<string, string>): CloudEvent => ({
  specversion: '1.0',
  id: 'e1',
  source: '/s',
  type: 't',
  ...(extensions ? { extensions } : {}),
})
const topic = { kind: 'mqtt', text: 'mqtt:audit', topic: 'audit', mode: 'binary' } as const
const f = { kind: 'function', text: 'f', name: 'f' } as const

function route(name: string, to: readonly Target[], delivery: Route['delivery'] = 'auto'): Match {
  const retry = { max: 0, backoff: 'constant', delayMs: 0, capMs: 0, jitter: 'none', except: [] } as const
  return { route: { name, from: [{ kind: 'any' }], to, retry, concurrency: 1, timeoutMs: 1_000, delivery } }
}

const NOW = 1_800_000_000_000

function timed(name: string, controls: Controls, more: Omit<Match, 'route'> = {}): Match {
  return { ...more, route: { ...route(name, [f]).route, controls } }
}

function open(matches: readonly Match[]) {
  const journal = openMemoryJournal({ now: () => NOW })
  const entries: Entry[] = []
  const breakers = new Breakers(SILENT)
  const seen = {
    replies: [] as Reply[],
    direct: [] as RouteRef[],
    activity: [] as Activity[],
    followed: [] as string[],
  }
  const activity = new ActivityStream()
  activity.subscribe((each) => seen.activity.push(each))
  const credit = new JournalCredit({ appends: 100, pending: 100, bytes: 1_000_000 }, () => journal.used)
  const append: typeof journal.append = (entry) => {
    entries.push(entry)
    return journal.append(entry)
  }
  const accept = createAccept({
    journal: { append, find: journal.find.bind(journal) },
    router: () => ({
      routes: [],
      match: () => matches,
      explain: () => [],
      keyOf: () => undefined,
      get: () => undefined,
    }),
    replies: {
      publish: async (reply) => void seen.replies.push(reply),
      follow: (callId, first) => void seen.followed.push(`${callId}->${first}`),
    },
    noRoute: () => new GatewayError('NO_ROUTE', 'no route takes it'),
    runDirect: (_entry, ref) => void seen.direct.push(ref),
    activity,
    credit,
    breakers,
    now: () => NOW,
  })
  return { accept, breakers, credit, entries, journal, seen }
}

describe('accept', () => {
  test('appends one delivery for each target, and the first function answers', async () => {
    const { accept, entries } = open([route('a', [topic, f]), route('b', [f])])
    const receipt = await accept(event({ callid: 'c1' }), origin)
    expect(receipt).toEqual({ callId: 'c1', duplicate: false, routes: ['a', 'b'] })
    expect(entries[0]?.routes).toEqual([
      { route: 'a', to: 'mqtt:audit', answers: false },
      { route: 'a', to: 'f', answers: true },
      { route: 'b', to: 'f', answers: false },
    ])
  })

  test('of weighted targets the chosen one gets the event, and answers', async () => {
    const { accept, entries } = open([{ ...route('canary', [topic, f]), target: topic }])
    await accept(event({ callid: 'c1' }), origin)
    expect(entries[0]?.routes).toEqual([{ route: 'canary', to: 'mqtt:audit', answers: true }])
  })

  test('no match is acknowledged and counted, and a call is told', async () => {
    const { accept, entries, seen } = open([])
    expect((await accept(event(), origin)).routes).toEqual([])
    expect(seen.activity.map(({ kind }) => kind)).toEqual(['unmatched'])
    expect(seen.replies).toEqual([])
    await accept(event({ callid: 'c1' }), origin)
    expect(seen.replies).toMatchObject([
      { callId: 'c1', status: 'error', error: { code: 'NO_ROUTE', type: 'ValidationError' } },
    ])
    expect(entries).toEqual([])
  })

  test('what a sender offers as direct skips the journal, except where the route is durable', async () => {
    const { accept, entries, seen } = open([route('auto', [f]), route('kept', [topic], 'durable')])
    await accept(event(), origin, { direct: true })
    expect(seen.direct.map((ref) => ref.route)).toEqual(['auto'])
    expect(entries[0]?.routes.map((ref) => ref.route)).toEqual(['kept'])
  })

  test('a route that is direct never goes to the journal', async () => {
    const { accept, entries, seen } = open([route('fast', [f], 'direct')])
    await accept(event(), origin)
    expect(seen.direct).toHaveLength(1)
    expect(entries).toEqual([])
  })

  test('a route with a delay is due that much later, and never runs directly', async () => {
    const { accept, entries, journal, seen } = open([timed('late', { delayMs: 5_000 }), route('at once', [topic])])
    await accept(event(), origin, { direct: true })
    expect(entries[0]?.routes).toEqual([{ route: 'late', to: 'f', answers: true, due: NOW + 5_000 }])
    expect(seen.direct.map((ref) => ref.route)).toEqual(['at once'])
    expect((await journal.find({ eventId: 'e1' }))?.deliveries).toMatchObject([{ status: 'due', due: NOW + 5_000 }])
  })

  test('a route that dedupes leaves out what repeats its key, says so, and answers the call', async () => {
    const match = timed('once', { dedupe: { key: 'subject', windowMs: 1_000 } }, { dedupe: 'k' })
    const { accept, journal, seen } = open([match, route('always', [topic])])
    expect((await accept(event(), origin)).repeated).toBeUndefined()
    const receipt = await accept({ ...event({ callid: 'c2' }), id: 'e2' }, origin)
    expect(receipt).toEqual({ callId: 'c2', duplicate: false, routes: ['always'], repeated: ['once'] })
    expect(seen.activity.at(-1)).toMatchObject({ kind: 'accepted', routes: ['always'], repeated: ['once'] })
    expect(seen.replies).toMatchObject([{ callId: 'c2', status: 'ok' }])
    const { deliveries = [] } = (await journal.find({ eventId: 'e2' })) ?? {}
    expect(deliveries.map(({ status, note }) => `${status} ${note}`)).toEqual(['done repeated', 'due undefined'])
  })

  test('what only targets at rest would take is refused, and nothing is held', async () => {
    const { accept, breakers, entries } = open([timed('shop', { breaker: { failures: 1, openMs: 9_000 } })])
    const breaker = breakers.make({ route: 'shop', to: 'f' }, { options: { failures: 1, openMs: 9_000 } }, SYSTEM_CLOCK)
    await accept(event(), origin)
    breaker.failed('no answer')
    await expect(accept({ ...event(), id: 'e2' }, origin)).rejects.toMatchObject({ code: 'OVERLOADED' })
    expect(entries).toHaveLength(1)
    breakers.remove(breaker)
  })

  test('a debounced event waits for the last of its key, and its caller hears at once that it was taken', async () => {
    const debounce = { key: 'subject', waitMs: 1_000, maxWaitMs: 5_000 }
    const match = timed('calm', { debounce }, { debounce: 'k' })
    const { accept, journal, seen } = open([match])
    for (const id of ['e1', 'e2']) await accept({ ...event({ callid: id }), id }, origin)
    await accept({ ...event({ callid: 'again' }), id: 'e2' }, origin)
    expect(seen.replies).toMatchObject(['e1', 'e2', 'again'].map((callId) => ({ callId, status: 'ok' })))
    const fates = await Promise.all(['e1', 'e2'].map((eventId) => journal.find({ eventId })))
    expect(fates.map((fate) => fate?.deliveries[0])).toMatchObject([
      { status: 'done', note: 'superseded' },
      { status: 'due', due: NOW + 1_000, answers: false },
    ])
  })

  test('of a route that is debounced as a whole all events are of one name; without a value none is', async () => {
    const whole = open([timed('whole', { debounce: { waitMs: 1_000 } })])
    const keyed = open([timed('keyed', { debounce: { key: 'subject', waitMs: 1_000 } })])
    for (const { accept } of [whole, keyed]) await accept(event(), origin)
    expect(whole.entries[0]?.routes[0]?.debounce).toEqual({ name: '', waitMs: 1_000 })
    expect(keyed.entries[0]?.routes[0]).not.toHaveProperty('debounce')
  })

  test('without room it rejects, and nothing is held', async () => {
    const { accept, credit, entries } = open([route('a', [f])])
    credit.close()
    await expect(accept(event(), origin)).rejects.toMatchObject({ code: 'STOPPING' })
    expect(entries).toEqual([])
  })

  test('a repeated call that has its answer gets it again, and does not run again', async () => {
    const { accept, journal, seen } = open([route('a', [f])])
    await accept(event({ callid: 'c1' }), origin)
    const next = await journal.claim({ route: 'a', to: 'f' }, new AbortController().signal).next()
    await journal.settle(next.value, { status: 'done', answer: { data: Buffer.from('42') } })
    const again = await accept({ ...event({ callid: 'c1' }), id: 'e2' }, origin)
    expect(again).toMatchObject({ callId: 'c1', duplicate: true })
    expect(seen.replies).toMatchObject([{ callId: 'c1', status: 'ok' }])
    expect(journal.stats().pending).toBe(0)
  })

  test('a repetition of a call that still runs waits for the first, under its own callId', async () => {
    const { accept, seen } = open([route('a', [f])])
    await accept(event({ callid: 'c1' }), origin)
    expect(await accept(event({ callid: 'c2' }), origin)).toMatchObject({ callId: 'c1', duplicate: true })
    expect(seen.followed).toEqual(['c2->c1'])
    expect(seen.replies).toEqual([])
  })
})
