/** How long an instance that is used again and again lives. */

import { INSTANCE_CALLS, INSTANCE_FILL } from './limits.ts'
import type { Reuse } from './pool.ts'

export class Wear {
  /** Bytes of memory after which it is replaced. */
  readonly #full: number
  #left: number

  /** Of an instance that starts with so many bytes under a cap, and may be called as often as `reuse` says. */
  constructor(startBytes: number, capBytes: number, reuse: Reuse | undefined) {
    this.#full = startBytes + INSTANCE_FILL * (capBytes - startBytes)
    this.#left = drawn(reuse)
  }

  /** A call is made. */
  add(): void {
    this.#left--
  }

  /** It is in no state to be called again. */
  end(): void {
    this.#left = 0
  }

  /** True when it has lived long enough: memory under a cap fills up, and a full one traps. */
  over(bytes: number): boolean {
    return this.#left <= 0 || bytes > this.#full
  }
}

/** Each instance draws its own, so that those that were made together are not all replaced together. */
function drawn(reuse: Reuse | undefined): number {
  if (!reuse) return INSTANCE_CALLS
  return reuse.least + Math.floor(Math.random() * (reuse.most - reuse.least + 1))
}

/** Whether every call is to have an instance on which nothing ran before. */
export const isFresh = (reuse: Reuse | undefined): boolean => reuse?.most === 1
