/** Picks due deliveries, lane by lane, and keeps each lane within its concurrency. */

import { toGatewayError } from '../errors.ts'
import type { Delivery, Journal, Lane } from '../journal/journal.ts'

export interface LaneWork extends Lane {
  /** Deliveries under way at once. */
  readonly concurrency: number
  /** Runs one delivery to its outcome. Rejects only for reasons that end the gateway. */
  run(delivery: Delivery, signal: AbortSignal): Promise<{ readonly settled: Promise<void> }>
}

/** Runs lanes until it is stopped. A slow or poisoned delivery holds its own place and nothing else. */
export class Dispatcher {
  readonly #journal: Pick<Journal, 'claim'>
  readonly #failed: (error: Error) => void
  readonly #abort = new AbortController()
  readonly #claiming = new AbortController()
  readonly #lanes: Promise<void>[] = []
  #running = 0
  /** Whoever waits until nothing runs. */
  #idle: PromiseWithResolvers<void> | undefined

  /** `failed` hears what ends the gateway. */
  constructor(journal: Pick<Journal, 'claim'>, failed: (error: Error) => void) {
    this.#journal = journal
    this.#failed = failed
  }

  /** Begins to take the deliveries of a lane. */
  add(lane: LaneWork): void {
    this.#lanes.push(this.#serve(lane).catch((error: unknown) => this.#failed(toGatewayError(error))))
  }

  /** Takes no more, waits up to `graceMs` for what is under way, then gives the rest back. */
  async stop(graceMs: number): Promise<void> {
    this.#claiming.abort()
    await Promise.all(this.#lanes)
    const timer = setTimeout(() => this.#abort.abort(), graceMs)
    if (this.#running > 0) {
      this.#idle ??= Promise.withResolvers()
      await this.#idle.promise
    }
    clearTimeout(timer)
  }

  async #serve(lane: LaneWork): Promise<void> {
    const { signal } = this.#claiming
    const places = new Places(lane.concurrency)
    signal.addEventListener('abort', () => places.close(), { once: true })
    const deliveries = this.#journal.claim(lane, signal)
    while (!signal.aborted) {
      if (!places.take()) await places.wait()
      if (signal.aborted) break
      const next = await deliveries.next()
      if (next.done) break
      void this.#run(lane, next.value, places)
    }
    await deliveries.return?.()
  }

  /** One delivery to the end of its settle; it never rejects. */
  async #run(lane: LaneWork, delivery: Delivery, places: Places): Promise<void> {
    this.#running += 1
    try {
      let settled: Promise<void>
      try {
        settled = (await lane.run(delivery, this.#abort.signal)).settled
      } finally {
        places.free()
      }
      await settled
    } catch (error) {
      this.#failed(toGatewayError(error))
    }
    this.#running -= 1
    if (this.#running === 0) this.#idle?.resolve()
  }
}

/** Counts the free places of a lane; one taker. */
class Places {
  #free: number
  #closed = false
  #waiting: (() => void) | undefined

  constructor(count: number) {
    this.#free = count
  }

  take(): boolean {
    if (this.#free === 0) return false
    this.#free -= 1
    return true
  }

  /** Resolves holding a place, or empty-handed once closed. */
  wait(): Promise<void> {
    if (this.#closed) return Promise.resolve()
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#waiting = resolve
    return promise
  }

  free(): void {
    const waiting = this.#waiting
    this.#waiting = undefined
    if (waiting) waiting()
    else this.#free += 1
  }

  close(): void {
    this.#closed = true
    this.#waiting?.()
  }
}
