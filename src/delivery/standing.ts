/** Where a delivery stands that is not settled: it runs, or what it waits for, and until when. */

import type { DeliveryRecord, EventRecord, Lane } from '../journal/journal.ts'
import { OFFERS, type Route } from '../router/route.ts'
import type { Router } from '../router/router.ts'
import type { LaneControls } from './controls.ts'
import type { Gates, Line, Turnstile } from './gates.ts'
import type { Gathering } from './gathering.ts'
import { oneOf, type Places, type ServedLane } from './served.ts'

/** What a delivery waits for. */
export interface Wait {
  readonly for:
    | 'batch'
    | 'breaker'
    | 'concurrency'
    | 'debounce'
    | 'delay'
    | 'order_by'
    | 'rate'
    | 'retry'
    | 'route'
    | 'sink'
    | 'turn'
  /** In words that go on from "waits for". */
  readonly what: string
  /** Milliseconds since the epoch; absent when no clock decides. */
  readonly until?: number
  /** What an operator may do. */
  readonly next?: string
}

/** `runsSince`: its attempt began then, in milliseconds since the epoch. */
export type Standing = Wait | { readonly runsSince: number }

/** A lane that is limited, as far as it is asked where its deliveries stand. */
export interface Limited {
  readonly places: Places
  readonly controls: LaneControls
  readonly gathering: Gathering | undefined
  readonly lines: Gates<Line>
  readonly turnstiles: Gates<Turnstile>
  readonly now: number
}

/** What of a limited lane is in the way of one of its deliveries; undefined when that is nothing that it knows of. */
export function standingIn(lane: Limited, id: string): Standing | undefined {
  const { controls, gathering, places } = lane
  return (
    places.runs(id) ??
    controls.breaker?.wait() ??
    gathering?.wait(id) ??
    lineWait(lane, id) ??
    turnstileWait(lane, id) ??
    places.full()
  )
}

function lineWait({ controls, lines }: Limited, id: string): Wait | undefined {
  const found = lines.find(id)
  if (found === undefined) return undefined
  const { before, key } = found
  const what = `${oneOf(controls.concurrency?.limit ?? 0)} of ${keyed(key)} ("concurrency")${behind(before)}`
  return { for: 'concurrency', what }
}

function turnstileWait({ controls: { rate }, now, turnstiles }: Limited, id: string): Wait | undefined {
  if (rate === undefined) return undefined
  const found = turnstiles.find(id) ?? (rate.keyOf ? undefined : { before: 0, gate: turnstiles.get('', now), key: '' })
  if (found === undefined) return undefined
  const { before, gate, key } = found
  const until = gate.window.freeAt
  if (until <= now && before === 0) return undefined
  const of = rate.keyOf ? ` for ${keyed(key)}` : ''
  const what = `its rate of ${rate.limit} in ${rate.perMs / 1_000} s${of}${behind(before)}`
  return { for: 'rate', what, until }
}

const keyed = (key: string): string => (key === '' ? 'those without a key' : `the key ${JSON.stringify(key)}`)
const behind = (before: number): string => (before === 0 ? '' : `, behind ${before} more`)

/** What is asked of the configuration that runs. */
export interface Asked {
  /** Absent when there is none of that name. */
  readonly route: Route | undefined
  /** Absent when the route has no such target. */
  readonly lane: ServedLane | undefined
  /** The value of `order_by` on the event. */
  readonly key: string | undefined
  readonly now: number
}

/** Where each delivery of an event stands that is not settled, by its id. */
export function standingsOf(
  { deliveries, event, origin }: EventRecord,
  router: Pick<Router, 'get' | 'match'>,
  laneOf: (lane: Lane) => ServedLane | undefined,
  now: number,
): ReadonlyMap<string, Standing> {
  // What was refused for good is offered again, and is of no route.
  const due = deliveries.filter(({ route, status }) => status === 'due' && route !== OFFERS.route)
  const matches = due.length === 0 ? [] : router.match(event, origin)
  const keys = new Map(matches.map(({ key, route }) => [route.name, key]))
  const asked = (one: DeliveryRecord): Asked => ({
    route: router.get(one.route),
    lane: laneOf(one),
    key: keys.get(one.route),
    now,
  })
  return new Map(
    due.flatMap((one) => {
      const standing = standingOf(one, asked(one))
      return standing ? [[one.id, standing] as const] : []
    }),
  )
}

/** Where a delivery stands; undefined when it is settled. */
export function standingOf(delivery: DeliveryRecord, asked: Asked): Standing | undefined {
  const { lane, now } = asked
  if (delivery.status !== 'due') return undefined
  if (lane === undefined) return strayed(delivery, asked)
  const standing = lane.standing(delivery.id)
  if (standing && 'runsSince' in standing) return standing
  const timed = delivery.due !== undefined && delivery.due > now ? timedWait(delivery, delivery.due, asked) : undefined
  if (timed && !outlasts(standing, timed.until)) return timed
  if (standing?.for === 'sink' || standing?.for === 'breaker') return standing
  return orderWait(delivery, asked, standing) ?? standing ?? TURN
}

const TURN: Wait = { for: 'turn', what: 'its turn: those that came before it begin first' }

/** Whether what holds the whole lane will do so for longer than until then. */
const outlasts = (wait: Wait | undefined, until: number): boolean =>
  wait?.for === 'sink' || (wait?.for === 'breaker' && (wait.until ?? 0) > until)

function timedWait({ attempts }: DeliveryRecord, until: number, { route }: Asked): Wait & { readonly until: number } {
  if (attempts > 0) return { for: 'retry', what: 'its next attempt', until }
  const { concurrency, debounce, delayMs } = route?.controls ?? {}
  if (debounce)
    return { for: 'debounce', what: 'its debounce: a later event of the same key would take its place', until }
  if (delayMs !== undefined) return { for: 'delay', what: 'its delay', until }
  const by = concurrency ? 'concurrency' : 'rate'
  return { for: by, what: `room in "${by}": very many wait, and it asks again then`, until }
}

/** The journal hands out one delivery of a key at a time. */
function orderWait({ id }: DeliveryRecord, { key, lane }: Asked, standing: Wait | undefined): Wait | undefined {
  if (key === undefined) return undefined
  const before = lane?.inHand(key)
  // It may be the first of its key, and wait for something else.
  if (before?.id === id || (before === undefined && standing !== undefined)) return undefined
  const which = before ? `: ${before.event.id}, which is under way` : ', which is to be tried again'
  return { for: 'order_by', what: `an earlier one with the same "order_by" (${JSON.stringify(key)})${which}` }
}

const strayed = ({ route: name, to }: DeliveryRecord, { route }: Asked): Wait => ({
  for: 'route',
  what: route
    ? `a target: the route ${name} sends nothing to "${to}" any more`
    : `a route: the configuration has none of the name ${name}`,
  next: 'add it to the configuration again and reload: it goes on then',
})
