/** Stops a lane whose target fails: after so many failures in a row it rests, then one delivery tries whether it works. */

import { toGatewayError } from '../errors.ts'
import type { Lane } from '../journal/journal.ts'
import type { Clock } from './clock.ts'
import type { Target } from './target.ts'

export type BreakerState = 'closed' | 'open' | 'half_open'

export interface BreakerOptions {
  /** Attempts that fail one after the other before it opens. */
  readonly failures: number
  /** How long it stays open before one delivery may try. Milliseconds. */
  readonly openMs: number
}

/** Hears when it opens, from closed, and when it closes again. */
export type BreakerListener = (breaker: Breaker, state: 'open' | 'closed', reason?: string) => void

export class Breaker {
  readonly lane: Lane
  readonly #options: BreakerOptions
  readonly #clock: Clock
  readonly #told: BreakerListener
  #state: BreakerState = 'closed'
  #failed = 0
  #until = 0
  #probing = false
  #unset: (() => void) | undefined
  /** Called when deliveries may begin again. */
  onAdmit: () => void = () => undefined

  constructor(lane: Lane, options: BreakerOptions, clock: Clock, told: BreakerListener) {
    this.lane = { route: lane.route, to: lane.to }
    this.#options = options
    this.#clock = clock
    this.#told = told
  }

  get state(): BreakerState {
    return this.#state
  }

  /** When it tries again, while it is open. Milliseconds since the epoch. */
  get until(): number | undefined {
    return this.#state === 'open' ? this.#until : undefined
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
    this.#failed += 1
    if (this.#state === 'closed' && this.#failed < this.#options.failures) return
    const before = this.#state
    this.#state = 'open'
    this.#probing = false
    this.#until = this.#clock.now() + this.#options.openMs
    this.#unset = this.#clock.at(this.#until, () => this.#tryAgain())
    if (before === 'closed') this.#told(this, 'open', reason)
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
      if (error.disposition === 'retry') breaker.failed(error.message)
      else breaker.answered()
      throw thrown
    }
  },
})
