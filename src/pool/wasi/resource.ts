/** What a guest holds of its host by a handle, of whatever interface. */

import { holding } from './budget.ts'

/** Counted for the instance that it was made for, until that drops it or hands it over. */
export class Resource {
  readonly #budget = holding.take()
  #bytes = 0
  #released = false

  get released(): boolean {
    return this.#released
  }

  /** Notes that it keeps so many bytes more. Throws a LiftError when the instance has its host keep too many. */
  keep(bytes: number): void {
    if (this.#released) return
    this.#bytes += bytes
    this.#budget.keep(bytes)
  }

  /** The guest has it no more. */
  release(): void {
    if (this.#released) return
    this.#released = true
    this.#budget.give()
    this.#budget.release(this.#bytes)
  }

  [Symbol.dispose](): void {
    this.release()
  }
}
