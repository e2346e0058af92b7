/** The metrics as Prometheus reads them. */

import { describe, expect, test } from 'vitest'
import type { FunctionStats } from '../pool/pool.ts'
import { createMetrics } from './metrics.ts'
import { METRICS, type MetricSpec } from './names.ts'
import { BOUNDS } from './tally.ts'

const SPECS: readonly MetricSpec[] = Object.values(METRICS)

const resize: FunctionStats = {
  function: 'resize',
  instances: 2,
  busy: 2,
  queued: 9,
  max: 8,
  memoryBytes: 1_024,
  memoryLimitBytes: 4_096,
  coldStarts: 3,
  resting: true,
  denied: { http: 5, other: 1 },
}

function busy() {
  const metrics = createMetrics(() => 10_000)
  metrics.watch({
    journal: () => ({
      events: 7,
      pending: 2,
      dead: 1,
      bytes: 99,
      oldestPending: 4_000,
      lanes: [{ route: 'orders', to: 'sync', pending: 2 }],
    }),
  })
  metrics.watch({ functions: () => [resize], generation: () => 1, mqttClients: () => 4 })
  metrics.watch({ breakers: () => [{ route: 'orders', to: 'sync', state: 'open' }] })
  const versions = { 'resize@2': { calls: 9, failed: 0, p99Ms: 20 }, 'resize@3': { calls: 4, failed: 3, p99Ms: 1.42 } }
  const weights = { 'resize@2': 100, 'resize@3': 0 }
  metrics.watch({
    rollouts: () => [{ route: 'images', candidate: 'resize@3', state: 'rolledback', weights, versions }],
  })
  metrics.watch({ holds: () => [{ route: 'orders', to: 'billing', held: true }] })
  metrics.accepted('mqtt')
  metrics.accepted('mqtt')
  metrics.omitted('orders', 'repeated')
  metrics.fellBack('orders', 'echo')
  metrics.unmatched('http')
  metrics.duplicate('mqtt')
  metrics.settled('orders', 'done', 0.002)
  metrics.settled('orders', 'retry', 70)
  metrics.invoked('resize', 0.0001)
  metrics.invoked('resize', 3, 'FUNCTION_TIMED_OUT')
  return metrics
}

test('counts, measures and reads', async () => {
  const text = await busy().render()
  for (const line of [
    'headgate_events_accepted_total{source="mqtt"} 2',
    'headgate_events_unmatched_total{source="http"} 1',
    'headgate_duplicates_total{source="mqtt"} 1',
    'headgate_canary_calls_total{route="images",to="resize@2"} 9',
    'headgate_canary_failures_total{route="images",to="resize@3"} 3',
    'headgate_canary_p99_seconds{route="images",to="resize@2"} 0.02',
    'headgate_canary_p99_seconds{route="images",to="resize@3"} 0.00142',
    'headgate_canary_state{route="images",to="resize@3"} -1',
    'headgate_canary_weight{route="images",to="resize@2"} 100',
    'headgate_deliveries_total{route="orders",outcome="done"} 1',
    'headgate_deliveries_total{route="orders",outcome="retry"} 1',
    'headgate_retries_total{route="orders"} 1',
    'headgate_delivery_seconds_bucket{route="orders",le="0.001"} 0',
    'headgate_delivery_seconds_bucket{route="orders",le="0.0025"} 1',
    'headgate_delivery_seconds_bucket{route="orders",le="60"} 1',
    'headgate_delivery_seconds_bucket{route="orders",le="+Inf"} 2',
    'headgate_delivery_seconds_sum{route="orders"} 70.002',
    'headgate_delivery_seconds_count{route="orders"} 2',
    'headgate_journal_events 7',
    'headgate_journal_bytes 99',
    'headgate_journal_oldest_pending_seconds 6',
    'headgate_journal_pending{route="orders",to="sync"} 2',
    'headgate_dead_letters 1',
    'headgate_mqtt_clients 4',
    'headgate_breaker_state{route="orders",to="sync"} 2',
    'headgate_sink_held{route="orders",to="billing"} 1',
    'headgate_deliveries_omitted_total{route="orders",reason="repeated"} 1',
    'headgate_fallbacks_total{route="orders",fallback="echo"} 1',
    'wasm_function_invocations_total{function="resize"} 2',
    'wasm_function_errors_total{function="resize",error_type="FUNCTION_TIMED_OUT"} 1',
    'wasm_function_duration_seconds_bucket{function="resize",le="0.0001"} 1',
    'wasm_function_duration_seconds_count{function="resize"} 2',
    'wasm_function_cold_starts_total{function="resize"} 3',
    'wasm_function_resting{function="resize"} 1',
    'wasm_function_memory_usage_bytes{function="resize"} 1024',
    'wasm_function_memory_limit_bytes{function="resize"} 4096',
    'wasm_function_desired_replicas{function="resize"} 8',
    'wasm_function_available_replicas{function="resize"} 2',
  ]) {
    expect(text.split('\n')).toContain(line)
  }
})

describe('the text format', () => {
  test('shows each metric of the table once, under its type, and none besides those of the process', async () => {
    const text = await busy().render()
    const types = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => `${name} ${type}`)
    expect(new Set(types).size).toBe(types.length)
    const ours = types.filter((line) => !/^(process|nodejs)_/.test(line))
    expect(ours.toSorted()).toEqual(SPECS.map(({ name, type }) => `${name} ${type}`).toSorted())
  })

  test('every line is a comment or a sample, of the metric above it', async () => {
    let current = ''
    for (const line of (await busy().render()).trimEnd().split('\n')) {
      if (line === '') continue
      current = /^# TYPE (\S+)/.exec(line)?.[1] ?? current
      if (line.startsWith('#')) continue
      expect(line).toMatch(/^[a-z_][a-z0-9_]*(\{[a-z_]+="[^"\n]*"(,[a-z_]+="[^"\n]*")*\})? [-+0-9.eInfNa]+$/)
      expect(line.startsWith(current), `${line} belongs to ${current}`).toBe(true)
    }
  })

  test('a label value cannot end its line or its quotes', async () => {
    const metrics = createMetrics()
    metrics.accepted('a"b\\c\nd')
    expect(await metrics.render()).toContain('headgate_events_accepted_total{source="a\\"b\\\\c\\nd"} 1\n')
  })

  test('shows no gauge that nobody gave', async () => {
    expect(await createMetrics().render()).not.toContain('headgate_mqtt_clients')
  })
})

test('names follow the rules: unit last, counters end in _total, labels as in the table', () => {
  for (const { name, type, labels, help } of SPECS) {
    expect(name.endsWith('_total'), name).toBe(type === 'counter')
    if (type === 'histogram') expect(name).toMatch(/_seconds$/)
    expect(labels.length).toBeLessThanOrEqual(2)
    expect(help).toMatch(/^[A-Z].*\.$/)
  }
})

test('buckets ascend', () => {
  expect([...BOUNDS]).toEqual(BOUNDS.toSorted((a, b) => a - b))
})
