/** What serving a lane takes: its work, and the places that its deliveries run in. */

import type { Delivery, Lane } from '../journal/journal.ts'
import type { LaneControls } from './controls.ts'
import type { Standing, Wait } from './standing.ts'

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

/** Places that are all taken, in words that go on from "waits for". */
export const oneOf = (places: number): string => (places === 1 ? 'the one place' : `one of the ${places} places`)

/** A lane that is served. */
export interface ServedLane {
  /** Takes no more of the lane. Resolves once nothing of it runs that was begun before. */
  leave(): Promise<void>
  /** Where one of its deliveries stands that is not settled; undefined when nothing that the lane knows of is in its way. */
  standing(id: string): Standing | undefined
  /** The delivery of this key that it has been handed out, and has not brought to its end. */
  inHand(key: string): Delivery | undefined
}

/** Counts the places of a lane that are taken, and knows what runs in them; one taker at a time. */
export class Places {
  /** Since when, in milliseconds since the epoch. */
  readonly running = new Map<Delivery, number>()
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

  runs(id: string): Standing | undefined {
    for (const [delivery, runsSince] of this.running) if (delivery.id === id) return { runsSince }
    return undefined
  }

  ofKey(key: string): Delivery | undefined {
    for (const delivery of this.running.keys()) if (delivery.key === key) return delivery
    return undefined
  }

  /** What those wait for that find no place; undefined while there is one. */
  full(): Wait | undefined {
    return this.some ? undefined : { for: 'concurrency', what: `${oneOf(this.#count)} of its target` }
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
