/** At most so many starts in any stretch of time of a given length: the last starts are remembered, no average is taken. */

export class Window {
  readonly #limit: number
  readonly #perMs: number
  /** A ring of the last starts; the oldest at `#at` once it is full. */
  readonly #starts: number[] = []
  #at = 0
  #last = Number.NEGATIVE_INFINITY

  constructor(limit: number, perMs: number) {
    this.#limit = limit
    this.#perMs = perMs
  }

  /** The time from which one more may start; one that has passed means at once. */
  get freeAt(): number {
    const oldest = this.#starts.length < this.#limit ? undefined : this.#starts[this.#at]
    return oldest === undefined ? Number.NEGATIVE_INFINITY : oldest + this.#perMs
  }

  start(now: number): void {
    this.#last = now
    this.#starts[this.#at] = now
    this.#at = (this.#at + 1) % this.#limit
  }

  /** Whether it remembers nothing that still counts. */
  idle(now: number): boolean {
    return this.#last + this.#perMs <= now
  }
}
