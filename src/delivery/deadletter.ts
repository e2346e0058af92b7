/** The copy of a dead letter that a route sends to its `dead_letter` target: the whole event, and why it is there. */

import { type CloudEvent, extension, withExtensions } from '../event/index.ts'
import type { Delivery, Failure } from '../journal/journal.ts'

/** The journal tells the copy from the event by its id; the target sees the event's own. */
const MARK = 'deadletterid'

/** Holds how many bytes of data are not in the copy. */
export const LEFT_OUT = 'deadletterbytes'

/** Whether a copy has none of the data that the event had. */
export const isCurtailed = (copy: CloudEvent): boolean => extension(copy, LEFT_OUT) !== undefined

/** The `to` of the lane that carries copies to a target. */
export const deadLetterLane = (target: string): string => `dead_letter: ${target}`

/** Returns the copy as it is appended to the journal. */
export function toDeadLetter(delivery: Delivery, error: Failure, firstAt: number, now: number): CloudEvent {
  const { event, route, to, attempt } = delivery
  const copy = withExtensions(event, {
    deadletterroute: route,
    deadletterattempts: attempt,
    deadlettercode: error.detailCode ?? error.code,
    deadletterreason: error.message.slice(0, 1024),
    deadletterfirsttime: new Date(firstAt).toISOString(),
    deadletterlasttime: new Date(now).toISOString(),
    deadletterfunction: to,
    [MARK]: event.id,
    callid: undefined,
    replyto: undefined,
    replyform: undefined,
    correlationdata: undefined,
    deadline: undefined,
  })
  return { ...copy, id: `${event.id}/${delivery.id}/dead` }
}

/** Returns the copy as its target sees it: under the event's own id. */
export function fromDeadLetter(copy: CloudEvent): CloudEvent {
  const id = extension(copy, MARK)
  return id === undefined ? copy : withExtensions({ ...copy, id }, { [MARK]: undefined })
}
