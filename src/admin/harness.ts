/** An admin listener on a free port before a gateway that is a few lines of memory: for tests of the listener alone. */

import { once } from 'node:events'
import type { Check } from '../connector/calls.ts'
import type { Activity } from '../delivery/activity.ts'
import { Refusals } from '../delivery/refusals.ts'
import type { ReplayProgress, ReplayWish } from '../delivery/replay.ts'
import { GatewayError } from '../errors.ts'
import type { CloudEvent, Origin } from '../event/index.ts'
import type { DeadLetter, DeadLetterFilter, Entry, EventRecord, JournalStats } from '../journal/journal.ts'
import { type Admin, createAdmin } from './admin.ts'
import { adminConfig } from './config.ts'
import type { AdminParts, Past } from './parts.ts'

export const event: CloudEvent = {
  specversion: '1.0',
  id: 'tick/2026-11-20T10:00:00.000Z',
  source: '/cron/tick',
  type: 'order.created',
  datacontenttype: 'application/json',
  extensions: { region: 'eu' },
  data: Buffer.from('{"amount":3}'),
}
export const origin: Origin = { source: 'mqtt', address: 'orders/eu' }
export const error = {
  code: 'FUNCTION_TRAPPED',
  message: 'sync (function): running: it trapped',
  type: 'SystemError' as const,
}

const record: EventRecord = {
  event,
  origin,
  callId: 'c1',
  acceptedAt: 1_000,
  deliveries: [
    {
      id: 'd1',
      route: 'orders',
      to: 'sync',
      status: 'done',
      answers: true,
      attempts: 2,
      settledAt: 3_000,
      answer: { data: Buffer.from([0xff]), datacontenttype: 'image/png' },
    },
    {
      id: 'd2',
      route: 'copy',
      to: 'queue',
      status: 'due',
      answers: false,
      attempts: 1,
      due: 9_000,
      error,
      firstErrorAt: 2_000,
    },
  ],
}

export const letter = (n: number, lastAt: number, route = 'orders'): DeadLetter => ({
  id: `d/${n}`,
  route,
  to: 'sync',
  event: { ...event, id: `e${n}` },
  origin,
  callId: `c${n}`,
  attempts: 6,
  error,
  firstAt: 500,
  lastAt,
})

/** Dead letters in memory, kept by time of death as the contract says. */
export class Letters {
  all: DeadLetter[] = []
  readonly taken: [string, DeadLetterFilter][] = []
  /** What was recorded, by the id of the letter. */
  readonly recordings = new Map<string, Uint8Array>()
  read = 0

  async *deadLetters(filter: DeadLetterFilter = {}): AsyncGenerator<DeadLetter> {
    for (const item of this.all) {
      if (filter.since !== undefined && item.lastAt < filter.since) continue
      if (filter.route !== undefined && item.route !== filter.route) continue
      if (filter.ids && !filter.ids.includes(item.id)) continue
      this.read += 1
      yield item
    }
  }
  take = (what: string) => async (filter: DeadLetterFilter) => {
    this.taken.push([what, filter])
    return 2
  }
}

export const stats: JournalStats = { events: 1, pending: 1, dead: 0, bytes: 10, lanes: [] }

const TARGETS: Readonly<Record<string, readonly string[]>> = {
  orders: ['sync', 'sync@2'],
  sizes: ['resize@2', 'resize@3'],
}

/** The gateway behind the listener; tests change it as they go. */
export class Bench implements AsyncDisposable {
  #isPaused = false
  readonly letters = new Letters()
  checks: readonly Check[] = [{ name: 'journal', ok: true }]
  alive = true
  readonly appended: Entry[] = []
  /** What a generation was, by its number. */
  readonly pasts = new Map<number, Past>()
  readonly refusals = new Refusals()
  /** Events that came of others. */
  chain: readonly EventRecord[] = []
  /** What was to run again. */
  readonly replays: ReplayWish[] = []
  /** Whether the asker of a replay left before its end. */
  replayLeft = false
  /** Ends a replay early. */
  replayFails: Error | undefined
  readonly listeners = new Set<(activity: Activity) => void>()
  readonly admin: Admin

  private constructor(listen: string) {
    this.admin = createAdmin(adminConfig.parse({ listen }), this.#parts())
  }

  static async open(listen = '127.0.0.1:0', signal = AbortSignal.timeout(5_000)): Promise<Bench> {
    const bench = new Bench(listen)
    await bench.admin.start(signal)
    return bench
  }

  get = (path: string): Promise<Response> => fetch(`http://${this.admin.address}${path}`)

  post(path: string, body: unknown, type = 'application/json'): Promise<Response> {
    const init = { method: 'POST', headers: { 'content-type': type }, body: JSON.stringify(body) }
    return fetch(`http://${this.admin.address}${path}`, init)
  }

  happen(activity: Activity): void {
    for (const listener of this.listeners) listener(activity)
  }

  [Symbol.asyncDispose] = (): Promise<void> => this.admin.stop()

  async *#replay(wish: ReplayWish, signal: AbortSignal): AsyncGenerator<ReplayProgress> {
    this.replays.push(wish)
    const counts = { before: 1, unmatched: 0, children: 2 }
    yield { events: 1, routes: { orders: 1 }, ...counts, at: 1_000 }
    if (this.replayFails) throw this.replayFails
    // One without a rate is through at once; another lasts until its asker leaves.
    if (wish.rate !== undefined) await once(signal, 'abort')
    this.replayLeft = signal.aborted
    yield { events: 2, routes: { orders: 2 }, ...counts, at: 2_000 }
  }

  #parts(): AdminParts {
    return {
      health: { alive: () => this.alive, ready: async () => this.checks },
      journal: {
        find: async (key) => (('callId' in key ? key.callId === 'c1' : key.eventId === event.id) ? record : undefined),
        chain: async () => this.chain,
        deadLetters: (filter) => this.letters.deadLetters(filter),
        append: async (entry) => {
          const duplicate = this.appended.some(({ event }) => event.id === entry.event.id)
          if (!duplicate) this.appended.push(entry)
          return { callId: entry.callId, duplicate }
        },
        recording: async (id) => this.letters.recordings.get(id),
        redrive: this.letters.take('redrive'),
        drop: this.letters.take('drop'),
        stats: () => stats,
      },
      functions: () => [],
      metrics: { render: async () => '# HELP x y\n' },
      config: () => 'name: shop\n',
      explain: (seen, { address, source }) => [
        { route: 'orders', takes: seen.type === 'order.created', saw: `${source}:${address}` },
      ],
      mark: () => 2,
      past: async (mark) => this.pasts.get(mark),
      refusals: this.refusals,
      targets: (route) => TARGETS[route],
      versions: (route) => (route === 'sizes' ? ['resize@1'] : []),
      standings: () =>
        new Map([['d2', { for: 'sink', what: 'its sink, which is gone: 410', until: 9_000, next: 'act' }]]),
      pauses: {
        pause: (source) => this.#setPaused(source, true),
        resume: (source) => this.#setPaused(source, false),
      },
      resume: (sink) => (sink === 'billing' ? [{ route: 'orders', to: 'billing' }] : undefined),
      deployment: undefined,
      functionFile: () => undefined,
      rollouts: { decide: async () => [], views: () => [], weighted: () => [] },
      replay: (wish, signal) => this.#replay(wish, signal),
      subscribe: (listener) => {
        this.listeners.add(listener)
        return () => this.listeners.delete(listener)
      },
      predicate: (expression) => {
        if (expression !== 'order') throw new GatewayError('CONFIG_INVALID', `"${expression}": it does not parse`)
        return ({ type }) => type.startsWith('order')
      },
      log: { debug() {}, info() {}, warn() {}, error() {} },
    }
  }

  #setPaused(source: string, isPaused: boolean): boolean | undefined {
    if (source !== 'orders') return undefined
    const changed = this.#isPaused !== isPaused
    this.#isPaused = isPaused
    return changed
  }
}
