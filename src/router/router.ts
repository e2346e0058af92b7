/** The contract of the router: which routes take an event, and why the others do not. Pure. */

import type { CloudEvent, Origin } from '../event/index.ts'
import type { Route, Target } from './route.ts'

/** A route that takes an event. */
export interface Match {
  readonly route: Route
  /** The value of `order_by` on this event, when the route has one. */
  readonly key?: string
  /** The value of the key of `dedupe`, when the route has one and there is a value. */
  readonly dedupe?: string
  /** As much for `debounce`. */
  readonly debounce?: string
  /** The one target that gets the event, when the route has weights. */
  readonly target?: Target
}

/** What one route says of an event. */
export interface Verdict {
  readonly route: string
  readonly takes: boolean
  /** When it does not: the clause that failed (`from`, the part of `when`, or of a filter with its place), as written; `default` when others take it. */
  readonly clause?: string
  /** The values that the clause saw, or the error that its evaluation gave; for `default`, who takes it. */
  readonly saw?: string
  /** When it does and has weights: the target that gets the event, as written, and what it was chosen by. */
  readonly to?: string
  readonly by?: string
}

/** The controls of a route that may have a key. */
export const KEYED_CONTROLS = ['concurrency', 'debounce', 'dedupe', 'rate'] as const
export type KeyedControl = (typeof KEYED_CONTROLS)[number]

export interface Router {
  readonly routes: readonly Route[]
  /** The routes that take the event, in the order of the configuration. Never throws on data. */
  match(event: CloudEvent, origin: Origin): readonly Match[]
  /** A verdict for each route, in the order of the configuration. */
  explain(event: CloudEvent, origin: Origin): readonly Verdict[]
  /** The value of a control's key on an event; undefined when the route has no such key, or no value is to be had. */
  keyOf(route: string, control: KeyedControl, event: CloudEvent, origin: Origin): string | undefined
  /** The route of this name, or undefined. */
  get(name: string): Route | undefined
}

/** What is wrong with an expression of a route; `offset` counts characters from the start of the expression. */
export interface RouteProblem {
  readonly route: string
  readonly field: 'when' | 'order_by' | 'from' | 'filters' | 'transform' | 'reply_transform' | `${KeyedControl}.key`
  /** Where in the field, when it is a list: `[0, 'all', 1, 'sql']`. */
  readonly path?: readonly (string | number)[]
  readonly offset: number
  readonly message: string
}
