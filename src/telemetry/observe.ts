/** Turns what happens on the path into metrics, and into the few lines that an operator needs. */

import type { Log } from '../connector/connector.ts'
import type { Activity } from '../delivery/activity.ts'
import type { Metrics } from './metrics.ts'

type Settled = Extract<Activity, { kind: 'settled' }>

/**
 * Returns a listener for the path. A route that has trouble is told of once, and once again when it has recovered; a
 * delivery or a reply that is given up is a line each; everything else is counted.
 */
export function observe(log: Log, metrics: Metrics): (activity: Activity) => void {
  const troubles = new Troubles(log)
  return (activity) => {
    if (activity.kind === 'unmatched') return metrics.unmatched(activity.origin.source)
    if (activity.kind === 'accepted') {
      for (const route of activity.repeated ?? []) metrics.omitted(route, 'repeated')
      return activity.duplicate ? metrics.duplicate(activity.origin.source) : metrics.accepted(activity.origin.source)
    }
    metrics.settled(activity.route, activity.outcome, activity.tookMs / 1_000)
    countCall(activity, metrics)
    if (activity.unanswered) warnUnanswered(log, activity, activity.unanswered)
    if (activity.fallback !== undefined) metrics.fellBack(activity.route, activity.fallback)
    if (activity.fallback !== undefined) troubles.begin(activity, `its fallback "${activity.fallback}" does it`)
    else if (activity.outcome === 'done') troubles.end(activity)
    else if (activity.outcome === 'retry') troubles.begin(activity, 'trying again')
    else log.error(fields(activity), `${activity.route}: given up: ${activity.error?.message ?? 'no reason'}`)
  }
}

function warnUnanswered(log: Log, activity: Settled, { topic, error }: NonNullable<Settled['unanswered']>): void {
  const line = { ...fields(activity), topic, code: error.code }
  log.warn(line, `${activity.route}: the caller is not answered: ${error.message}`)
}

/** Only a function has time inside itself or an error of its own; other targets are deliveries and no more. */
function countCall(activity: Settled, metrics: Metrics): void {
  const { fallback, to, tookMs, error } = activity
  // The time inside a function is that of the fallback, the error that of the target before it.
  if (fallback !== undefined && activity.runMs !== undefined) metrics.invoked(fallback, activity.runMs / 1_000)
  const runMs = fallback === undefined ? activity.runMs : undefined
  if (error?.code.startsWith('FUNCTION_')) metrics.invoked(to, (runMs ?? tookMs) / 1_000, error.code)
  else if (runMs !== undefined) metrics.invoked(to, runMs / 1_000)
}

/** Targets whose last attempt failed and is made good some other way, by route and target. */
class Troubles {
  readonly #log: Log
  readonly #retries = new Map<string, number>()

  constructor(log: Log) {
    this.#log = log
  }

  begin(activity: Settled, what: string): void {
    const key = keyOf(activity)
    const before = this.#retries.get(key) ?? 0
    this.#retries.set(key, before + 1)
    if (before > 0) return
    const { route, error, retryInMs } = activity
    const line = { ...fields(activity), retry_in_ms: retryInMs }
    this.#log.warn(line, `${route}: ${what}: ${error?.message ?? 'no reason'}; further tries are only counted`)
  }

  end(activity: Settled): void {
    if (this.#retries.size === 0) return
    const key = keyOf(activity)
    const retries = this.#retries.get(key)
    if (retries === undefined) return
    this.#retries.delete(key)
    this.#log.info({ route: activity.route, to: activity.to, retries }, `${activity.route}: delivering again`)
  }
}

const keyOf = ({ route, to }: Settled): string => `${route} ${to}`

const fields = ({ event, callId, route, to, attempt, error }: Settled): object => ({
  event: event.id,
  call: callId,
  route,
  to,
  attempt,
  code: error?.code,
})
