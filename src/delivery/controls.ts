/** The limits of a lane, ready to be asked: made of its route's options, its keys read off each delivery. */

import type { Delivery, Lane } from '../journal/journal.ts'
import type { Route, Target } from '../router/route.ts'
import type { KeyedControl, Router } from '../router/router.ts'
import type { Breaker, BreakerParts } from './breaker.ts'
import type { Breakers } from './breakers.ts'
import { type Clock, SYSTEM_CLOCK } from './clock.ts'
import { fallbackOf } from './fallback.ts'
import type { GatherOptions } from './gathering.ts'

export type KeyOf = (delivery: Delivery) => string

export interface LaneControls {
  readonly clock: Clock
  /** Deliveries of one key under way at once. */
  readonly concurrency?: { readonly limit: number; readonly keyOf: KeyOf }
  /** Attempts that may begin in a stretch of time: of one key, or of the lane. */
  readonly rate?: { readonly limit: number; readonly perMs: number; readonly keyOf?: KeyOf }
  readonly breaker?: Breaker
  /** Deliveries that are made together. */
  readonly batch?: GatherOptions
  /** Called when the lane is served no longer. */
  left?(): void
}

/** Those of which no key can be read share one. */
const NO_KEY = ''

/** What the limits of lanes are made with. */
export interface ControlParts {
  readonly router: Pick<Router, 'keyOf'>
  readonly breakers: Breakers
  readonly clock?: Clock
}

/** Returns the limits of one lane of a route; undefined when it has none that count here. */
export function laneControls(route: Route, to: Target, parts: ControlParts): LaneControls | undefined {
  const { controls, name } = route
  const { batch, breaker, concurrency, rate } = controls ?? {}
  const sink = heldSink(route, to)
  if (!batch && !breaker && !concurrency && !rate && sink === undefined) return undefined
  const { clock = SYSTEM_CLOCK, router } = parts
  const by = (control: KeyedControl): KeyOf => {
    return ({ event, origin }) => router.keyOf(name, control, event, origin) ?? NO_KEY
  }
  return {
    clock,
    ...(batch ? { batch } : {}),
    ...(concurrency ? { concurrency: { limit: concurrency.limit, keyOf: by('concurrency') } } : {}),
    ...(rate ? { rate: { ...rate, ...(rate.key === undefined ? {} : { keyOf: by('rate') }) } } : {}),
    ...(breaker || sink !== undefined ? broken({ route: name, to: to.text }, { options: breaker, sink }, parts) : {}),
  }
}

/** The limits of a lane that carries dead letters to a sink: they wait while it is gone. */
export function copyControls(lane: Lane, deadLetter: Target, parts: ControlParts): LaneControls | undefined {
  if (deadLetter.kind !== 'sink') return undefined
  return { clock: parts.clock ?? SYSTEM_CLOCK, ...broken(lane, { sink: deadLetter.name }, parts) }
}

/** The sink whose deliveries wait while it is gone. Where there is a fallback, that does them. */
const heldSink = (route: Route, to: Target): string | undefined =>
  to.kind === 'sink' && fallbackOf(route, to.text) === undefined ? to.name : undefined

function broken(
  lane: Lane,
  made: BreakerParts,
  { breakers, clock = SYSTEM_CLOCK }: ControlParts,
): Pick<LaneControls, 'breaker' | 'left'> {
  const breaker = breakers.make(lane, made, clock)
  return { breaker, left: () => breakers.remove(breaker) }
}
