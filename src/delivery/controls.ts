/** The limits of a lane, ready to be asked: made of its route's options, its keys read off each delivery. */

import type { Delivery } from '../journal/journal.ts'
import type { Route } from '../router/route.ts'
import type { KeyedControl, Router } from '../router/router.ts'
import { type Clock, SYSTEM_CLOCK } from './clock.ts'

export type KeyOf = (delivery: Delivery) => string

export interface LaneControls {
  readonly clock: Clock
  /** Deliveries of one key under way at once. */
  readonly concurrency?: { readonly limit: number; readonly keyOf: KeyOf }
  /** Attempts that may begin in a stretch of time: of one key, or of the lane. */
  readonly rate?: { readonly limit: number; readonly perMs: number; readonly keyOf?: KeyOf }
}

/** Those of which no key can be read share one. */
const NO_KEY = ''

/** Returns the limits of a route's lanes; undefined when it has none that count here. */
export function laneControls(
  { controls, name }: Route,
  router: Pick<Router, 'keyOf'>,
  clock: Clock = SYSTEM_CLOCK,
): LaneControls | undefined {
  if (controls === undefined) return undefined
  const { concurrency, rate } = controls
  if (!concurrency && !rate) return undefined
  const by = (control: KeyedControl): KeyOf => {
    return ({ event, origin }) => router.keyOf(name, control, event, origin) ?? NO_KEY
  }
  return {
    clock,
    ...(concurrency ? { concurrency: { limit: concurrency.limit, keyOf: by('concurrency') } } : {}),
    ...(rate ? { rate: { ...rate, ...(rate.key === undefined ? {} : { keyOf: by('rate') }) } } : {}),
  }
}
