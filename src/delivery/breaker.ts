/** Stops a lane whose target fails: after so many failures in a row it rests, then one tries; one that is gone is held. */

import { toGatewayError } from '../errors.ts'
import type { Lane } from '../journal/journal.ts'
import type { Clock } from './clock.ts'
import type { Wait } from './standing.ts'
import type { Target } from './target.ts'

export type BreakerState = 'closed' | 'open' | 'half_open'

export interface BreakerOptions {
  /** Attempts that fail one after the other before it opens. */
  readonly failures: number
  /** How long it stays open before one delivery may try. Milliseconds. */
  readonly openMs: number
}

/** What a breaker is made with. */
export interface BreakerParts {
  /** Absent for one that no failures open. */
  readonly options?: BreakerOptions | undefined
  /** The sink that the lane feeds, when its deliveries wait for one that is gone. */
  readonly sink?: string | undefined
  /** It begins with a try: the target was gone when it was last heard of. */
  readonly tries?: boolean
}

/** Hears when it opens, from closed, when it is held, and when it closes again. */
export type BreakerListener = (breaker: Breaker, state: 'open' | 'held' | 'closed', reason?: string) => void

export class Breaker {
  readonly lane: Lane
  readonly sink: string | undefined
  readonly #options: BreakerOptions | undefined
  readonly #clock: Clock
  readonly #told: BreakerListener
  #state: BreakerState = 'closed'
  #failed = 0
  #until = 0
  #probing = false
  #unset: (() => void) | undefined
  #held: string | undefined
  /** Of the last failure. */
  #reason = ''
  /** Called when deliveries may begin again. */
  onAdmit: () => void = () => undefined

  constructor(lane: Lane, { options, sink, tries = false }: BreakerParts, clock: Clock, told: BreakerListener) {
    this.lane = { route: lane.route, to: lane.to }
    this.sink = sink
    this.#options = options
    if (tries) this.#state = 'half_open'
    this.#clock = clock
    this.#told = told
  }

  get state(): BreakerState {
    return this.#state
  }

  /** Whether failures open it. */
  get counts(): boolean {
    return this.#options !== undefined
  }

  /** Why the target is held to be gone; undefined while it is not. */
  get held(): string | undefined {
    return this.#held
  }

  /** When it tries again, while it is open; never, when it is held. Milliseconds since the epoch. */
  get until(): number | undefined {
    return this.#state === 'open' ? this.#until : undefined
  }

  /** What deliveries wait for that may not begin; undefined when they may. */
  wait(): Wait | undefined {
    if (this.admits) return undefined
    const { sink = '' } = this
    if (this.#held !== undefined)
      return { for: 'sink', what: `its sink, which is gone: ${this.#held}`, next: remedy([sink]) }
    if (this.until === undefined)
      return { for: 'breaker', what: 'its breaker: one delivery tries whether the target works' }
    return { for: 'breaker', what: `its breaker, which is open: ${this.#reason}`, until: this.until }
  }

  /** Whether a delivery may begin: none while it is open, one at a time while it tries. */
  get admits(): boolean {
    return this.#state === 'closed' || (this.#state === 'half_open' && !this.#probing)
  }

  /** A delivery begins: returns whether it is the one that tries. */
  begin(): boolean {
    this.#probing = this.#state === 'half_open'
    return this.#probing
  }

  /** The one that tried has ended. If it came to no attempt, the try is left to the next. */
  ended(): void {
    if (!this.#probing) return
    this.#probing = false
    this.onAdmit()
  }

  /** The target has answered, if only to refuse: it works. */
  answered(): void {
    this.#failed = 0
    // What began before it opened proves nothing of now.
    if (this.#state !== 'half_open') return
    this.#state = 'closed'
    this.#probing = false
    this.#told(this, 'closed')
    this.onAdmit()
  }

  /** An attempt failed in a way that another may not. */
  failed(reason: string): void {
    if (this.#state === 'open') return
    // Whatever is there that fails is not gone.
    if (this.#options === undefined) {
      this.answered()
      return
    }
    this.#failed += 1
    if (this.#state === 'closed' && this.#failed < this.#options.failures) return
    const before = this.#state
    this.#state = 'open'
    this.#probing = false
    this.#until = this.#clock.now() + this.#options.openMs
    this.#reason = reason
    this.#unset = this.#clock.at(this.#until, () => this.#tryAgain())
    if (before === 'closed') this.#told(this, 'open', reason)
  }

  /** The target is gone: nothing begins any more until `resume`. */
  hold(reason: string): void {
    if (this.#held !== undefined) return
    this.#unset?.()
    this.#held = reason
    this.#state = 'open'
    this.#probing = false
    this.#until = Number.POSITIVE_INFINITY
    this.#told(this, 'held', reason)
  }

  /** Lets one delivery try whether a target that was gone is there again. */
  resume(): void {
    if (this.#held === undefined) return
    this.#held = undefined
    this.#failed = 0
    this.#tryAgain()
  }

  /** Rings no more. */
  stop(): void {
    this.#unset?.()
  }

  #tryAgain(): void {
    this.#state = 'half_open'
    this.onAdmit()
  }
}

/** What there is to do about sinks that are gone. */
export const remedy = (sinks: readonly string[]): string =>
  `change the sink and reload, or run: ${sinks.map((sink) => `headgate resume ${sink}`).join(', ')}`

/** The target, with its failures told to a breaker. What ended because the gateway stops tells nothing. */
export const watched = (target: Target, breaker: Breaker): Target => ({
  answers: target.answers,
  async handle(work, signal) {
    try {
      const handled = await target.handle(work, signal)
      breaker.answered()
      return handled
    } catch (thrown) {
      const error = toGatewayError(thrown)
      if (signal.aborted || error.disposition === 'fatal') throw thrown
      if (error.code === 'SINK_GONE' && breaker.sink !== undefined) breaker.hold(error.message)
      else if (error.disposition === 'retry') breaker.failed(error.message)
      else breaker.answered()
      throw thrown
    }
  },
})
