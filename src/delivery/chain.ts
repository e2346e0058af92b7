/** Events that come of events: what a function emitted, and what a delivery published on a topic that routes take. */

import { GatewayError } from '../errors.ts'
import { CALL_EXTENSIONS, type CloudEvent, type ExtensionValue, extension } from '../event/index.ts'
import { fromDeadLetter } from './deadletter.ts'

/** Times an event may go from one delivery to the next before it is taken for a loop. */
export const MAX_HOPS = 16

/** A chain of steps is seldom longer; from here on each one waits a little more. */
const FREE_HOPS = 4
const HOP_MS = 10

/** Counts the deliveries that led to this event. */
const HOPS = 'hops'

/** Names the replay that an event runs again in, or comes of. */
export const REPLAY = 'replay'

/** How many deliveries led to this event: 0 for one from outside. */
export const hops = (event: CloudEvent): number => Number(extension(event, HOPS) ?? 0) || 0

/** Throws EVENT_LOOP when the event went through more deliveries than any chain of steps does. */
export function refuseLoop(event: CloudEvent, route: string): void {
  if (hops(event) <= MAX_HOPS) return
  throw new GatewayError(
    'EVENT_LOOP',
    `${route} (route): delivering "${event.id}": loop: it went through ${hops(event)} deliveries; a route feeds itself`,
  )
}

/**
 * Milliseconds that a delivery waits in its place before it begins. An event that feeds its own route twice makes a
 * hundred thousand deliveries before the limit: unpaced, they took half of the throughput of the other routes.
 */
export const pace = (event: CloudEvent): number => Math.max(0, hops(event) - FREE_HOPS) * HOP_MS

/** The trace as it came in: the gateway records no span of its own, so that it names no new one [Trace Context 3.2]. */
function traceOf(event: CloudEvent): { readonly traceparent?: string; readonly tracestate?: string } {
  const [traceparent, tracestate] = [extension(event, 'traceparent'), extension(event, 'tracestate')]
  if (traceparent === undefined) return {}
  return { traceparent, ...(tracestate === undefined ? {} : { tracestate }) }
}

/**
 * Returns `child` as it goes back to match: it names its cause, is no call of its own, and has an identity that is
 * the same when the delivery runs again, so that a repeated delivery does not repeat its children.
 */
export function asChild(child: CloudEvent, parent: CloudEvent, delivery: string, index: number): CloudEvent {
  // A copy of a dead letter goes under the event's own id, and what comes of it is not a repeat of the event.
  const { id: own } = fromDeadLetter(parent)
  const named = child.id !== '' && !(child.id === own && child.source === parent.source)
  const replay = extension(parent, REPLAY)
  // What the function named so when the event ran first is held: it would be taken for a repeat.
  const again = replay === undefined || child.id.endsWith(`/replay/${replay}`) ? '' : `/replay/${replay}`
  const id = named ? child.id + again : `${parent.id}/${delivery}/${index}`
  const extensions: Record<string, ExtensionValue> = { ...child.extensions }
  for (const name of CALL_NAMES) if (name in extensions) delete extensions[name]
  if (extensions['traceparent'] === undefined) Object.assign(extensions, traceOf(parent))
  if (replay !== undefined) extensions[REPLAY] = replay
  extensions[HOPS] = hops(parent) + 1
  extensions['causationid'] = own
  extensions['correlationid'] = extension(parent, 'correlationid') ?? own
  return { ...child, id, extensions }
}

const CALL_NAMES = Object.values(CALL_EXTENSIONS)
