/** One timer for any number of times: it rings at the earliest. */

/** Rings at least this often while something is ahead: the clock may be set while a timer runs. Milliseconds. */
const LONGEST = 1_000

/** Calls back at a time, or before it. Returns what takes it back. */
export type SetTimer = (time: number, ring: () => void) => () => void

export class Alarm {
  readonly #now: () => number
  readonly #ring: () => void
  readonly #set: SetTimer
  #at = Number.POSITIVE_INFINITY
  #unset: (() => void) | undefined

  /** `set` is the timer of a clock that is not the machine's. */
  constructor(now: () => number, ring: () => void, set: SetTimer = timerOf(now)) {
    this.#now = now
    this.#ring = ring
    this.#set = set
  }

  /** Asks for a ring at this time. Whoever is not satisfied when it rings asks again. */
  at(time: number): void {
    if (time >= this.#at) return
    this.#at = time
    this.#unset?.()
    this.#unset = this.#set(time, () => this.#check())
  }

  stop(): void {
    this.#unset?.()
    this.#at = Number.NEGATIVE_INFINITY
  }

  #check(): void {
    const time = this.#at
    if (time === Number.NEGATIVE_INFINITY) return
    this.#at = Number.POSITIVE_INFINITY
    if (this.#now() >= time) this.#ring()
    else this.at(time)
  }
}

const timerOf = (now: () => number): SetTimer => {
  return (time, ring) => {
    const timer = setTimeout(ring, Math.max(0, Math.min(LONGEST, time - now())))
    return () => clearTimeout(timer)
  }
}
