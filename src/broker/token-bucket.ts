/** So many a second, with a burst of as many. */

export class TokenBucket {
  readonly #perSecond: number
  #tokens: number
  #filled = performance.now()

  constructor(perSecond: number) {
    this.#perSecond = perSecond
    this.#tokens = perSecond
  }

  /** Takes one; false when there is none now. */
  take(): boolean {
    const now = performance.now()
    this.#tokens = Math.min(this.#perSecond, this.#tokens + ((now - this.#filled) / 1_000) * this.#perSecond)
    this.#filled = now
    if (this.#tokens < 1) return false
    this.#tokens--
    return true
  }
}
