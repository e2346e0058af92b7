/** Turns routes into lanes: which target each one feeds, with which concurrency, and where its dead letters are copied. */

import type { Route, Target as RouteTarget } from '../router/route.ts'
import { deliverBatch } from './batch.ts'
import { watched } from './breaker.ts'
import { type ControlParts, laneControls } from './controls.ts'
import { deadLetterLane, fromDeadLetter } from './deadletter.ts'
import { type DeliverParts, deliver } from './deliver.ts'
import type { LaneWork } from './dispatch.ts'
import type { Target, Work } from './target.ts'
import { transforming } from './transform.ts'

/** Finds the target that a route names. Throws when there is none: the configuration was checked before. */
export type FindTarget = (target: RouteTarget) => Target

/** A copy has no dead letter of its own: when its retries are used up it stays in the built-in store. */
const COPY_RETRY = {
  max: 20,
  backoff: 'exponential',
  delayMs: 1_000,
  capMs: 60_000,
  jitter: 'full',
  except: [],
} as const
const COPY_CONCURRENCY = 8

/** One lane for each target of a route and each version that it was sent to before, and one for its dead letters' copies. */
export function lanesOf(
  route: Route,
  find: FindTarget,
  parts: DeliverParts,
  controlled: ControlParts,
): readonly LaneWork[] {
  const own = route.fallback ? { ...parts, fallback: find(route.fallback) } : parts
  const lanes = [...route.to, ...(route.versions ?? [])].map((to): LaneWork => {
    const controls = laneControls(route, to.text, controlled)
    if (controls === undefined) return lane(route, to.text, find(to), own)
    const target = controls.breaker ? watched(find(to), controls.breaker) : find(to)
    const work = { ...lane(route, to.text, target, own), controls }
    if (controls.batch === undefined) return work
    return { ...work, runBatch: (all, signal) => deliverBatch(all, route, target, own, signal) }
  })
  return route.deadLetter ? [...lanes, copyLane(route, route.deadLetter, find, parts)] : lanes
}

function lane(route: Route, to: string, target: Target, parts: DeliverParts): LaneWork {
  const transform = transforming(route, parts)
  return {
    route: route.name,
    to,
    concurrency: route.concurrency,
    run: transform
      ? (delivery, signal) => deliver(delivery, route, transform(target, delivery.answers), parts, signal)
      : (delivery, signal) => deliver(delivery, route, target, parts, signal),
  }
}

function copyLane(route: Route, deadLetter: RouteTarget, find: FindTarget, parts: DeliverParts): LaneWork {
  const target = find(deadLetter)
  const unwrapping: Target = {
    answers: false,
    handle: (work: Work, signal) => target.handle({ ...work, event: fromDeadLetter(work.event) }, signal),
  }
  // What is given up is copied as it came in.
  const { deadLetter: _, fallback: __, transforms: ___, ...rest } = route
  const copying: Route = { ...rest, retry: COPY_RETRY, concurrency: COPY_CONCURRENCY }
  return lane(copying, deadLetterLane(deadLetter.text), unwrapping, parts)
}
