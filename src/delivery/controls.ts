/** The limits of a lane, ready to be asked: made of its route's options, its keys read off each delivery. */

import type { Delivery } from '../journal/journal.ts'
import type { Route } from '../router/route.ts'
import type { Router } from '../router/router.ts'
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
  const { concurrency: keyed } = controls
  const concurrency = keyed && {
    limit: keyed.limit,
    keyOf: ({ event, origin }: Delivery) => router.keyOf(name, 'concurrency', event, origin) ?? NO_KEY,
  }
  if (!concurrency) return undefined
  return { clock, ...(concurrency ? { concurrency } : {}) }
}
