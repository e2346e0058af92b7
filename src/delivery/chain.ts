/** Events that come of events: what a function emitted, and what a delivery published on a topic that routes take. */

import { CALL_EXTENSIONS, type CloudEvent, extension, withExtensions } from '../event/index.ts'

/** Times an event may go from one delivery to the next before it is taken for a loop. */
export const MAX_HOPS = 16

/** Counts the deliveries that led to this event. */
const HOPS = 'hops'

/** How many deliveries led to this event: 0 for one from outside. */
export const hops = (event: CloudEvent): number => Number(extension(event, HOPS) ?? 0) || 0

/**
 * Returns `child` as it goes back to match: it names its cause, is no call of its own, and has an identity that is
 * the same when the delivery runs again, so that a repeated delivery does not repeat its children.
 */
export function asChild(child: CloudEvent, parent: CloudEvent, delivery: string, index: number): CloudEvent {
  const named = child.id !== '' && !(child.id === parent.id && child.source === parent.source)
  const id = named ? child.id : `${parent.id}/${delivery}/${index}`
  const trace = extension(parent, 'traceparent')
  return withExtensions(
    { ...child, id },
    {
      ...Object.fromEntries(Object.values(CALL_EXTENSIONS).map((name) => [name, undefined])),
      ...(trace !== undefined && extension(child, 'traceparent') === undefined ? { traceparent: trace } : {}),
      [HOPS]: hops(parent) + 1,
      causationid: parent.id,
      correlationid: extension(parent, 'correlationid') ?? parent.id,
    },
  )
}
