/** The limits of a lane, ready to be asked: made of its route's options, its keys read off each delivery. */

import type { Delivery } from '../journal/journal.ts'
import type { Route } from '../router/route.ts'
import type { KeyedControl, Router } from '../router/router.ts'
import type { Breaker } from './breaker.ts'
import type { Breakers } from './breakers.ts'
import { type Clock, SYSTEM_CLOCK } from './clock.ts'
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
export function laneControls({ controls, name }: Route, to: string, parts: ControlParts): LaneControls | undefined {
  const { batch, breaker, concurrency, rate } = controls ?? {}
  if (!batch && !breaker && !concurrency && !rate) return undefined
  const { breakers, clock = SYSTEM_CLOCK, router } = parts
  const by = (control: KeyedControl): KeyOf => {
    return ({ event, origin }) => router.keyOf(name, control, event, origin) ?? NO_KEY
  }
  const own = breaker && breakers.make({ route: name, to }, breaker, clock)
  return {
    clock,
    ...(batch ? { batch } : {}),
    ...(concurrency ? { concurrency: { limit: concurrency.limit, keyOf: by('concurrency') } } : {}),
    ...(rate ? { rate: { ...rate, ...(rate.key === undefined ? {} : { keyOf: by('rate') }) } } : {}),
    ...(own ? { breaker: own, left: () => breakers.remove(own) } : {}),
  }
}
