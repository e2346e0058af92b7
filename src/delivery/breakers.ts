/** All breakers of the gateway: what is open is told once, shown, and refused at the door. */

import type { Credit, Log } from '../connector/connector.ts'
import { GatewayError } from '../errors.ts'
import type { Lane } from '../journal/journal.ts'
import type { From, Route } from '../router/route.ts'
import { Breaker, type BreakerOptions, type BreakerState } from './breaker.ts'
import { type Clock, SYSTEM_CLOCK } from './clock.ts'

/** A source that waits looks again this often. Milliseconds. */
const LOOK_AGAIN_MS = 250
/** What a caller is told to wait, at most. */
const LONGEST_MS = 30_000

export class Breakers {
  readonly #all = new Set<Breaker>()
  readonly #log: Pick<Log, 'warn' | 'info'>

  constructor(log: Pick<Log, 'warn' | 'info'>) {
    this.#log = log
  }

  /** Makes the breaker of a lane. `remove` it when the lane is left. */
  make(lane: Lane, options: BreakerOptions, clock: Clock): Breaker {
    const breaker = new Breaker(lane, options, clock, ({ lane }, state, reason) => this.#tell(lane, state, reason))
    this.#all.add(breaker)
    return breaker
  }

  remove(breaker: Breaker): void {
    breaker.stop()
    this.#all.delete(breaker)
  }

  states(): readonly (Lane & { readonly state: BreakerState })[] {
    return Array.from(this.#all, ({ lane, state }) => ({ ...lane, state }))
  }

  /** What is open, in words; undefined when nothing is. */
  open(): string | undefined {
    const open = [...this.#all].filter(({ state }) => state !== 'closed')
    if (open.length === 0) return undefined
    return `open: ${open.map(({ lane }) => `${lane.route} -> ${lane.to}`).join(', ')}; what comes for it waits`
  }

  /** Why events that these routes alone take are refused: each of their targets rests. Undefined when one does not. */
  refusal(routes: readonly { readonly route: Route }[], now: number): GatewayError | undefined {
    if (!this.#somethingRests() || routes.length === 0) return undefined
    let until = 0
    for (const { controls, name } of routes.map(({ route }) => route)) {
      if (controls?.breaker === undefined) return undefined
      const own = [...this.#all].filter(({ lane }) => lane.route === name)
      if (own.length === 0) return undefined
      for (const breaker of own) {
        if (breaker.until === undefined) return undefined
        until = Math.max(until, breaker.until)
      }
    }
    const names = routes.map(({ route }) => route.name).join(', ')
    return new GatewayError('OVERLOADED', `${names} (route): accepting: the breaker is open: the target fails`, {
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
    for (const { until } of this.#all) if (until !== undefined) return true
    return false
  }

  #tell({ route, to }: Lane, state: 'open' | 'closed', reason?: string): void {
    if (state === 'closed') this.#log.info({ route, to }, `${route}: the breaker is closed: ${to} works again`)
    else this.#log.warn({ route, to }, `${route}: the breaker is open, nothing goes to ${to} for now: ${reason}`)
  }
}

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
