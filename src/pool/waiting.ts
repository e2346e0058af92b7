/** One function as the main thread sees it: the calls that wait for it, and its counts. */

import { type ErrorCode, GatewayError } from '../errors.ts'
import { versioned } from '../schema/index.ts'
import { type Denials, GRANT_KINDS } from './grants.ts'
import { APART_MS, COUNTED_MS, REST } from './limits.ts'
import type { Call, FunctionSpec, Result } from './pool.ts'

/** A call whose promise is not settled. */
export interface Pending {
  readonly call: Call
  readonly fn: number
  /** Its deadline, by `steady`: that the machine's clock is set ends nothing that runs. */
  readonly until: number
  readonly signal: AbortSignal
  /** When it came, by `steady`. */
  readonly since: number
  readonly resolve: (result: Result) => void
  readonly reject: (reason: unknown) => void
}

/** Share of the newest call in the running means. */
const NEWEST = 0.05
/** What a call ends with that cost its instance. */
const BROKEN: ReadonlySet<ErrorCode> = new Set(['FUNCTION_TRAPPED', 'FUNCTION_TIMED_OUT', 'FUNCTION_OUT_OF_MEMORY'])
const RETRY_MS = { least: 100, most: 30_000 } as const

export class WaitingFunction {
  readonly spec: FunctionSpec
  /** Whether its calls may wait for the gateway while they run. */
  readonly suspends: boolean
  readonly #limit: number
  #calls: Pending[] = []
  /** Index of the first call that waits: shifting an array of a thousand costs more than the call. */
  #first = 0
  #meanMs = 1
  #apart = false
  /** Running share of its calls that break. */
  #broken = 0
  /** By `performance.now()`. */
  #restsUntil = 0
  /** Calls sent to a worker and not answered. */
  sent = 0
  /** Instances that are to be warm: `min`, or more while a hint holds. */
  least: number
  /** Those of them that wait for another function: each keeps an instance. */
  callers = 0
  coldStarts = 0
  denied: Denials = {}
  /** By `performance.now()`. */
  lastUsed = performance.now()
  /** False once its warm-up did not end in time: it is not tried again. */
  warmable = true

  constructor(spec: FunctionSpec, limit: number, suspends: boolean) {
    this.spec = spec
    this.suspends = suspends
    this.least = spec.min
    this.#limit = limit
  }

  /** Running mean of what its calls keep a worker for. */
  get meanMs(): number {
    return this.#meanMs
  }

  /** True while its calls take so long, or break so often, that others would wait for them. */
  get apart(): boolean {
    return this.#apart
  }

  /** True while more of its calls break than do not. */
  get breaks(): boolean {
    return this.#broken > REST.share
  }

  /** True for a while after a call of it broke as others did before: while other functions are called, nothing of it begins then. */
  get resting(): boolean {
    return this.#restsUntil > 0 && this.#restsUntil > performance.now()
  }

  /** True while calls of it are made. */
  get active(): boolean {
    return this.sent + this.length > 0 || performance.now() - this.lastUsed < REST.neighbourMs
  }

  get length(): number {
    return this.#calls.length - this.#first
  }

  get room(): number {
    return Math.max(0, this.#limit - this.length)
  }

  /** Throws `OVERLOADED` when there is no room. */
  push(pending: Pending): void {
    if (this.room === 0) throw this.#overloaded()
    this.#calls.push(pending)
  }

  /** Puts calls back at the front, room or not: they were let in once. */
  putBack(calls: readonly Pending[]): void {
    if (calls.length > 0) this.#calls = [...calls, ...this.#calls.slice(this.#first)]
    if (calls.length > 0) this.#first = 0
  }

  shift(): Pending | undefined {
    const pending = this.#calls[this.#first]
    if (pending === undefined) return undefined
    this.#first++
    if (this.#first === this.#calls.length) {
      this.#calls = []
      this.#first = 0
    } else if (this.#first >= 1_024 && this.#first * 2 > this.#calls.length) {
      this.#calls = this.#calls.slice(this.#first)
      this.#first = 0
    }
    return pending
  }

  /** Removes the calls that `ended` ends. */
  sweep(ended: (pending: Pending) => boolean): void {
    if (this.length === 0) return
    const kept = this.#calls.slice(this.#first).filter((pending) => !ended(pending))
    if (kept.length === this.length) return
    this.#calls = kept
    this.#first = 0
  }

  /** Notes what a call was denied. */
  count(denied: Denials): void {
    const sums = { ...this.denied }
    for (const kind of GRANT_KINDS) {
      const times = denied[kind]
      if (times !== undefined) sums[kind] = (sums[kind] ?? 0) + times
    }
    this.denied = sums
  }

  /** Notes what a call took; `keptMs` is how long it kept its worker from others: one that waits for the gateway keeps nobody. */
  took(runMs: number, outcome: Result | GatewayError, keptMs = this.suspends ? 0 : runMs): void {
    const broken = outcome instanceof GatewayError && BROKEN.has(outcome.code)
    const cold = outcome.cold === true
    const counted = Math.min(COUNTED_MS.most, Math.max(keptMs, broken ? COUNTED_MS.broken : 0))
    // What the first call of an instance takes says little of those after it, unless it is far from what a start takes.
    if (!cold || broken || counted >= COUNTED_MS.cold) this.#meanMs += NEWEST * (counted - this.#meanMs)
    this.#broken += NEWEST * (Number(broken) - this.#broken)
    if (broken && this.breaks) this.#rest(keptMs)
    this.#apart = this.#meanMs >= (this.#apart ? APART_MS.below : APART_MS.from)
    if (cold) this.coldStarts++
  }

  #rest(keptMs: number): void {
    const wholeMs = Math.min(REST.mostMs, Math.max(REST.leastMs, REST.times * keptMs))
    const part = (this.#broken - REST.share) / (1 - REST.share)
    this.#restsUntil = Math.max(performance.now(), this.#restsUntil) + part * wholeMs
  }

  #overloaded(): GatewayError {
    const estimate = Math.round(this.length * this.#meanMs)
    const retryAfterMs = Math.min(RETRY_MS.most, Math.max(RETRY_MS.least, estimate))
    const message = `${versioned(this.spec)} (function): queueing a call: ${this.length} calls wait already; raise pool.max or slow down`
    return new GatewayError('OVERLOADED', message, { retryAfterMs })
  }
}
