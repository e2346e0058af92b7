/** Offsets of one partition: which is the lowest that is not accepted, and so may be committed. Pure. */

/** Takes offsets in the order of the log, and settles them in any order. Offsets are exact up to 2^53. */
export class Watermark {
  readonly #taken: number[] = []
  /** When each was written, at the same index. */
  readonly #written: number[] = []
  /** Index of the lowest that is not settled. */
  #first = 0
  /** Settled ones above that. */
  readonly #settled = new Set<number>()
  #next: number | undefined

  /** How many were taken and are not settled. */
  get open(): number {
    return this.#taken.length - this.#first - this.#settled.size
  }

  /** Every offset below this one is settled; undefined before the first was taken. */
  get next(): number | undefined {
    return this.#next
  }

  /** When the lowest one that is not settled was written; undefined when there is none. */
  get oldest(): number | undefined {
    return this.#written[this.#first]
  }

  /** The highest offset that was taken; -1 before the first. */
  get last(): number {
    return this.#taken.at(-1) ?? (this.#next ?? 0) - 1
  }

  /** `offset` must be above each that was taken before; `written` is in milliseconds since the epoch. */
  take(offset: number, written = 0): void {
    this.#taken.push(offset)
    this.#written.push(written)
    this.#next ??= offset
  }

  settle(offset: number): void {
    if (this.#taken[this.#first] !== offset) {
      this.#settled.add(offset)
      return
    }
    let done = offset
    this.#first += 1
    for (;;) {
      const following = this.#taken[this.#first]
      if (following === undefined || !this.#settled.delete(following)) break
      done = following
      this.#first += 1
    }
    this.#next = done + 1
    this.#forget()
  }

  /** Drops what is settled, once that is the larger part. */
  #forget(): void {
    if (this.#first < 1_024 || this.#first * 2 < this.#taken.length) return
    this.#taken.splice(0, this.#first)
    this.#written.splice(0, this.#first)
    this.#first = 0
  }
}
