/** What other routes would make of events: two routers asked for each, and their answers compared. Pure. */

import type { CloudEvent, Origin } from '../event/index.ts'
import type { Route } from './route.ts'
import type { Match, Router } from './router.ts'

/**
 * `matched` and `unmatched`: no route took it, or would take it. `moved`: to another target, or from one route to another.
 * `more` and `fewer`: one more route takes it, or one less, beside others.
 */
export const CHANGES = ['unmatched', 'fewer', 'moved', 'more', 'matched'] as const

/** Events that fare the same. */
export interface Change {
  readonly kind: (typeof CHANGES)[number]
  /** `route -> target` that got them and would no longer; absent for `more` and `matched`. */
  readonly from?: string
  /** `route -> target` that would get them and did not; absent for `fewer` and `unmatched`. */
  readonly to?: string
  readonly events: number
  /** Ids of the first of them. */
  readonly examples: readonly string[]
}

const EXAMPLES = 3

/** Counts events by what would change for them. */
export class Comparison {
  readonly #running: Router
  readonly #candidate: Router
  readonly #changes = new Map<string, Change & { events: number; readonly examples: string[] }>()
  /** What a route without weights does with an event. */
  readonly #lanes = new Map<Route, string>()
  /** Events seen. */
  events = 0
  /** Events for which anything would change. */
  changed = 0

  constructor(running: Router, candidate: Router) {
    this.#running = running
    this.#candidate = candidate
  }

  /** Asks both routers. */
  add(event: CloudEvent, origin: Origin): void {
    this.events++
    const before = this.#running.match(event, origin)
    const after = this.#candidate.match(event, origin)
    if (before.length === 0 && after.length === 0) return
    const had = before.map((match) => this.#lane(match))
    const gets = after.map((match) => this.#lane(match))
    if (had.length === gets.length && had.every((lane, at) => lane === gets[at])) return
    const lost = had.filter((lane) => !gets.includes(lane))
    const gained = gets.filter((lane) => !had.includes(lane))
    if (lost.length === 0 && gained.length === 0) return
    this.changed++
    if (gained.length === 0)
      for (const from of lost) this.#count(event, after.length === 0 ? 'unmatched' : 'fewer', from)
    else if (lost.length > 0) this.#count(event, 'moved', lost.join(', '), gained.join(', '))
    else for (const to of gained) this.#count(event, before.length === 0 ? 'matched' : 'more', undefined, to)
  }

  /** The worst first, and of each kind the most frequent. */
  changes(): readonly Change[] {
    const rank = ({ kind }: Change): number => CHANGES.indexOf(kind)
    return [...this.#changes.values()].sort((a, b) => rank(a) - rank(b) || b.events - a.events)
  }

  #lane({ route, target }: Match): string {
    if (target) return laneText(route.name, target.text)
    const known = this.#lanes.get(route)
    if (known !== undefined) return known
    const lane = laneText(route.name, route.to.map(({ text }) => text).join(' + '))
    this.#lanes.set(route, lane)
    return lane
  }

  #count(event: CloudEvent, kind: Change['kind'], from?: string, to?: string): void {
    const key = `${kind}\n${from}\n${to}`
    const change = this.#changes.get(key)
    if (change === undefined) {
      const lanes = { ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) }
      this.#changes.set(key, { kind, ...lanes, events: 1, examples: [event.id] })
      return
    }
    change.events++
    if (change.examples.length < EXAMPLES) change.examples.push(event.id)
  }
}

const laneText = (route: string, to: string): string => `${route} -> ${to}`
