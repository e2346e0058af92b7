/** Targets: a function that waits for room, a sink with a deadline, a topic that is also an origin. */

import { describe, expect, test } from 'vitest'
import type { Sink } from '../connector/connector.ts'
import { GatewayError } from '../errors.ts'
import type { CloudEvent } from '../event/index.ts'
import type { Call, FunctionPool, Result } from '../pool/pool.ts'
import { FunctionTarget, SinkTarget, type Work } from './target.ts'

const event: CloudEvent = { specversion: '1.0', id: 'e1', source: '/s', type: 't', subject: 'kitchen' }
const work = (limitMs = 5_000): Work => ({ event, callId: 'c1', attempt: 2, deadline: Date.now() + limitMs })
const { signal } = new AbortController()
const result: Result = { reply: { data: Buffer.from('hi') }, events: [event], runMs: 1, cold: false }

function pool(invoke: (call: Call) => Promise<Result>): FunctionPool {
  return { invoke, free: () => 1, ready: async () => {}, stats: () => [], [Symbol.asyncDispose]: async () => {} }
}

const busy = new GatewayError('OVERLOADED', 'f (function): queueing: full', { retryAfterMs: 1 })

describe('a function', () => {
  test('gets the work, and what it answered comes back', async () => {
    const calls: Call[] = []
    const target = new FunctionTarget(
      pool(async (call) => {
        calls.push(call)
        return result
      }),
      { name: 'f', version: '2' },
      true,
    )
    const handled = await target.handle(work(), signal)
    expect(calls).toMatchObject([{ function: 'f@2', callId: 'c1', attempt: 2, event }])
    expect(handled).toMatchObject({
      answer: { data: Buffer.from('hi') },
      children: [{ event, origin: { source: 'function', address: 'f' } }],
      runMs: 1,
    })
  })

  test('a full pool is waited for, and uses up no attempt', async () => {
    let asked = 0
    const target = new FunctionTarget(
      pool(async () => {
        asked += 1
        if (asked < 4) throw busy
        return result
      }),
      { name: 'f' },
      true,
    )
    await target.handle(work(), signal)
    expect(asked).toBe(4)
  })

  test('not for longer than the attempt may take', async () => {
    const target = new FunctionTarget(
      pool(() => Promise.reject(busy)),
      { name: 'f' },
      true,
    )
    await expect(target.handle(work(20), signal)).rejects.toBe(busy)
  })

  test('a caller that waits hears at once that the pool is full', async () => {
    let asked = 0
    const target = new FunctionTarget(
      pool(() => {
        asked += 1
        return Promise.reject(busy)
      }),
      { name: 'f' },
      false,
    )
    await expect(target.handle(work(), signal)).rejects.toBe(busy)
    expect(asked).toBe(1)
  })
})

describe('a sink', () => {
  const sink = (deliver: Sink['deliver']): Sink => ({ deliver, start: async () => {}, stop: async () => {} })

  test('one that does not answer ends with the attempt', async () => {
    const hangs = sink(
      (_, given) => new Promise((_resolve, reject) => given.addEventListener('abort', () => reject(given.reason))),
    )
    const target = new SinkTarget('orders', hangs)
    await expect(target.handle(work(20), signal)).rejects.toMatchObject({
      code: 'SINK_UNAVAILABLE',
      type: 'TimeoutError',
    })
  })

  test('its own error is kept', async () => {
    const target = new SinkTarget(
      'orders',
      sink(() => Promise.reject(new GatewayError('SINK_REJECTED', 'no'))),
    )
    await expect(target.handle(work(), signal)).rejects.toMatchObject({ code: 'SINK_REJECTED' })
  })

  test('a topic that it published on is an origin of its own', async () => {
    const target = new SinkTarget(
      'mqtt:alarms/{subject}',
      sink(async () => {}),
      'alarms/{subject}',
    )
    expect((await target.handle(work(), signal)).children).toEqual([
      { event, origin: { source: 'mqtt', address: 'alarms/kitchen' } },
    ])
    expect(
      (
        await new SinkTarget(
          'orders',
          sink(async () => {}),
        ).handle(work(), signal)
      ).children,
    ).toEqual([])
  })
})
