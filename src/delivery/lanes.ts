/** Turns routes into lanes: which target each one feeds, with which concurrency, and where its dead letters are copied. */

import type { Route, Target as RouteTarget } from '../router/route.ts'
import { versioned } from '../schema/index.ts'
import { deliverBatch } from './batch.ts'
import { watched } from './breaker.ts'
import { type ControlParts, copyControls, type LaneControls, laneControls } from './controls.ts'
import { deadLetterLane, fromDeadLetter } from './deadletter.ts'
import { type DeliverParts, deliver } from './deliver.ts'
import type { LaneWork } from './dispatch.ts'
import { fallbackOf } from './fallback.ts'
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
  const lanes = [...route.to, ...(route.versions ?? [])].map((to): LaneWork => {
    const fallback = fallbackOf(route, to.text)
    const digest = to.kind === 'function' ? parts.digests?.get(versioned(to)) : undefined
    const own = { ...parts, digest, ...(fallback ? { fallback: find(fallback) } : {}) }
    const controls = laneControls(route, to, controlled)
    if (controls === undefined) return lane(route, to.text, find(to), own)
    const { target, waiting } = guarded(find(to), controls, own)
    const work = { ...lane(route, to.text, target, waiting), controls }
    if (controls.batch === undefined) return work
    return { ...work, runBatch: (all, signal) => deliverBatch(all, route, target, waiting, signal) }
  })
  return route.deadLetter ? [...lanes, copyLane(route, route.deadLetter, find, parts, controlled)] : lanes
}

/** The target, watched by the breaker of its lane; `waiting` are the parts of deliveries that wait for what is gone. */
function guarded(target: Target, { breaker }: Pick<LaneControls, 'breaker'>, parts: DeliverParts) {
  if (breaker === undefined) return { target, waiting: parts }
  const waiting: DeliverParts = breaker.sink === undefined ? parts : { ...parts, waits: true }
  return { target: watched(target, breaker), waiting }
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

function copyLane(
  route: Route,
  deadLetter: RouteTarget,
  find: FindTarget,
  parts: DeliverParts,
  controlled: ControlParts,
): LaneWork {
  const to = deadLetterLane(deadLetter.text)
  const controls = copyControls({ route: route.name, to }, deadLetter, controlled)
  const { target, waiting } = guarded(find(deadLetter), controls ?? {}, parts)
  const unwrapping: Target = {
    answers: false,
    handle: (work: Work, signal) => target.handle({ ...work, event: fromDeadLetter(work.event) }, signal),
  }
  // What is given up is copied as it came in.
  const { deadLetter: _, fallback: __, transforms: ___, ...rest } = route
  const copying: Route = { ...rest, retry: COPY_RETRY, concurrency: COPY_CONCURRENCY }
  return { ...lane(copying, to, unwrapping, waiting), ...(controls ? { controls } : {}) }
}
