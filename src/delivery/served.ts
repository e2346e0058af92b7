/** What serving a lane takes: its work, and the places that its deliveries run in. */

import type { Delivery, Lane } from '../journal/journal.ts'
import type { LaneControls } from './controls.ts'

export interface LaneWork extends Lane {
  /** Deliveries under way at once. */
  readonly concurrency: number
  /** Absent for a lane that is limited by nothing else. */
  readonly controls?: LaneControls
  /** Runs one delivery to its outcome. Rejects only for reasons that end the gateway. */
  run(delivery: Delivery, signal: AbortSignal): Promise<{ readonly settled: Promise<void> }>
  /** As much for several that are made together; `again` are those that will be tried again. */
  runBatch?(
    deliveries: readonly Delivery[],
    signal: AbortSignal,
  ): Promise<{ readonly settled: Promise<void>; readonly again: readonly Delivery[] }>
}

/** A lane that is served. */
export interface ServedLane {
  /** Takes no more of the lane. Resolves once nothing of it runs that was begun before. */
  leave(): Promise<void>
}

/** Counts the places of a lane that are taken; one taker at a time. */
export class Places {
  #count = 0
  #taken = 0
  #waiting: ((held: boolean) => void) | undefined

  resize(count: number): void {
    this.#count = count
    this.#pass()
  }

  /** Whether `take` would get one. */
  get some(): boolean {
    return this.#taken < this.#count
  }

  take(): boolean {
    if (this.#taken >= this.#count) return false
    this.#taken += 1
    return true
  }

  /** Resolves to whether a place is held: not, when the taker was told to give up. */
  wait(): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>()
    this.#waiting = resolve
    return promise
  }

  free(): void {
    this.#taken -= 1
    this.#pass()
  }

  /** Tells the taker that waits to give up. */
  give(): void {
    this.#waiting?.(false)
    this.#waiting = undefined
  }

  #pass(): void {
    if (this.#waiting === undefined || !this.take()) return
    this.#waiting(true)
    this.#waiting = undefined
  }
}
