/** The chain that an event is part of: what it came of, what came of it, and where each of them stands. */

import { type CloudEvent, extension } from '../event/index.ts'
import type { EventRecord, Journal } from '../journal/journal.ts'
import type { AdminParts } from './parts.ts'

type Parts = Pick<AdminParts, 'refusals'> & { readonly journal: Pick<Journal, 'chain' | 'find'> }

/** Events of a chain that are told of. */
const MOST = 200
/** Causes above an event that are looked for: no chain is longer. */
const HIGHEST = 32

export interface Link {
  readonly id: string
  readonly type: string
  /** The id of the event that it came of. */
  readonly cause?: string
  /** Absent when it was not accepted. */
  readonly callId?: string
  readonly at: string
  /** `none`: no delivery of it is left. */
  readonly state: 'done' | 'waits' | 'dead' | 'none' | 'unmatched' | 'refused' | 'failed'
  readonly deliveries: readonly string[]
}

/** Resolves to the links in the order of their times, the event itself among them. */
export async function chainOf(record: EventRecord, { journal, refusals }: Parts): Promise<readonly Link[]> {
  const name = extension(record.event, 'correlationid') ?? record.event.id
  const held = new Map([[record.callId, record]])
  const add = (found: EventRecord | undefined): void => void (found && held.set(found.callId, found))
  for (const each of await journal.chain(name, MOST)) add(each)
  for (const each of await above(record, journal)) add(each)
  add(await journal.find({ eventId: name }))
  for (const { id, status } of record.deliveries)
    if (status === 'dead' && record.origin.source !== 'dead_letter')
      add(await journal.find({ eventId: `${record.event.id}/${id}/dead` }))
  const lost = refusals.find().flatMap(({ at, event, kind }) => {
    if (event === undefined || causeOf(event) === undefined || extension(event, 'correlationid') !== name) return []
    return [{ ...nameOf(event), at, state: kind, deliveries: [] }]
  })
  return [...Array.from(held.values(), linkOf), ...lost]
    .sort((a, b) => a.at - b.at)
    .map(({ at, ...link }) => ({ ...link, at: new Date(at).toISOString() }))
}

/** The causes of an event, one above the other, as far as they are held. */
async function above(record: EventRecord, journal: Parts['journal']): Promise<readonly EventRecord[]> {
  const found: EventRecord[] = []
  let cause = causeOf(record.event)
  while (cause !== undefined && found.length < HIGHEST) {
    const next = await journal.find({ eventId: cause })
    if (next === undefined || next.callId === record.callId || found.some(({ callId }) => callId === next.callId)) break
    found.push(next)
    cause = causeOf(next.event)
  }
  return found
}

/** Of the copy of a dead letter it is the event that died. */
const causeOf = (event: CloudEvent): string | undefined =>
  extension(event, 'deadletterid') ?? extension(event, 'causationid')

const nameOf = (event: CloudEvent) => {
  const cause = causeOf(event)
  return { id: event.id, type: event.type, ...(cause === undefined ? {} : { cause }) }
}

const linkOf = ({ acceptedAt, callId, deliveries, event }: EventRecord) => ({
  ...nameOf(event),
  callId,
  at: acceptedAt,
  state: stateOf(deliveries),
  deliveries: deliveries.map(({ route, to }) => `${route} -> ${to}`),
})

function stateOf(deliveries: EventRecord['deliveries']): Link['state'] {
  const some = (wanted: string): boolean => deliveries.some(({ status }) => status === wanted)
  if (some('dead')) return 'dead'
  if (some('due')) return 'waits'
  return deliveries.length === 0 ? 'none' : 'done'
}
