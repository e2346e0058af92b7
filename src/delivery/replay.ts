/** Runs events that the journal remembers again: as new events, for no caller, no faster than they are delivered. */

import type { Credit } from '../connector/connector.ts'
import {
  CALL_EXTENSIONS,
  type CloudEvent,
  DEAD_LETTER_SOURCE,
  extension,
  isRefusedOffer,
  type Origin,
  withExtensions,
} from '../event/index.ts'
import type { Journal, RetainedEvent, Span } from '../journal/journal.ts'
import type { Router } from '../router/router.ts'
import { type AcceptParts, createAccept } from './accept.ts'
import { hops, REPLAY } from './chain.ts'
import { type Clock, passTime } from './clock.ts'

/** What is to run again. */
export interface ReplayWish extends Span {
  /** Names the replay: an event runs again once under one name, however often it is asked for. */
  readonly name: string
  /** This route alone gets the events, those that it takes as it is now. */
  readonly route?: string
  readonly when?: (event: CloudEvent, origin: Origin) => boolean
  /** Events for each second. */
  readonly rate?: number
  /** Counts, and runs nothing. */
  readonly dryRun?: boolean
}

/** How far it has come. */
export interface ReplayProgress {
  /** Events that ran again, or would. */
  readonly events: number
  /** Those of them for each route. */
  readonly routes: Readonly<Record<string, number>>
  /** Had run again under this name before. */
  readonly before: number
  /** No route takes them; not counted when one is named. */
  readonly unmatched: number
  /** Came of other events, and come of them again. */
  readonly children: number
  /** Milliseconds since the epoch: when the last one was accepted that is through; all before it are. */
  readonly at?: number
}

export interface ReplayParts extends Omit<AcceptParts, 'credit' | 'breakers' | 'journal'> {
  readonly journal: Pick<Journal, 'append' | 'find' | 'events' | 'used'>
  readonly credit: Pick<Credit, 'wait'>
  readonly clock: Clock
}

type Matching = Pick<Router, 'match'>

/** Events that are written at once, and counted together. */
const BATCH = 64
/** Deliveries that a replay lets wait in the journal: what comes in meanwhile is behind no more than these. */
const MOST_WAITING = 1_024
const LOOK_AGAIN_MS = 20
/** How often it tells of itself. */
const TELL_MS = 250

/** The extension that names the event that runs again: its callId. */
const REPLAY_OF = 'replayof'

/** Returns a remembered event as it comes in again: under an id of its own, and no call. */
export function asReplay({ callId, event }: Pick<RetainedEvent, 'callId' | 'event'>, name: string): CloudEvent {
  const call = Object.fromEntries(Object.values(CALL_EXTENSIONS).map((each) => [each, undefined]))
  const id = `${event.id}/replay/${name}`
  return withExtensions({ ...event, id }, { ...call, [REPLAY_OF]: callId, [REPLAY]: name })
}

/**
 * Yields its progress every now and then, and at the end. Events of the gateway's own making are left out: copies of
 * dead letters, offers that were refused, earlier replays, and, unless one route is to get them, what came of other
 * events. Rejects with the reason of `signal`, or with what the journal refused; asked for again under the same name it
 * goes on.
 */
export async function* replay(
  wish: ReplayWish,
  parts: ReplayParts,
  signal: AbortSignal,
): AsyncGenerator<ReplayProgress> {
  const run = new Run(wish, parts, signal)
  let told = parts.clock.now()
  let batch: RetainedEvent[] = []
  for await (const each of parts.journal.events(wish)) {
    signal.throwIfAborted()
    if (!run.takes(each) || batch.push(each) < run.batch) continue
    await run.through(batch)
    batch = []
    if (parts.clock.now() - told < TELL_MS) continue
    told = parts.clock.now()
    yield run.progress()
  }
  await run.through(batch)
  yield run.progress()
}

class Run {
  /** Events that go on together: fewer at a low rate, so that it is heard of. */
  readonly batch: number
  readonly #wish: ReplayWish
  readonly #parts: ReplayParts
  readonly #signal: AbortSignal
  readonly #router: () => Matching
  readonly #accept: ReturnType<typeof createAccept>
  readonly #routes = new Map<string, number>()
  #least = Number.POSITIVE_INFINITY
  #next: number
  #events = 0
  #before = 0
  #unmatched = 0
  #children = 0
  #at: number | undefined

  constructor(wish: ReplayWish, parts: ReplayParts, signal: AbortSignal) {
    const { credit: _, router, ...accepting } = parts
    this.batch = Math.max(1, Math.min(BATCH, Math.floor((wish.rate ?? Number.POSITIVE_INFINITY) / 4)))
    this.#wish = wish
    this.#parts = parts
    this.#signal = signal
    this.#router = wish.route === undefined ? router : () => only(router(), wish.route)
    this.#accept = createAccept({ ...accepting, router: this.#router })
    this.#next = parts.clock.now()
  }

  takes({ event, origin }: RetainedEvent): boolean {
    if (origin.source === DEAD_LETTER_SOURCE || isRefusedOffer(event) || extension(event, REPLAY) !== undefined)
      return false
    if (this.#wish.when && !this.#wish.when(event, origin)) return false
    if (this.#wish.route !== undefined || hops(event) === 0) return true
    this.#children++
    return false
  }

  /** Resolves once these events are on disk as new ones. */
  async through(batch: readonly RetainedEvent[]): Promise<void> {
    if (batch.length === 0) return
    if (this.#wish.dryRun)
      for (const { event, origin } of batch)
        this.#count(
          this.#router()
            .match(event, origin)
            .map(({ route }) => route.name),
        )
    else {
      await this.#room()
      const begun = this.#parts.clock.now()
      const ran = await Promise.all(batch.map((each) => this.#again(each)))
      // What had run before takes no time: a replay that goes on is soon where it was.
      const { rate } = this.#wish
      if (rate !== undefined) this.#next = begun + (ran.filter(Boolean).length * 1_000) / rate
    }
    this.#at = batch.at(-1)?.acceptedAt
  }

  progress(): ReplayProgress {
    const counts = { before: this.#before, unmatched: this.#unmatched, children: this.#children }
    const at = this.#at === undefined ? {} : { at: this.#at }
    return { events: this.#events, routes: Object.fromEntries(this.#routes), ...counts, ...at }
  }

  /** Resolves to whether it runs: not when it had under this name before. */
  async #again(each: RetainedEvent): Promise<boolean> {
    const { duplicate, routes = [] } = await this.#accept(asReplay(each, this.#wish.name), each.origin)
    if (duplicate) this.#before++
    else this.#count(routes)
    return !duplicate
  }

  #count(routes: readonly string[]): void {
    if (routes.length > 0) this.#events++
    else if (this.#wish.route === undefined) this.#unmatched++
    for (const route of routes) this.#routes.set(route, (this.#routes.get(route) ?? 0) + 1)
  }

  /** Waits for its turn: for the rate, and until what it has added has been delivered for the most part. */
  async #room(): Promise<void> {
    const { clock, credit, journal } = this.#parts
    if (this.#next > clock.now()) await passTime(clock, this.#next - clock.now(), this.#signal)
    for (;;) {
      this.#least = Math.min(this.#least, journal.used.pending)
      if (journal.used.pending - this.#least < MOST_WAITING) break
      await passTime(clock, LOOK_AGAIN_MS, this.#signal)
    }
    await credit.wait(this.#signal)
  }
}

/** The router with one of its routes. */
function only(router: Matching, name: string | undefined): Matching {
  return { match: (event, origin) => router.match(event, origin).filter(({ route }) => route.name === name) }
}
