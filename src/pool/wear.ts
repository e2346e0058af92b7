/** How long an instance that is used again and again lives. */

import { INSTANCE_CALLS, INSTANCE_FILL } from './limits.ts'

export class Wear {
  /** Bytes of memory after which it is replaced. */
  readonly #full: number
  #calls = 0

  /** Of an instance that starts with so many bytes under a cap. */
  constructor(startBytes: number, capBytes: number) {
    this.#full = startBytes + INSTANCE_FILL * (capBytes - startBytes)
  }

  /** A call is made. */
  add(): void {
    this.#calls++
  }

  /** It is in no state to be called again. */
  end(): void {
    this.#calls = INSTANCE_CALLS
  }

  /** True when it has lived long enough: memory under a cap fills up, and a full one traps. */
  over(bytes: number): boolean {
    return this.#calls >= INSTANCE_CALLS || bytes > this.#full
  }
}
