/** A delivery as it is handed out. */

import type { CloudEvent, EventDraft, Origin } from '../event/index.ts'
import type { Delivery, Lane } from './journal.ts'

/** What is known of the event of a delivery. */
export interface Accepted {
  readonly event: CloudEvent
  readonly origin: Origin
  readonly callId: string
  readonly acceptedAt: number
  readonly draft?: EventDraft
}

export class HandedOut implements Delivery {
  readonly id: string
  readonly route: string
  readonly to: string
  readonly event: CloudEvent
  readonly origin: Origin
  readonly callId: string
  readonly key?: string
  readonly answers: boolean
  readonly attempt: number
  readonly acceptedAt: number
  readonly draft?: EventDraft

  constructor(
    { id, key }: { readonly id: string; readonly key: string | undefined },
    { route, to }: Lane,
    { event, origin, callId, acceptedAt, draft }: Accepted,
    answers: boolean,
    attempt: number,
  ) {
    this.id = id
    this.route = route
    this.to = to
    this.event = event
    this.origin = origin
    this.callId = callId
    if (key !== undefined) this.key = key
    this.answers = answers
    this.attempt = attempt
    this.acceptedAt = acceptedAt
    if (draft !== undefined) this.draft = draft
  }
}
