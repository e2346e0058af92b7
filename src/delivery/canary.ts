/** What a canary goes by: how often and how fast each version does its work, and whether that is good enough. */

import type { Canary } from '../router/route.ts'
import type { Activity } from './activity.ts'

export type Settled = Extract<Activity, { kind: 'settled' }>

/** What is known of the calls of one version. */
export interface Figures {
  readonly calls: number
  readonly failed: number
  /** Absent before the first call. */
  readonly successRate?: number
  /** Milliseconds inside the function, to within a tenth; absent before the first call that is timed. */
  readonly p50Ms?: number
  readonly p99Ms?: number
}

/** Of a call that is too slow one in a hundred is allowed: that is what p99 means. */
const SLOW_ALLOWED = 0.01
/** So unlikely must it be that a good version fails as often, before fewer than `minCalls` decide. */
const CLEAR = 0.001
/** Against 1 - 0.99 being a little more than 0.01. */
const ROUNDING = 1e-9

/**
 * Whether `bad` of so many calls are too many: `bad` also when no number of good ones can make up for them before there
 * are `minCalls`, or when it is clear long before that; undefined when more calls must tell.
 */
export function verdictOn(calls: number, bad: number, allowed: number, minCalls: number): 'good' | 'bad' | undefined {
  if (bad > Math.floor(Math.max(calls, minCalls) * allowed + ROUNDING)) return 'bad'
  if (calls >= minCalls) return 'good'
  return bad > calls * allowed && chanceOf(calls, bad, allowed) < CLEAR ? 'bad' : undefined
}

/** The chance that of `calls` at least `bad` fail, more than it gives on the average, if each does with this probability. */
function chanceOf(calls: number, bad: number, probability: number): number {
  // In logarithms, as the factors of the first term are too large and too small for a number.
  let first = (calls - bad) * Math.log(1 - probability)
  for (let k = 1; k <= bad; k++) first += Math.log(((calls - bad + k) / k) * probability)
  let term = Math.exp(first)
  let sum = 0
  for (let k = bad; k <= calls && term > sum * ROUNDING; k++) {
    sum += term
    term *= (((calls - k) / (k + 1)) * probability) / (1 - probability)
  }
  return sum
}

/** Milliseconds: a hundredth, and a tenth more each, up to half an hour. */
const LEAST_MS = 0.01
const GROWTH = Math.log(1.1)
const BUCKETS = 200

/** What a tally has counted, as it is kept. */
export interface TallyState {
  readonly calls: number
  readonly failed: number
  readonly timed: number
  readonly slow: number
  /** How many took how long: the number of a bucket, and its count. */
  readonly times: readonly (readonly [bucket: number, count: number])[]
}

/** Counts the calls of one version. */
export class VersionTally {
  #calls = 0
  #failed = 0
  #timed = 0
  #slow = 0
  /** Whether the last call was one: before enough were made, no other changes the verdict. */
  #bad = false
  readonly #times = new Uint32Array(BUCKETS)

  /** Counts on from what was counted before. */
  constructor(before?: TallyState) {
    if (before === undefined) return
    this.#calls = before.calls
    this.#failed = before.failed
    this.#timed = before.timed
    this.#slow = before.slow
    for (const [bucket, count] of before.times) this.#times[bucket] = count
  }

  state(): TallyState {
    const times = Array.from(this.#times, (count, bucket) => [bucket, count] as const).filter(([, count]) => count > 0)
    return { calls: this.#calls, failed: this.#failed, timed: this.#timed, slow: this.#slow, times }
  }

  /** `tookMs` is absent for a call that says nothing of how fast the version is. */
  count(failed: boolean, tookMs: number | undefined, limitMs = Number.POSITIVE_INFINITY): void {
    this.#calls += 1
    if (failed) this.#failed += 1
    this.#bad = failed || (tookMs !== undefined && tookMs > limitMs)
    if (tookMs === undefined) return
    this.#timed += 1
    if (tookMs > limitMs) this.#slow += 1
    const at = tookMs <= LEAST_MS ? 0 : Math.min(BUCKETS - 1, Math.ceil(Math.log(tookMs / LEAST_MS) / GROWTH))
    this.#times[at] = (this.#times[at] ?? 0) + 1
  }

  /** What these calls say of the version, and why; undefined when more must tell. */
  verdict({ minCalls, p99Ms, successRate }: Canary): Verdict | undefined {
    if (this.#calls < minCalls && !this.#bad) return undefined
    const works = verdictOn(this.#calls, this.#failed, 1 - successRate, minCalls)
    const failures = `${this.#failed} of ${this.#calls} calls failed, and success_rate is ${successRate}`
    if (works === 'bad') return { good: false, reason: failures }
    if (p99Ms === undefined) return works && { good: true, reason: failures }
    const fast = verdictOn(this.#timed, this.#slow, SLOW_ALLOWED, minCalls)
    const slowness = `${this.#slow} of ${this.#timed} calls took longer than the ${p99Ms} ms of p99`
    if (fast === 'bad') return { good: false, reason: slowness }
    return works && fast && { good: true, reason: `${failures}; ${slowness}` }
  }

  figures(): Figures {
    const calls = this.#calls
    if (calls === 0) return { calls, failed: 0 }
    const successRate = Math.round((1 - this.#failed / calls) * 1e6) / 1e6
    const [p50Ms, p99Ms] = [this.#quantile(0.5), this.#quantile(0.99)]
    return {
      calls,
      failed: this.#failed,
      successRate,
      ...(p50Ms === undefined ? {} : { p50Ms }),
      ...(p99Ms === undefined ? {} : { p99Ms }),
    }
  }

  #quantile(share: number): number | undefined {
    let left = Math.ceil(this.#timed * share)
    if (left === 0) return undefined
    const at = this.#times.findIndex((count) => {
      left -= count
      return left <= 0
    })
    return Number((LEAST_MS * Math.exp(at * GROWTH)).toPrecision(3))
  }
}

export interface Verdict {
  readonly good: boolean
  readonly reason: string
}

/**
 * Counts an attempt where it says something of the version: the first of its event, so that one event counts once, and
 * not one that failed on its way there. Returns whether it did.
 */
export function countAttempt(tally: VersionTally, settled: Settled, limitMs: number | undefined): boolean {
  const { attempt, cold, error, fallback, runMs, tookMs } = settled
  if (attempt !== 1 || (error !== undefined && !error.code.startsWith('FUNCTION_'))) return false
  tally.count(error !== undefined, cold || fallback !== undefined ? undefined : (runMs ?? tookMs), limitMs)
  return true
}
