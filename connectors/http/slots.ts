/** Bounds how many emits are unresolved at once; the rest wait their turn, up to a point. */

import type { GatewayError } from '#connector'

/** Runs work at most `limit` at a time, in the order it came. */
export class Slots {
  #free: number
  readonly #limit: number
  readonly #maxQueued: number
  readonly #overloaded: () => GatewayError
  readonly #queue: (() => void)[] = []
  readonly #idle: (() => void)[] = []

  constructor(limit: number, maxQueued: number, overloaded: () => GatewayError) {
    this.#free = limit
    this.#limit = limit
    this.#maxQueued = maxQueued
    this.#overloaded = overloaded
  }

  /** Resolves and rejects as `work` does. Rejects with OVERLOADED when too many wait already. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free -= 1
    else await this.#turn()
    try {
      return await work()
    } finally {
      this.#leave()
    }
  }

  /** Resolves when nothing runs. */
  idle(): Promise<void> {
    if (this.#free === this.#limit) return Promise.resolve()
    return new Promise((resolve) => this.#idle.push(resolve))
  }

  /** True when one more would be refused. */
  get full(): boolean {
    return this.#free === 0 && this.#queue.length >= this.#maxQueued
  }

  get overloaded(): GatewayError {
    return this.#overloaded()
  }

  #turn(): Promise<void> {
    if (this.full) return Promise.reject(this.#overloaded())
    return new Promise((resolve) => this.#queue.push(resolve))
  }

  #leave(): void {
    const next = this.#queue.shift()
    if (next) {
      next()
      return
    }
    this.#free += 1
    if (this.#free === this.#limit) for (const resolve of this.#idle.splice(0)) resolve()
  }
}
