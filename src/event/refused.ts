/** What is kept of an offer that the path refused for good: its event, under an id of its own. */

import { type CloudEvent, extension, withExtensions } from './event.ts'

/** Holds the event's own id. */
const MARK = 'refusedid'
/** Holds how many bytes of data are not in it. */
const LEFT_OUT = 'refusedbytes'

/** The id under which an offer of an event is kept that the path refused for good. */
export const refusedId = (id: string): string => `${id}/refused`

/** Returns an offer as it is kept: offered again under the event's own id, it is no duplicate of that. */
export const toRefused = (event: CloudEvent): CloudEvent =>
  withExtensions({ ...event, id: refusedId(event.id) }, { [MARK]: event.id })

/** Returns what was kept of an offer as it is offered again; any other event as it is. */
export function fromRefused(kept: CloudEvent): CloudEvent {
  const id = extension(kept, MARK)
  return id === undefined ? kept : withExtensions({ ...kept, id }, { [MARK]: undefined })
}

/** Whether it is what was kept of an offer, which never was an event of the path. */
export const isRefusedOffer = (event: CloudEvent): boolean => extension(event, MARK) !== undefined

/** Returns an event that is too large to be kept as what is kept in its place: `note` says how much data it had. */
export function withoutData(event: CloudEvent, note = LEFT_OUT): CloudEvent {
  const { data, ...attributes } = event
  return withExtensions(attributes, { [note]: data?.length ?? 0 })
}

/** As `withoutData`, and without the attributes that an event may be without. */
export const bare = ({ data, id, source, specversion, type }: CloudEvent, note = LEFT_OUT): CloudEvent =>
  withoutData({ id, source, specversion, type, ...(data && { data }) }, note)

/** How many bytes of its data are not in what was kept; undefined when it is whole. */
export const bytesLeftOut = (kept: CloudEvent): string | undefined => extension(kept, LEFT_OUT)

/** Returns an event with these data, which leave nothing out. */
export const withData = (event: CloudEvent, data: Uint8Array): CloudEvent =>
  bytesLeftOut(event) === undefined ? { ...event, data } : withExtensions({ ...event, data }, { [LEFT_OUT]: undefined })
