/** The gateway's metrics: counted as things happen, gauges read when somebody asks. */

import { collectDefaultMetrics, Registry } from 'prom-client'
import type { Meter } from '../connector/connector.ts'
import type { JournalStats, Note } from '../journal/journal.ts'
import type { Host } from '../pool/host.ts'
import type { FunctionStats } from '../pool/pool.ts'
import { versioned } from '../schema/index.ts'
import { Asked } from './asked.ts'
import { canaryGauges, type Rollout } from './canaries.ts'
import { METRICS, type MetricSpec } from './names.ts'
import { Standings } from './standings.ts'
import { Counter, Histogram, type Reading, renderSamples } from './tally.ts'

/** Where gauges are read, each time somebody asks for the metrics. What is absent is not shown. */
export interface Gauges {
  readonly journal?: () => JournalStats
  readonly functions?: () => readonly FunctionStats[]
  readonly mqttClients?: () => number
  readonly breakers?: () => readonly { readonly route: string; readonly to: string; readonly state: string }[]
  readonly holds?: () => readonly { readonly route: string; readonly to: string; readonly held: boolean }[]
  readonly generation?: () => number
  readonly rollouts?: () => readonly Rollout[]
}

export interface Metrics {
  /** A route took an event of this source. */
  accepted(source: string): void
  unmatched(source: string): void
  duplicate(source: string): void
  /** A delivery is not made, for this reason. */
  omitted(route: string, reason: Note): void
  /** This fallback made a delivery. */
  fellBack(route: string, fallback: string): void
  /** An attempt ended. */
  settled(route: string, outcome: 'done' | 'retry' | 'dead', seconds: number): void
  /** A call of a function ended, with this code when that was an error. */
  invoked(name: string, seconds: number, errorCode?: string): void
  reloaded(outcome: 'done' | 'refused'): void
  /** What a source of this name tells its figures to; see `Standings`. */
  meter(source: string): Meter
  /** Returns a host of functions that does as this one does; what functions ask of it is counted. */
  counting(host: Host): Host
  /** Reads these gauges from now on, in place of any given before under the same name. */
  watch(gauges: Gauges): void
  /** Resolves to all metrics, those of the process and of Node included, in the Prometheus text format. */
  render(): Promise<string>
}

export const METRICS_CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

/** The process has one event loop and one heap, however many gateways: made once, at the first scrape. */
let processMetrics: Registry | undefined

export function createMetrics(now: () => number = Date.now): Metrics {
  const accepted = new Counter(METRICS.accepted)
  const unmatched = new Counter(METRICS.unmatched)
  const duplicates = new Counter(METRICS.duplicates)
  const omitted = new Counter(METRICS.omitted)
  const deliveries = new Counter(METRICS.deliveries)
  const fallbacks = new Counter(METRICS.fallbacks)
  const retries = new Counter(METRICS.retries)
  const deliverySeconds = new Histogram(METRICS.deliverySeconds)
  const invocations = new Counter(METRICS.functionInvocations)
  const errors = new Counter(METRICS.functionErrors)
  const duration = new Histogram(METRICS.functionDuration)
  const reloads = new Counter(METRICS.reloads)
  const standings = new Standings(now)
  const invoked: Metrics['invoked'] = (name, seconds, errorCode) => {
    invocations.add(name)
    if (errorCode !== undefined) errors.add(name, errorCode)
    duration.observe(name, seconds)
  }
  const asked = new Asked(invoked)
  const counted = [
    accepted,
    unmatched,
    duplicates,
    omitted,
    deliveries,
    fallbacks,
    retries,
    deliverySeconds,
    invocations,
    errors,
    duration,
    reloads,
  ]
  let gauges: Gauges = {}
  return {
    accepted: (source) => accepted.add(source),
    unmatched: (source) => unmatched.add(source),
    duplicate: (source) => duplicates.add(source),
    omitted: (route, reason) => omitted.add(route, reason),
    fellBack: (route, fallback) => fallbacks.add(route, fallback),
    settled(route, outcome, seconds) {
      deliveries.add(route, outcome)
      if (outcome === 'retry') retries.add(route)
      deliverySeconds.observe(route, seconds)
    },
    invoked,
    reloaded: (outcome) => reloads.add(outcome),
    meter: (source) => standings.meter(source),
    counting: (host) => asked.counting(host),
    watch(added) {
      gauges = { ...gauges, ...added }
    },
    async render() {
      const read = [
        ...journalGauges(gauges, now()),
        ...functionGauges(gauges),
        ...breakerGauges(gauges),
        ...heldGauges(gauges),
        ...canaryGauges(gauges.rollouts?.()),
        ...plainGauges(gauges),
        standings.render(),
        asked.render(),
      ]
      const ours = [...counted.map((metric) => metric.render()), ...read].join('')
      return ours + (await ofProcess())
    },
  }
}

function ofProcess(): Promise<string> {
  if (processMetrics === undefined) {
    processMetrics = new Registry()
    collectDefaultMetrics({ register: processMetrics })
  }
  return processMetrics.metrics()
}

const single = (spec: MetricSpec, value: number): string => renderSamples(spec, [{ labels: [], value }])

function journalGauges({ journal }: Gauges, now: number): string[] {
  if (journal === undefined) return []
  const { events, dead, bytes, oldestPending, lanes } = journal()
  const age = oldestPending === undefined ? 0 : Math.max(0, now - oldestPending) / 1_000
  const pending = lanes.map(({ route, to, pending: value }): Reading => ({ labels: [route, to], value }))
  return [
    single(METRICS.journalEvents, events),
    single(METRICS.journalBytes, bytes),
    single(METRICS.journalOldest, age),
    single(METRICS.deadLetters, dead),
    renderSamples(METRICS.journalPending, pending),
  ]
}

const BREAKER_STATES = ['closed', 'half_open', 'open']

function breakerGauges({ breakers }: Gauges): string[] {
  const readings = breakers?.().map(
    ({ route, state, to }): Reading => ({ labels: [route, to], value: BREAKER_STATES.indexOf(state) }),
  )
  return readings ? [renderSamples(METRICS.breakerState, readings)] : []
}

function heldGauges({ holds }: Gauges): string[] {
  const readings = holds?.().map(({ held, route, to }): Reading => ({ labels: [route, to], value: held ? 1 : 0 }))
  return readings ? [renderSamples(METRICS.held, readings)] : []
}

const denialsOf = ({ denied, function: name, version }: FunctionStats): readonly Reading[] =>
  Object.entries(denied).map(([grant, value]) => ({ labels: [versioned({ name, version }), grant], value }))

function functionGauges({ functions }: Gauges): string[] {
  if (functions === undefined) return []
  const stats = functions()
  const each = (spec: MetricSpec, value: (of: FunctionStats) => number) =>
    renderSamples(
      spec,
      stats.map((of) => ({ labels: [versioned({ name: of.function, version: of.version })], value: value(of) })),
    )
  return [
    each(METRICS.functionColdStarts, ({ coldStarts }) => coldStarts),
    each(METRICS.functionResting, ({ resting }) => Number(resting)),
    renderSamples(METRICS.functionDenied, stats.flatMap(denialsOf)),
    each(METRICS.functionMemory, ({ memoryBytes }) => memoryBytes),
    each(METRICS.functionMemoryLimit, ({ memoryLimitBytes }) => memoryLimitBytes),
    each(METRICS.functionDesired, ({ busy, queued, max }) => Math.min(max, busy + queued)),
    each(METRICS.functionAvailable, ({ instances }) => instances),
  ]
}

function plainGauges({ generation, mqttClients }: Gauges): string[] {
  return [
    ...(mqttClients === undefined ? [] : [single(METRICS.mqttClients, mqttClients())]),
    ...(generation === undefined ? [] : [single(METRICS.generation, generation())]),
  ]
}
