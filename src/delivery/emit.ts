/** The way in of one source: the place within it becomes the origin; what was no CloudEvent gets its attributes. */

import type { Emit } from '../connector/connector.ts'
import type { CloudEvent, Origin } from '../event/index.ts'
import type { Accept } from './accept.ts'

/** Gives an event that a source made of a message the attributes that the operator wants. */
export type Name = (event: CloudEvent, origin: Origin) => CloudEvent

/** What a source of this name is lent; resolves and rejects as `accept` does. */
export const createEmit =
  (accept: Accept, source: string, name?: Name): Emit =>
  (event, offer) => {
    const origin = { source, address: offer?.address ?? '' }
    return accept(name && offer?.made ? name(event, origin) : event, origin, offer)
  }
