/** The decision between another attempt and a dead letter. */

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { GatewayError } from '../errors.ts'
import type { RetryPolicy } from '../router/route.ts'
import { backoff, judge } from './retry.ts'

const policy: RetryPolicy = { max: 2, backoff: 'exponential', delayMs: 100, capMs: 1_000, jitter: 'none', except: [] }
const unavailable = new GatewayError('SINK_UNAVAILABLE', 'orders (kafka): delivering: no broker')
const facts = { attempt: 1, acceptedAt: 0, now: 0 }

describe('judge', () => {
  test('a retryable error is tried again after the back-off', () => {
    expect(judge(unavailable, { ...facts, attempt: 2, now: 50 }, policy)).toMatchObject({ status: 'retry', at: 250 })
  })

  test('max counts re-tries: 2 is three attempts in all', () => {
    expect([1, 2, 3].map((attempt) => judge(unavailable, { ...facts, attempt }, policy).status)).toEqual([
      'retry',
      'retry',
      'dead',
    ])
  })

  test('what the other side asked for outlasts the back-off, and the back-off a shorter wish', () => {
    const asks = (retryAfterMs: number) =>
      judge(new GatewayError('SINK_UNAVAILABLE', 'busy', { retryAfterMs }), facts, policy)
    expect(asks(900)).toMatchObject({ at: 900 })
    expect(asks(10)).toMatchObject({ at: 100 })
  })

  test('a rejection is dead at once', () => {
    expect(judge(new GatewayError('FUNCTION_REJECTED', 'no'), facts, policy).status).toBe('dead')
  })

  test.each(['SINK_UNAVAILABLE', 'SystemError', 'E42'])('except %s is dead at once', (name) => {
    const error = new GatewayError('SINK_UNAVAILABLE', 'busy', { detailCode: 'E42' })
    expect(judge(error, facts, { ...policy, except: [name] }).status).toBe('dead')
    expect(judge(error, facts, { ...policy, except: ['OTHER'] }).status).toBe('retry')
  })

  test('no attempt begins after the age limit or after the deadline of the caller', () => {
    expect(judge(unavailable, facts, { ...policy, maxAgeMs: 99 }).status).toBe('dead')
    expect(judge(unavailable, facts, { ...policy, maxAgeMs: 100 }).status).toBe('retry')
    expect(judge(unavailable, { ...facts, deadline: 100 }, policy).status).toBe('dead')
    expect(judge(unavailable, { ...facts, deadline: 101 }, policy).status).toBe('retry')
  })

  test('the failure keeps what groups dead letters', () => {
    const error = new GatewayError('FUNCTION_TRAPPED', 'trap', { fingerprint: 'handle+0x10' })
    expect(judge(error, { ...facts, attempt: 3 }, policy)).toEqual({
      status: 'dead',
      error: { code: 'FUNCTION_TRAPPED', message: 'trap', type: 'SystemError', fingerprint: 'handle+0x10' },
    })
  })
})

describe('backoff', () => {
  const kinds = fc.constantFrom('exponential' as const, 'linear' as const, 'constant' as const)
  const policies = fc.record({
    max: fc.nat(),
    backoff: kinds,
    delayMs: fc.integer({ min: 1, max: 10_000 }),
    capMs: fc.integer({ min: 1, max: 600_000 }),
    jitter: fc.constantFrom('full' as const, 'none' as const),
    except: fc.constant([]),
  })

  test('never above the cap, never negative, for any attempt', () => {
    fc.assert(
      fc.property(policies, fc.integer({ min: 1, max: 100_000 }), (retry, attempt) => {
        const wait = backoff(attempt, retry)
        return wait >= 0 && wait <= retry.capMs && Number.isInteger(wait)
      }),
    )
  })

  test('without jitter it never shrinks from one attempt to the next', () => {
    fc.assert(
      fc.property(policies, fc.integer({ min: 1, max: 1_000 }), (retry, attempt) => {
        const steady = { ...retry, jitter: 'none' as const }
        return backoff(attempt + 1, steady) >= backoff(attempt, steady)
      }),
    )
  })

  test('the three kinds', () => {
    const waits = (kind: RetryPolicy['backoff']) =>
      [1, 2, 3, 4, 5].map((attempt) => backoff(attempt, { ...policy, backoff: kind }))
    expect(waits('constant')).toEqual([100, 100, 100, 100, 100])
    expect(waits('linear')).toEqual([100, 200, 300, 400, 500])
    expect(waits('exponential')).toEqual([100, 200, 400, 800, 1_000])
  })

  test('full jitter spreads over the whole of it', () => {
    expect(backoff(3, { ...policy, jitter: 'full' }, () => 0.5)).toBe(200)
  })
})
