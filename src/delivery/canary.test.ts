/** When a canary is good, when it is bad, and when more calls must tell. */

import { describe, expect, test } from 'vitest'
import { countAttempt, type Settled, VersionTally, verdictOn } from './canary.ts'

describe('of so many calls so many bad ones', () => {
  test.each([
    // calls, bad, allowed, minCalls
    [0, 0, 0.01, 100, undefined],
    [99, 0, 0.01, 100, undefined],
    [100, 0, 0.01, 100, 'good'],
    [100, 1, 0.01, 100, 'good'],
    [100, 1, 1 - 0.99, 100, 'good'],
    [100, 2, 0.01, 100, 'bad'],
    [1_000, 10, 0.01, 100, 'good'],
    [1_000, 11, 0.01, 100, 'bad'],
    // One may be chance.
    [1, 1, 0.01, 100, undefined],
    // None of the calls to come can make up for it.
    [50, 2, 0.01, 100, 'bad'],
    // Half may fail: five of five may be chance, ten of ten are not.
    [5, 5, 0.5, 100, undefined],
    [10, 10, 0.5, 100, 'bad'],
    // A tenth of what it takes is enough where all fail.
    [20, 20, 0.1, 10_000, 'bad'],
    [2_000, 220, 0.1, 10_000, undefined],
    [2_000, 280, 0.1, 1_000_000, 'bad'],
    [400_000, 41_000, 0.1, 1_000_000, 'bad'],
    [400_000, 40_100, 0.1, 1_000_000, undefined],
    // No failure is allowed, or any.
    [1, 1, 0, 100, 'bad'],
    [1, 1, 0, 1, 'bad'],
    [1, 0, 0, 1, 'good'],
  ] as const)('%i calls, %i bad, %d allowed, %i decide: %s', (calls, bad, allowed, minCalls, verdict) => {
    expect(verdictOn(calls, bad, allowed, minCalls)).toBe(verdict)
  })

  test('a version that is as good as it must be is hardly ever stopped early', () => {
    let stopped = 0
    // A generator of its own: the same numbers each time.
    let state = 1
    const random = (): number => {
      state = (state * 48_271) % 2_147_483_647
      return state / 2_147_483_647
    }
    for (let round = 0; round < 400; round++) {
      let bad = 0
      for (let calls = 1; calls < 500; calls++) {
        if (random() < 0.1) bad += 1
        if (bad > 0 && verdictOn(calls, bad, 0.1, 10_000) === 'bad') {
          stopped += 1
          break
        }
      }
    }
    expect(stopped).toBeLessThan(12)
  })
})

const canary = { successRate: 0.9, minCalls: 10, autoPromote: true, autoRollback: true }

describe('a tally', () => {
  test('tells times to within a tenth', () => {
    const tally = new VersionTally()
    for (let ms = 1; ms <= 1_000; ms++) tally.count(false, ms)
    const { calls, failed, p50Ms = 0, p99Ms = 0, successRate } = tally.figures()
    expect({ calls, failed, successRate }).toEqual({ calls: 1_000, failed: 0, successRate: 1 })
    expect(p50Ms).toBeGreaterThanOrEqual(500)
    expect(p50Ms).toBeLessThan(551)
    expect(p99Ms).toBeGreaterThanOrEqual(990)
    expect(p99Ms).toBeLessThan(1_090)
  })

  test('of nothing, and of times beyond its ends', () => {
    const tally = new VersionTally()
    expect(tally.figures()).toEqual({ calls: 0, failed: 0 })
    tally.count(true, undefined)
    expect(tally.figures()).toEqual({ calls: 1, failed: 1, successRate: 0 })
    tally.count(false, 0)
    tally.count(false, 1e9)
    expect(tally.figures()).toMatchObject({ p50Ms: 0.01 })
  })

  test('is good when it works and is fast', () => {
    const tally = new VersionTally()
    for (let n = 0; n < 10; n++) tally.count(n === 0, 5, 10)
    expect(tally.verdict({ ...canary, p99Ms: 10 })).toEqual({
      good: true,
      reason: '1 of 10 calls failed, and success_rate is 0.9; 0 of 10 calls took longer than the 10 ms of p99',
    })
  })

  test('is bad when it works and is slow', () => {
    const tally = new VersionTally()
    tally.count(false, 11, 10)
    expect(tally.verdict({ ...canary, p99Ms: 10 })).toEqual({
      good: false,
      reason: '1 of 1 calls took longer than the 10 ms of p99',
    })
  })

  test('waits for times where a limit is set', () => {
    const tally = new VersionTally()
    for (let n = 0; n < 10; n++) tally.count(false, undefined, 10)
    expect(tally.verdict({ ...canary, p99Ms: 10 })).toBeUndefined()
    expect(tally.verdict(canary)).toMatchObject({ good: true })
  })
})

const settled = (given: Partial<Settled>): Settled => ({
  kind: 'settled',
  event: { specversion: '1.0', id: '1', source: '/s', type: 't' },
  callId: 'c',
  route: 'r',
  to: 'f@2',
  attempt: 1,
  outcome: 'done',
  tookMs: 20,
  ...given,
})
const error = (code: string) => ({ code, message: code, type: 'SystemError' as const })

test.each([
  ['what is done', settled({ runMs: 2 }), { calls: 1, failed: 0, p99Ms: 2.08 }],
  ['what waited for an instance, without its time', settled({ runMs: 2, cold: true }), { calls: 1, failed: 0 }],
  ['what failed', settled({ outcome: 'retry', error: error('FUNCTION_TRAPPED') }), { calls: 1, failed: 1 }],
  ['what a fallback did', settled({ error: error('FUNCTION_REJECTED'), fallback: 'g' }), { calls: 1, failed: 1 }],
  ['no further attempt', settled({ attempt: 2 }), { calls: 0, failed: 0 }],
  [
    'nothing that did not get there',
    settled({ outcome: 'retry', error: error('OVERLOADED') }),
    { calls: 0, failed: 0 },
  ],
])('it counts %s', (_, activity, figures) => {
  const tally = new VersionTally()
  expect(countAttempt(tally, activity, undefined)).toBe(figures.calls === 1)
  expect(tally.figures()).toMatchObject(figures)
})
