/** Shares the workers among functions: what waits of each in turn, and what runs long apart from the rest. */

import { ARRAY_CALLS, ARRAY_MS } from './limits.ts'
import type { Places } from './places.ts'
import type { Pending, WaitingFunction } from './waiting.ts'
import type { PoolWorker } from './worker.ts'

/** What a worker is to a call: one that is meant for it, or one that runs only what can run nowhere else. */
type Part = 'own' | 'spare'

export class Sharing {
  readonly #functions: readonly WaitingFunction[]
  readonly #places: Places
  readonly #over: (pending: Pending) => boolean
  /** The function that is served first next time: each gets its turn. */
  #turn = 0

  /** `over` ends a call that is not to begin any more, and says so. */
  constructor(functions: readonly WaitingFunction[], places: Places, over: (pending: Pending) => boolean) {
    this.#functions = functions
    this.#places = places
    this.#over = over
  }

  /** Sends what can run now. */
  share(): void {
    const swift = this.#lined(false)
    const slow = this.#lined(true)
    if (swift.length + slow.length === 0) return
    const { apart, spares, workers } = this.#places.lanes()
    this.#spread(swift, workers, 'own')
    this.#spread(swift, spares, 'spare')
    this.#spread(slow, apart, 'own')
    for (const fn of slow) this.#places.makeRoom(fn)
  }

  /** The functions whose calls wait and may begin, the one whose turn it is first. */
  #lined(apart: boolean): number[] {
    const lined: number[] = []
    const count = this.#functions.length
    for (let step = 0; step < count; step++) {
      const fn = (this.#turn + step) % count
      const waiting = this.#functions[fn]
      if (!waiting || waiting.length === 0 || waiting.suspends || waiting.apart !== apart) continue
      if (!this.#places.rests(fn)) lined.push(fn)
    }
    return lined
  }

  #count(lined: readonly number[]): number {
    return lined.reduce((sum, fn) => sum + (this.#functions[fn]?.length ?? 0), 0)
  }

  #spread(lined: readonly number[], workers: readonly PoolWorker[], part: Part): void {
    let waiting = this.#count(lined)
    for (const [index, worker] of workers.entries()) {
      if (waiting <= 0) return
      const share = part === 'spare' ? waiting : Math.ceil(waiting / (workers.length - index))
      waiting -= this.#fill(lined, worker, share, part)
    }
  }

  /** Sends a worker its share of what waits. Returns how many calls that were. */
  #fill(lined: readonly number[], worker: PoolWorker, share: number, part: Part): number {
    let left = share
    while (left > 0 && worker.free > 0) {
      // Where both of its arrays are free two halves: it answers one while it runs the other.
      const most = Math.min(ARRAY_CALLS, Math.max(Math.ceil(left / worker.free), ARRAY_CALLS / 2))
      const calls = this.#collect(lined, worker, most, part)
      if (calls.length === 0) break
      worker.send(calls)
      left -= calls.length
    }
    return share - left
  }

  /** Takes up to `most` calls for a worker, and no more than run in a while: an even share of every function that waits. */
  #collect(lined: readonly number[], worker: PoolWorker, most: number, part: Part): Pending[] {
    const calls: Pending[] = []
    const from = lined.findIndex((fn) => fn >= this.#turn)
    const turns = from > 0 ? [...lined.slice(from), ...lined.slice(0, from)] : lined
    const eligible = turns.filter((fn) => this.#places.has(fn, worker, part === 'spare'))
    const quota = Math.max(1, Math.floor(most / Math.max(1, eligible.length)))
    let leftMs = ARRAY_MS
    for (const fn of eligible) {
      const waiting = this.#functions[fn]
      if (!waiting || leftMs <= 0 || calls.length >= most) break
      const end = Math.min(most, calls.length + quota)
      while (calls.length < end && leftMs > 0) {
        const pending = waiting.shift()
        if (!pending) break
        if (this.#over(pending)) continue
        calls.push(pending)
        waiting.sent++
        leftMs -= waiting.meanMs
      }
      this.#turn = (fn + 1) % this.#functions.length
    }
    return calls
  }
}
