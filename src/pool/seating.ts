/** Calls of functions that may wait: sends each to an instance of its own, and has served what it asks of the gateway. */

import { GatewayError } from '../errors.ts'
import { versioned } from '../schema/index.ts'
import type { Asked, Question } from './asking.ts'
import { serve } from './desk.ts'
import { type Caller, depthOf, type Host } from './host.ts'
import type { Places } from './places.ts'
import type { Call, FunctionLog, FunctionPool, FunctionSpec } from './pool.ts'
import type { Seated } from './seats.ts'
import type { Pending, WaitingFunction } from './waiting.ts'
import { steady } from './wire.ts'
import type { PoolWorker } from './worker.ts'

/** What is answered by another function. */
const CALLING: ReadonlySet<Question> = new Set(['call', 'messaging.request'])

export class Seating {
  readonly #functions: readonly WaitingFunction[]
  /** Those that may wait: mostly there are none, and this is asked each time that anything is sent. */
  readonly #suspending: readonly { readonly each: WaitingFunction; readonly fn: number }[]
  readonly #places: Pick<Places, 'rests' | 'seat'>
  readonly #host: Host | undefined
  readonly #log: FunctionLog

  constructor(
    functions: readonly WaitingFunction[],
    places: Pick<Places, 'rests' | 'seat'>,
    host: Host | undefined,
    log: FunctionLog,
  ) {
    this.#functions = functions
    this.#suspending = functions.flatMap((each, fn) => (each.suspends ? [{ each, fn }] : []))
    this.#places = places
    this.#host = host
    this.#log = log
  }

  /** Sends what can run now, one call of each function in turn; `over` ends those whose time is up. */
  seat(over: (pending: Pending) => boolean): void {
    let waiting = this.#suspending.filter(({ each, fn }) => each.length > 0 && !this.#places.rests(fn))
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
    const waiting = CALLING.has(asked.what) ? this.#functions[fn] : undefined
    if (waiting) waiting.callers++
    const told = await serve(asked, this.#host, caller, pool, this.#log)
    if (waiting) waiting.callers--
    worker.tell(told)
  }

  /**
   * Throws when this is a call that a function waits for. Asked where every instance of its target has such a call under way
   * itself, so that it could only wait, too. Of a circle of functions that wait for each other the last is refused so, and none is left waiting.
   */
  refuse(call: Call, { max }: FunctionSpec): void {
    if (depthOf(call.event) === 0) return
    throw new GatewayError(
      'OVERLOADED',
      `${call.function} (function): calling: each of its ${max} instances waits for another function; raise pool.max`,
    )
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
