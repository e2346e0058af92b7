/** What an operator is told of the path, and what is only counted. */

import { beforeEach, expect, test } from 'vitest'
import type { Activity } from '../delivery/activity.ts'
import type { CloudEvent } from '../event/index.ts'
import { logConfig } from './config.ts'
import { createLog } from './log.ts'
import { createMetrics } from './metrics.ts'
import { observe } from './observe.ts'

const event: CloudEvent = { specversion: '1.0', id: 'e1', source: '/s', type: 't' }
const origin = { source: 'mqtt', address: 'a/b' }
const lines: string[] = []
const said = () => lines.map((line) => JSON.parse(line))

beforeEach(() => void lines.splice(0))

function start() {
  const log = createLog(logConfig.parse({ format: 'json' }), { stream: { write: (line) => void lines.push(line) } })
  const metrics = createMetrics()
  return { happen: observe(log, metrics), metrics }
}

const settled = (outcome: 'done' | 'retry' | 'dead', more: object = {}): Activity => ({
  kind: 'settled',
  event,
  callId: 'c1',
  route: 'orders',
  to: 'sync',
  attempt: 1,
  outcome,
  tookMs: 5,
  ...more,
})
const error = {
  code: 'FUNCTION_TRAPPED',
  message: 'sync (function): running: it trapped',
  type: 'SystemError' as const,
}

test('what goes well is counted and not told', async () => {
  const { happen, metrics } = start()
  happen({ kind: 'accepted', event, origin, callId: 'c1', routes: ['orders'], duplicate: false })
  happen({ kind: 'accepted', event, origin, callId: 'c1', routes: ['orders'], duplicate: true })
  happen({ kind: 'unmatched', event, origin })
  happen(settled('done', { runMs: 2 }))
  expect(lines).toEqual([])
  const text = await metrics.render()
  expect(text).toContain('headgate_events_accepted_total{source="mqtt"} 1\n')
  expect(text).toContain('headgate_duplicates_total{source="mqtt"} 1\n')
  expect(text).toContain('headgate_events_unmatched_total{source="mqtt"} 1\n')
  expect(text).toContain('wasm_function_duration_seconds_sum{function="sync"} 0.002\n')
})

test('a route in trouble is told of once, and once more when it has recovered', () => {
  const { happen } = start()
  for (let i = 0; i < 5; i += 1) happen(settled('retry', { error, retryInMs: 1_000 }))
  happen(settled('done'))
  happen(settled('done'))
  expect(said()).toMatchObject([
    { level: 'warn', route: 'orders', event: 'e1', call: 'c1', code: 'FUNCTION_TRAPPED', retry_in_ms: 1_000 },
    { level: 'info', route: 'orders', retries: 5 },
  ])
})

test('routes do not hide each other', () => {
  const { happen } = start()
  happen(settled('retry', { error }))
  happen(settled('retry', { error, route: 'other' }))
  happen(settled('done', { route: 'third' }))
  expect(said().map(({ route }) => route)).toEqual(['orders', 'other'])
})

test('each delivery that is given up is a line', () => {
  const { happen } = start()
  happen(settled('dead', { error, attempt: 6 }))
  happen(settled('dead', { error, attempt: 6 }))
  expect(said()).toHaveLength(2)
  expect(said()[0]).toMatchObject({ level: 'error', msg: `orders: given up: ${error.message}`, attempt: 6 })
})

test('each reply that is given up is a line with its call, route and topic', () => {
  const { happen } = start()
  const unanswered = { topic: 'a/b', error: { ...error, code: 'REPLY_TOPIC_REFUSED', message: 'too many levels' } }
  happen(settled('done', { unanswered }))
  expect(said()).toMatchObject([
    { level: 'warn', call: 'c1', route: 'orders', topic: 'a/b', code: 'REPLY_TOPIC_REFUSED' },
  ])
  expect(said()[0].msg).toBe('orders: the caller is not answered: too many levels')
})

test('errors of a function are counted for it, those of other targets are not', async () => {
  const { happen, metrics } = start()
  happen(settled('retry', { error }))
  happen(settled('retry', { error: { ...error, code: 'SINK_UNAVAILABLE' }, to: 'queue' }))
  const text = await metrics.render()
  expect(text).toContain('wasm_function_errors_total{function="sync",error_type="FUNCTION_TRAPPED"} 1\n')
  expect(text).not.toContain('function="queue"')
})

test('what a fallback made is counted for it, and the trouble of its target goes on', async () => {
  const { happen, metrics } = start()
  happen(settled('done', { error, fallback: 'instead', runMs: 2, tookMs: 9 }))
  happen(settled('done', { error, fallback: 'instead', runMs: 2, tookMs: 9 }))
  expect(said()).toMatchObject([{ level: 'warn', route: 'orders', to: 'sync', code: 'FUNCTION_TRAPPED' }])
  expect(said()[0].msg).toMatch(/^orders: its fallback "instead" does it: sync \(function\)/)
  happen(settled('done'))
  expect(said()[1]).toMatchObject({ level: 'info', retries: 2 })
  const text = await metrics.render()
  for (const line of [
    'headgate_fallbacks_total{route="orders",fallback="instead"} 2',
    'wasm_function_invocations_total{function="instead"} 2',
    'wasm_function_errors_total{function="sync",error_type="FUNCTION_TRAPPED"} 2',
    'wasm_function_duration_seconds_sum{function="instead"} 0.004',
  ])
    expect(text).toContain(`${line}\n`)
})
