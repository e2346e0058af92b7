/** All breakers of the gateway: what is open or held is told once, shown, and refused at the door. */

import type { Credit, Log } from '../connector/connector.ts'
import { GatewayError } from '../errors.ts'
import type { Lane } from '../journal/journal.ts'
import type { From, Route } from '../router/route.ts'
import { Breaker, type BreakerListener, type BreakerParts, type BreakerState, remedy } from './breaker.ts'
import { type Clock, SYSTEM_CLOCK } from './clock.ts'
import { type GoneSinks, NONE_GONE } from './gone.ts'

/** A source that waits looks again this often. Milliseconds. */
const LOOK_AGAIN_MS = 250
/** What a caller is told to wait, at most. */
const LONGEST_MS = 30_000

export class Breakers {
  readonly #all = new Set<Breaker>()
  readonly #log: Pick<Log, 'error' | 'warn' | 'info'>
  readonly #gone: GoneSinks
  readonly #crowded: () => boolean

  /**
   * `gone` are the sinks that were so when the gateway ran last. What comes for those that are gone is taken,
   * and waits, until `crowded`.
   */
  constructor(
    log: Pick<Log, 'error' | 'warn' | 'info'>,
    gone: GoneSinks = NONE_GONE,
    crowded: () => boolean = () => false,
  ) {
    this.#log = log
    this.#gone = gone
    this.#crowded = crowded
  }

  /** Makes the breaker of a lane. `remove` it when the lane is left. */
  make(lane: Lane, parts: BreakerParts, clock: Clock): Breaker {
    const { sink } = parts
    const tries = sink !== undefined && this.#gone.has(sink)
    const breaker = new Breaker(lane, { ...parts, tries }, clock, this.#tell)
    this.#all.add(breaker)
    return breaker
  }

  remove(breaker: Breaker): void {
    breaker.stop()
    this.#all.delete(breaker)
  }

  /** Of those that failures open. */
  states(): readonly (Lane & { readonly state: BreakerState })[] {
    return [...this.#all].flatMap(({ counts, lane, state }) => (counts ? [{ ...lane, state }] : []))
  }

  /** Of the lanes that feed sinks: whether they are held. */
  holds(): readonly (Lane & { readonly held: boolean })[] {
    return [...this.#all].flatMap(({ held, lane, sink }) =>
      sink === undefined ? [] : [{ ...lane, held: held !== undefined }],
    )
  }

  /** What is open, in words; undefined when nothing is. */
  open(): string | undefined {
    const open = [...this.#all].filter(({ counts, held, state }) => counts && held === undefined && state !== 'closed')
    if (open.length === 0) return undefined
    return `open: ${open.map(({ lane }) => `${lane.route} -> ${lane.to}`).join(', ')}; what comes for it waits`
  }

  /** What is held, in words: why, and what to do; undefined when nothing is. */
  held(): string | undefined {
    const held = [...this.#all].filter((each) => each.held !== undefined)
    if (held.length === 0) return undefined
    const lanes = held.map(({ held, lane }) => `${lane.route} -> ${lane.to} (${held})`).join(', ')
    const sinks = new Set(held.flatMap(({ sink }) => sink ?? []))
    return `held: ${lanes}; what comes for it waits; ${remedy([...sinks])}`
  }

  /** Lets what is held for a sink try again, one delivery first. Returns the lanes that were held. */
  resume(sink: string): readonly Lane[] {
    const held = [...this.#all].filter((each) => each.sink === sink && each.held !== undefined)
    for (const breaker of held) breaker.resume()
    return held.map(({ lane }) => lane)
  }

  /** Why events that these routes alone take are refused: each of their targets rests. Undefined when one does not. */
  refusal(routes: readonly { readonly route: Route }[], now: number): GatewayError | undefined {
    if (!this.#somethingRests() || routes.length === 0) return undefined
    let until = 0
    for (const { name, to } of routes.map(({ route }) => route)) {
      const own = [...this.#all].filter(({ lane }) => lane.route === name)
      for (const { text } of to) {
        const breaker = own.find(({ lane }) => lane.to === text)
        if (breaker?.until === undefined || !this.#refuses(breaker)) return undefined
        until = Math.max(until, breaker.until)
      }
    }
    const names = routes.map(({ route }) => route.name).join(', ')
    const why = until === Number.POSITIVE_INFINITY ? 'the target is gone, and half of the journal is full' : OPEN
    return new GatewayError('OVERLOADED', `${names} (route): accepting: ${why}`, {
      retryAfterMs: Math.min(LONGEST_MS, Math.max(1, until - now)),
    })
  }

  /** The credit of one source: that of the gateway, and none while all routes that it feeds rest. */
  credit(source: string, whole: Credit, routes: () => readonly Route[]): Credit {
    const fed = () => routes().flatMap((route) => (route.from.some((each) => feeds(source, each)) ? [{ route }] : []))
    // Which routes a source feeds is asked with each message, and only while it matters.
    const resting = () => (this.#somethingRests() ? this.refusal(fed(), SYSTEM_CLOCK.now()) : undefined)
    return {
      refusal: () => whole.refusal() ?? resting(),
      wait: async (signal) => {
        await whole.wait(signal)
        while (resting()) {
          await pause(signal)
          await whole.wait(signal)
        }
      },
    }
  }

  #somethingRests(): boolean {
    for (const breaker of this.#all) if (breaker.until !== undefined && this.#refuses(breaker)) return true
    return false
  }

  /** Until somebody acts, what is held would keep its sources waiting, too: it may fill half of the journal first. */
  #refuses({ held }: Breaker): boolean {
    return held === undefined || this.#crowded()
  }

  readonly #tell: BreakerListener = (breaker, state, reason = '') => {
    const { lane, sink } = breaker
    const { route, to } = lane
    // What a lane that was left hears is of a sink as it was before.
    if (!this.#all.has(breaker)) return
    if (state === 'held') this.#hold(breaker, reason)
    else if (state === 'closed') {
      if (sink !== undefined) this.#gone.remove(sink)
      const closed = breaker.counts ? 'the breaker is closed' : 'going on'
      this.#log.info({ route, to }, `${route}: ${closed}: ${to} works again`)
    } else this.#log.warn({ route, to }, `${route}: the breaker is open, nothing goes to ${to} for now: ${reason}`)
  }

  /** What one route heard of a sink counts for all that feed it. It is told once. */
  #hold(breaker: Breaker, reason: string): void {
    const { lane, sink } = breaker
    const others = [...this.#all].filter((each) => each !== breaker && each.sink === sink)
    if (sink === undefined || others.some(({ held }) => held !== undefined)) return
    this.#gone.add(sink)
    this.#log.error(
      { ...lane, sink },
      `${lane.route}: nothing more goes to ${lane.to}, what comes for it waits: ${reason}; ${remedy([sink])}`,
    )
    for (const other of others) other.hold(reason)
  }
}

const OPEN = 'the breaker is open: the target fails'

function feeds(source: string, from: From): boolean {
  if (from.kind === 'any') return true
  return from.kind === 'source' ? from.source === source : from.kind === source
}

const pause = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer)
      reject(signal.reason)
    }
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop)
      resolve()
    }, LOOK_AGAIN_MS)
    if (signal.aborted) stop()
    else signal.addEventListener('abort', stop, { once: true })
  })
