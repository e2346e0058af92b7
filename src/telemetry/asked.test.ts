/** What is counted of what functions ask, also where it does not end well. */

import { expect, test } from 'vitest'
import { GatewayError } from '../errors.ts'
import type { CloudEvent } from '../event/index.ts'
import { type Caller, type Host, HostError, type KeyValueStore } from '../pool/host.ts'
import type { Call, Result } from '../pool/pool.ts'
import { Asked } from './asked.ts'
import { createMetrics } from './metrics.ts'

const event: CloudEvent = { specversion: '1.0', id: 'e1', source: '/s', type: 't' }
const callerOf = (signal: AbortSignal): Caller => ({
  function: 'resize@2',
  callId: 'c1',
  attempt: 1,
  event,
  deadline: Date.now() + 60_000,
  signal,
  asked: 0,
})
const caller = callerOf(new AbortController().signal)
const message = { topic: 'never/a/label', data: new Uint8Array() }
const request = {
  method: 'GET',
  scheme: 'https',
  host: 'never-a-label.example',
  port: 443,
  path: '/',
  headers: [],
  body: new Uint8Array(),
  private: false,
  responseBytes: 1,
  timeoutMs: 1,
} as const
const pool = { invoke: () => Promise.reject(new Error('not called')) }

/** A host that fails in the way that `error` says, with stores that open. */
const failing = (error: unknown): Host => {
  const fail = () => Promise.reject(error)
  const store: KeyValueStore = { get: fail, has: fail, write: fail, keys: fail, increment: fail, swap: fail }
  return { store: async () => store, send: fail, publish: fail, request: fail, call: fail }
}

const samples = (asked: Asked): readonly string[] =>
  asked
    .render()
    .split('\n')
    .filter((line) => /^[a-z].* \d+$/.test(line) && !/_bucket|_sum/.test(line))

test('an error passes through as it is, and is counted as the case that it is', async () => {
  const asked = new Asked(() => {})
  const error = new HostError('timeout', 'no answer', { code: 'never-a-label' })
  const host = asked.counting(failing(error))
  const store = await host.store('things')
  for (const work of [
    store.write([['never-a-label', undefined]]),
    store.swap('never-a-label', undefined, new Uint8Array()),
    host.send(request, caller),
    host.publish(message, caller),
    host.request(message, caller, undefined),
    host.call('echo', '{}', caller, pool),
  ])
    await expect(work).rejects.toBe(error)
  expect(samples(asked)).toEqual([
    'headgate_store_operations_total{store="things",operation="write"} 1',
    'headgate_store_operations_total{store="things",operation="swap"} 1',
    'headgate_store_errors_total{store="things",operation="write"} 1',
    'headgate_store_errors_total{store="things",operation="swap"} 1',
    'wasm_function_http_requests_total{function="resize@2",outcome="timeout"} 1',
    'wasm_function_http_request_duration_seconds_count{function="resize@2"} 1',
    'wasm_function_messages_published_total{function="resize@2",outcome="timeout"} 1',
    'wasm_function_messages_requested_total{function="resize@2",outcome="timeout"} 1',
    'wasm_function_calls_total{function="resize@2",to="echo"} 1',
    'wasm_function_call_errors_total{function="resize@2",to="echo"} 1',
  ])
  expect(asked.render()).not.toContain('never-a-label')
})

test('a store that cannot be opened is an error of its own, and nothing that was asked of it', async () => {
  const asked = new Asked(() => {})
  const error = new HostError('other', 'no server')
  const host = asked.counting({ ...failing(error), store: () => Promise.reject(error) })
  await expect(host.store('visits')).rejects.toBe(error)
  expect(samples(asked)).toEqual(['headgate_store_errors_total{store="visits",operation="open"} 1'])
})

test('what its call left behind is abandoned, whatever it ended with; what is no error of the host is none of its cases', async () => {
  const asked = new Asked(() => {})
  const host = asked.counting(failing(new TypeError('of whatever kind')))
  await expect(host.send(request, callerOf(AbortSignal.abort()))).rejects.toThrow(TypeError)
  await expect(host.send(request, caller)).rejects.toThrow(TypeError)
  expect(samples(asked)).toContain('wasm_function_http_requests_total{function="resize@2",outcome="abandoned"} 1')
  expect(samples(asked)).toContain('wasm_function_http_requests_total{function="resize@2",outcome="unavailable"} 1')
})

test('a call of one function by another is counted as any call of that function', async () => {
  const metrics = createMetrics()
  const trapped = new GatewayError('FUNCTION_TRAPPED', 'echo@2 (function): running: it trapped')
  const full = new GatewayError('OVERLOADED', 'echo@2 (function): calling: its queue is full')
  const ends: (() => Promise<Result>)[] = [
    async () => ({ events: [], runMs: 2, cold: false }),
    () => Promise.reject(trapped),
    () => Promise.reject(full),
  ]
  const callable = { invoke: (_: Call) => (ends.shift() ?? (() => Promise.reject(full)))() }
  const call: Call = { function: 'echo@2', event, callId: 'c2', attempt: 1, deadline: caller.deadline }
  const host = metrics.counting({
    ...failing(full),
    call: async (_, __, { signal }, given) => {
      await given.invoke(call, signal)
      return { data: new Uint8Array() }
    },
  })
  await host.call('echo@2', '{}', caller, callable)
  await expect(host.call('echo@2', '{}', caller, callable)).rejects.toBe(trapped)
  // One that never ran is none.
  await expect(host.call('echo@2', '{}', caller, callable)).rejects.toBe(full)
  const after = await metrics.render()
  expect(after).toContain('wasm_function_invocations_total{function="echo@2"} 2\n')
  expect(after).toContain('wasm_function_errors_total{function="echo@2",error_type="FUNCTION_TRAPPED"} 1\n')
  expect(after).toContain('wasm_function_duration_seconds_count{function="echo@2"} 2\n')
  expect(after).toContain('wasm_function_calls_total{function="resize@2",to="echo@2"} 3\n')
})
