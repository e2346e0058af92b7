/** What a pool owes everybody else: bounds on instances, time, waiting calls, and an end. */

import assert from 'node:assert/strict'
import type { PoolRequirement } from './pool.ts'
import { functionOf } from './pool-bench.ts'

export const POOL_LIMITS = {
  P12: {
    text: 'MUST end a call that runs past the timeout of its function with FUNCTION_TIMED_OUT',
    options: { functions: [functionOf('f', { timeoutMs: 100 })] },
    run: async (bench) => {
      assert.equal((await bench.failure(bench.call('f', 'loop'))).code, 'FUNCTION_TIMED_OUT')
    },
  },
  P13: {
    text: 'MUST end a call at its deadline with FUNCTION_TIMED_OUT',
    run: async (bench) => {
      const error = await bench.failure(bench.call('f', 'loop', { deadline: Date.now() + 100 }))
      assert.equal(error.code, 'FUNCTION_TIMED_OUT')
    },
  },
  P14: {
    text: 'MUST run the calls that were made together with one that never ends, each to its own answer',
    options: { functions: [functionOf('f', { max: 1, timeoutMs: 200 }), functionOf('g')] },
    run: async (bench) => {
      const loop = bench.call('f', 'loop', { deadline: Date.now() + 300 }).catch(() => {})
      const others = Array.from({ length: 40 }, (_, index) => bench.call(index % 2 ? 'f' : 'g', 'calls'))
      for (const { reply } of await bench.within(Promise.all(others))) assert.ok(reply)
      await bench.pool[Symbol.asyncDispose]()
      await bench.within(loop)
    },
  },
  P15: {
    text: 'MUST NOT have more than max instances, however many calls wait',
    options: { functions: [functionOf('f', { min: 0, max: 1 })] },
    run: async (bench) => {
      let most = 0
      const calls = Array.from({ length: 8 }, () =>
        bench.call('f', 'spin', { subject: '40' }).then(() => {
          most = Math.max(most, bench.instances('f'))
        }),
      )
      await bench.within(Promise.all(calls))
      await bench.until(() => bench.instances('f') === 1, 'one instance in the stats')
      assert.equal(most, 1)
    },
  },
  P16: {
    text: 'MUST have min instances when ready resolves',
    options: { functions: [functionOf('f', { min: 3, max: 4 })] },
    run: async (bench) => {
      assert.equal(bench.instances('f'), 3)
    },
  },
  P17: {
    text: 'MUST let the instances above min go after idle',
    options: { functions: [functionOf('f', { min: 0, idleMs: 100 })] },
    run: async (bench) => {
      const result = await bench.within(bench.call('f', 'calls'))
      assert.ok(result.reply)
      await bench.until(() => bench.instances('f') === 1, 'an instance in the stats')
      await bench.until(() => bench.instances('f') === 0, 'no instance left')
    },
  },
  P18: {
    text: 'MUST refuse a call with OVERLOADED and a delay when as many wait as may, and answer those that wait',
    options: { functions: [functionOf('f', { max: 1 })], queue: 5 },
    run: async (bench) => {
      const outcomes = await bench.within(
        Promise.allSettled(Array.from({ length: 200 }, () => bench.call('f', 'spin', { subject: '1' }))),
      )
      const refused = outcomes.filter(({ status }) => status === 'rejected')
      assert.ok(refused.length > 0, 'none was refused')
      assert.ok(refused.length < outcomes.length, 'all were refused')
      for (const { reason } of refused as PromiseRejectedResult[]) {
        assert.equal(reason.code, 'OVERLOADED')
        assert.ok(reason.retryAfterMs > 0, 'there is no retryAfterMs')
      }
    },
  },
  P19: {
    text: 'SHOULD say how many more calls would be let in, and let in so many',
    options: { functions: [functionOf('f', { max: 1 })], queue: 5 },
    run: async (bench) => {
      const free = bench.pool.free('f')
      assert.ok(free > 0)
      await bench.within(Promise.all(Array.from({ length: free }, () => bench.call('f', 'calls'))))
    },
  },
  P20: {
    text: 'MUST NOT make a call whose signal is aborted before it begins; it rejects with the reason',
    options: { functions: [functionOf('f', { max: 1 })] },
    run: async (bench) => {
      const gone = new AbortController()
      const busy = bench.call('f', 'spin', { subject: '200' })
      const call = bench.call('f', 'print', { signal: gone.signal })
      const reason = new Error('gone')
      gone.abort(reason)
      await bench.within(assert.rejects(call, (error) => error === reason))
      await bench.within(busy)
      await bench.within(bench.call('f', 'calls'))
      assert.deepEqual(bench.lines, [])
    },
  },
  P21: {
    text: 'MUST reject with the reason of a signal that is aborted while the call runs, and have room for the next',
    options: { functions: [functionOf('f', { max: 1 })] },
    run: async (bench) => {
      const gone = new AbortController()
      const call = bench.call('f', 'loop', { signal: gone.signal })
      const reason = new Error('gone')
      setTimeout(() => gone.abort(reason), 100)
      await bench.within(assert.rejects(call, (error) => error === reason))
      assert.ok((await bench.within(bench.call('f', 'calls'))).reply)
    },
  },
  P22: {
    text: 'MUST reject what runs, what waits and what comes with STOPPING once it is disposed of',
    options: { functions: [functionOf('f', { max: 1 })] },
    run: async (bench) => {
      const running = bench.failure(bench.call('f', 'loop'))
      const waiting = bench.failure(bench.call('f', 'loop'))
      await bench.within(bench.pool[Symbol.asyncDispose]())
      const late = bench.failure(bench.call('f', 'calls'))
      for (const failure of [running, waiting, late]) assert.equal((await failure).code, 'STOPPING')
    },
  },
} as const satisfies Record<string, PoolRequirement>
