/** One timer for any number of times: it rings at the earliest. */

/** Rings at least this often while something is ahead: the clock may be set while a timer runs. Milliseconds. */
const LONGEST = 1_000

export class Alarm {
  readonly #now: () => number
  readonly #ring: () => void
  #at = Number.POSITIVE_INFINITY
  #timer: NodeJS.Timeout | undefined

  constructor(now: () => number, ring: () => void) {
    this.#now = now
    this.#ring = ring
  }

  /** Asks for a ring at this time. Whoever is not satisfied when it rings asks again. */
  at(time: number): void {
    if (time >= this.#at) return
    this.#at = time
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#check(), Math.max(0, Math.min(LONGEST, time - this.#now())))
  }

  stop(): void {
    clearTimeout(this.#timer)
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
