/** What canaries count and decided, as metrics. */

import { METRICS } from './names.ts'
import { type Reading, renderSamples } from './tally.ts'

/** As much of a rollout as is measured. */
export interface Rollout {
  readonly route: string
  readonly candidate: string
  readonly state: string
  readonly weights: Readonly<Record<string, number>>
  readonly versions: Readonly<
    Record<string, { readonly calls: number; readonly failed: number; readonly p99Ms?: number }>
  >
}

const STATES: Readonly<Record<string, number>> = { promoted: 1, rolledback: -1 }

/** In the digits that the milliseconds have: 1.42 ms are 0.00142 s, and a division makes 0.0014199999999999998 of it. */
const seconds = (ms: number): number => Number((ms / 1_000).toPrecision(6))

/** Nothing at all where there is no rollout. */
export function canaryGauges(rollouts: readonly Rollout[] = []): string[] {
  if (rollouts.length === 0) return []
  const versions = rollouts.flatMap(({ route, versions }) =>
    Object.entries(versions).map(([to, figures]) => ({ ...figures, labels: [route, to] })),
  )
  const calls = versions.map(({ calls, labels }): Reading => ({ labels, value: calls }))
  const failures = versions.map(({ failed, labels }): Reading => ({ labels, value: failed }))
  const p99 = versions.flatMap(({ labels, p99Ms }) => (p99Ms === undefined ? [] : { labels, value: seconds(p99Ms) }))
  const states = rollouts.map(({ candidate, route, state }) => ({
    labels: [route, candidate],
    value: STATES[state] ?? 0,
  }))
  const weights = rollouts.flatMap(({ route, weights }) =>
    Object.entries(weights).map(([to, value]) => ({ labels: [route, to], value })),
  )
  return [
    renderSamples(METRICS.canaryCalls, calls),
    renderSamples(METRICS.canaryFailures, failures),
    renderSamples(METRICS.canaryP99, p99),
    renderSamples(METRICS.canaryState, states),
    renderSamples(METRICS.canaryWeight, weights),
  ]
}
