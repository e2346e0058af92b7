/** Decides between another attempt and a dead letter. Pure. */

import { ERRORS, type GatewayError } from '../errors.ts'
import type { Failure, Outcome } from '../journal/journal.ts'
import type { RetryPolicy } from '../router/route.ts'

/** What `judge` needs to know about an attempt that failed. Times in milliseconds since the epoch. */
export interface Attempt {
  /** 1 on the first. */
  readonly attempt: number
  readonly acceptedAt: number
  readonly now: number
  /** The caller of a call waits no longer than this. */
  readonly deadline?: number
  /** SHA-256 of the file of the function that was called. */
  readonly digest?: string | undefined
}

/**
 * Returns `retry` with its instant, max(back-off, what the other side asked for) from now, or `dead`: when the error
 * is not one to retry, attempts or age are used up, or the next attempt would begin after the caller's deadline.
 */
export function judge(
  error: GatewayError,
  { attempt, acceptedAt, now, deadline, digest }: Attempt,
  retry: RetryPolicy,
  random: () => number = Math.random,
): Exclude<Outcome, { status: 'done' }> {
  const failure = { ...toFailure(error), ...(digest ? { digest } : {}) }
  const dead = { status: 'dead', error: failure } as const
  if (ERRORS[error.code].disposition !== 'retry' || attempt > retry.max) return dead
  const names = [error.code, error.type, error.detailCode]
  if (retry.except.some((name) => names.includes(name))) return dead
  const at = now + Math.max(backoff(attempt, retry, random), error.retryAfterMs ?? 0)
  if (retry.maxAgeMs !== undefined && at > acceptedAt + retry.maxAgeMs) return dead
  if (deadline !== undefined && at >= deadline) return dead
  return { status: 'retry', at, error: failure }
}

/** Milliseconds to wait after the attempt of this number, jitter included. Never above the cap. */
export function backoff(attempt: number, retry: RetryPolicy, random: () => number = Math.random): number {
  const longest = Math.min(retry.capMs, unbounded(attempt, retry))
  return retry.jitter === 'full' ? Math.round(random() * longest) : longest
}

function unbounded(attempt: number, { backoff: kind, delayMs }: RetryPolicy): number {
  if (kind === 'constant') return delayMs
  return kind === 'linear' ? delayMs * attempt : delayMs * 2 ** Math.min(attempt - 1, 52)
}

/** The error as the journal keeps it. */
export const toFailure = (error: GatewayError): Failure => ({
  code: error.code,
  message: error.message,
  type: error.type,
  ...(error.detailCode === undefined ? {} : { detailCode: error.detailCode }),
  ...(error.fingerprint === undefined ? {} : { fingerprint: error.fingerprint }),
})
