/** Time that passes only when it is told to: whatever is set to a time happens then, in order, without a wait. */

import type { Clock as SourceClock } from '../connector/connector.ts'
import { type Clock, passTime } from '../delivery/clock.ts'

interface Ring {
  readonly time: number
  readonly ring: () => void
}

/** The one clock of a test: journal, dispatch, deliveries and sources all go by it. It never goes back. */
export class VirtualClock implements Clock, SourceClock {
  #now: number
  readonly #rings = new Set<Ring>()
  readonly #held = new Set<Promise<unknown>>()
  readonly #progress: () => number

  /** Begins at that time, in milliseconds since the epoch. While `progress` changes there is more to happen before time passes. */
  constructor(begins: number, progress: () => number = () => 0) {
    this.#now = begins
    this.#progress = progress
  }

  readonly now = (): number => this.#now

  readonly at = (time: number, ring: () => void): (() => void) => {
    const set = { time, ring }
    this.#rings.add(set)
    return () => this.#rings.delete(set)
  }

  readonly until = (at: number, signal: AbortSignal): Promise<void> => passTime(this, at - this.#now, signal)

  /** Time stands still while work goes on that takes real time. Resolves and rejects as the work does. */
  hold<T>(work: Promise<T>): Promise<T> {
    const held = work
      .then(
        () => undefined,
        () => undefined,
      )
      .finally(() => this.#held.delete(held))
    this.#held.add(held)
    return work
  }

  /** Lets everything happen that needs no time to pass; then moves on to the next time that is set. False when none is, up to `end`. */
  async step(end = Number.POSITIVE_INFINITY): Promise<boolean> {
    await this.#quiet()
    let next: Ring | undefined
    for (const set of this.#rings) if (!next || set.time < next.time) next = set
    if (!next || next.time > end) return false
    this.#rings.delete(next)
    this.#now = Math.max(this.#now, next.time)
    next.ring()
    return true
  }

  /** Moves on to a time, and everything that is set up to then happens, each at its own. */
  async advance(end: number): Promise<void> {
    while (await this.step(end));
    this.#now = Math.max(this.#now, end)
  }

  /** Dispatch leaves the event loop a turn now and then, and goes on in the next one. */
  async #quiet(): Promise<void> {
    let before: number
    do {
      before = this.#progress()
      await turn()
      await turn()
      if (this.#held.size > 0) await Promise.race(this.#held)
    } while (this.#held.size > 0 || this.#progress() !== before)
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
