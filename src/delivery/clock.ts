/** Time, as the controls of a lane see it: replaced where tests, and `check`, make their own. */

export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number
  /** Calls back at that time, or soon after. Returns what takes it back. */
  at(time: number, ring: () => void): () => void
}

/** Node's timers hold no more. */
const LONGEST_MS = 2 ** 31 - 1

/** How far the machine's clock may be from where it was expected before it has been set, and not only corrected. */
const SET_MS = 1_000

/**
 * Time that never goes back, for all that waits: set back, the clock of the machine would make a retry that is due in a
 * second wait for hours. Set ahead, it is as after a sleep of the machine, which looks the same: time has passed.
 */
export class LastingClock implements Clock {
  readonly #wall: () => number
  readonly #passed: () => number
  /** Milliseconds by which it is ahead of the machine's clock, which was set back by as much. */
  #ahead = 0
  #last: number
  #lastPassed: number

  /** `passed`: milliseconds since some instant, on a clock that nobody sets. */
  constructor(wall: () => number = Date.now, passed: () => number = () => performance.now()) {
    this.#wall = wall
    this.#passed = passed
    this.#last = wall()
    this.#lastPassed = passed()
  }

  readonly now = (): number => {
    const wall = this.#wall()
    // Asked some ten times an event: within one millisecond no clock that nobody sets has to be read beside it.
    if (wall + this.#ahead === this.#last) return this.#last
    const passed = this.#passed()
    const expected = Math.floor(this.#last + passed - this.#lastPassed)
    const jump = wall + this.#ahead - expected
    if (jump < -SET_MS) this.#ahead -= jump
    else if (jump > SET_MS && this.#ahead > 0) this.#ahead = Math.max(0, this.#ahead - jump)
    const now = Math.max(this.#last, wall + this.#ahead)
    this.#lastPassed = passed
    this.#last = now
    return now
  }

  /** The time of the machine, for what others measure by theirs: deadlines that came in with a call. */
  readonly wall = (): number => this.#wall()

  /** It is at least this late: a journal has been told so, before a restart. */
  readonly notBefore = (time: number): void => {
    const behind = time - this.now()
    if (behind <= 0) return
    this.#ahead += behind
    this.#last = time
  }

  /** A timer may ring early by a millisecond, and after weeks early by much: whoever is rung looks. */
  at(time: number, ring: () => void): () => void {
    const timer = setTimeout(ring, Math.min(LONGEST_MS, Math.max(1, time - this.now())))
    return () => clearTimeout(timer)
  }
}

/** The clock of this process. */
export const SYSTEM_CLOCK = new LastingClock()

/** Resolves that many milliseconds from now. Rejects with the reason of `signal`. */
export function passTime(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const unset = clock.at(clock.now() + ms, () => {
      signal.removeEventListener('abort', stop)
      resolve()
    })
    const stop = (): void => {
      unset()
      reject(signal.reason)
    }
    if (signal.aborted) stop()
    else signal.addEventListener('abort', stop, { once: true })
  })
}
