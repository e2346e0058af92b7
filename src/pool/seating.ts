/** Calls of functions that may wait: sends each to an instance of its own, and has served what it asks of the gateway. */

import { versioned } from '../schema/index.ts'
import type { Asked } from './asking.ts'
import { serve } from './desk.ts'
import type { Caller, Host } from './host.ts'
import type { Places } from './places.ts'
import type { FunctionPool } from './pool.ts'
import type { Seated } from './seats.ts'
import type { Pending, WaitingFunction } from './waiting.ts'
import { steady } from './wire.ts'
import type { PoolWorker } from './worker.ts'

export class Seating {
  readonly #functions: readonly WaitingFunction[]
  readonly #places: Pick<Places, 'seat'>
  readonly #host: Host | undefined

  constructor(functions: readonly WaitingFunction[], places: Pick<Places, 'seat'>, host: Host | undefined) {
    this.#functions = functions
    this.#places = places
    this.#host = host
  }

  /** Whether calls wait for a seat. */
  get waiting(): boolean {
    return this.#functions.some(({ length, suspends }) => suspends && length > 0)
  }

  /** Sends what can run now, one call of each function in turn; `over` ends those whose time is up. */
  seat(over: (pending: Pending) => boolean): void {
    let waiting = this.#functions.flatMap((each, fn) => (each.suspends && each.length > 0 ? [{ each, fn }] : []))
    while (waiting.length > 0) waiting = waiting.filter(({ each, fn }) => this.#seatOne(each, fn, over))
  }

  /** Answers what a call asks, unless it has ended by then. */
  async asked(worker: PoolWorker, seated: Seated, asked: Asked, pool: Pick<FunctionPool, 'invoke'>): Promise<void> {
    const { call, fn } = seated.pending
    const caller: Caller = {
      function: versioned(this.#functions[fn]?.spec ?? { name: call.function }),
      callId: call.callId,
      attempt: call.attempt,
      event: call.event,
      deadline: Date.now() + seated.until - steady(),
      signal: seated.ended.signal,
      asked: seated.asked++,
    }
    worker.tell(await serve(asked, this.#host, caller, pool))
  }

  /** True when more of the function may be sent. */
  #seatOne(waiting: WaitingFunction, fn: number, over: (pending: Pending) => boolean): boolean {
    const worker = this.#places.seat(fn)
    const pending = worker && waiting.shift()
    if (!worker || !pending) return false
    if (over(pending)) return true
    waiting.sent++
    worker.seat(pending, Math.min(pending.until, steady() + waiting.spec.timeoutMs))
    return true
  }
}
