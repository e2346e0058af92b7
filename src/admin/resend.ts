/** Dead letters as new events: sent to another target of their route, or with other data. */

import { CALL_EXTENSIONS, type CloudEvent, isJsonType, uuidv7, withExtensions } from '../event/index.ts'
import type { DeadLetter, DeadLetterFilter, Journal } from '../journal/journal.ts'
import { gently } from './groups.ts'
import type { AdminParts } from './parts.ts'
import { Problem } from './problem.ts'

type Parts = Pick<AdminParts, 'targets'> & { readonly journal: Pick<Journal, 'append' | 'deadLetters' | 'drop'> }

/** Letters that are in memory at once. */
const BATCH = 64

/** An event that was appended in the place of a dead letter. */
export interface Resent {
  /** The dead letter. */
  readonly id: string
  readonly callId: string
  readonly eventId: string
}

/**
 * Moves dead letters to another target of their route. Each is a new event, under an id that is the same whenever this
 * is asked for, and its letter is gone once that is on disk: a crash in between repeats nothing. Rejects with a Problem
 * before anything has moved when a route has no such target.
 */
export async function redriveTo(filter: DeadLetterFilter, to: string, parts: Parts): Promise<readonly Resent[]> {
  const ids: string[] = []
  for await (const { id, route } of gently(parts.journal.deadLetters(filter))) {
    requireTarget(route, to, parts)
    ids.push(id)
  }
  const moved: Resent[] = []
  for (let at = 0; at < ids.length; at += BATCH) {
    const batch = ids.slice(at, at + BATCH)
    const sending: Promise<Resent>[] = []
    for await (const letter of parts.journal.deadLetters({ ids: batch }))
      sending.push(send(letter, asNew(letter, `${letter.event.id}/redrive/${letter.id}`), to, parts))
    moved.push(...(await Promise.all(sending)))
    await parts.journal.drop({ ids: batch })
  }
  return moved
}

/** Sends a dead letter with other data, to its target or another one of its route. The letter stays as it is. */
export async function resend(
  letter: DeadLetter,
  data: Uint8Array,
  { contentType, to = letter.to }: { readonly contentType?: string; readonly to?: string },
  parts: Parts,
): Promise<Resent> {
  requireTarget(letter.route, to, parts)
  const datacontenttype = contentType ?? letter.event.datacontenttype
  if (isJsonType(datacontenttype ?? 'application/json')) requireJson(data)
  const event = { ...asNew(letter, `${letter.event.id}/resend/${uuidv7()}`), data }
  return send(letter, datacontenttype === undefined ? event : { ...event, datacontenttype }, to, parts)
}

/** No call any more: its caller has had an answer. */
function asNew({ event }: DeadLetter, id: string): CloudEvent {
  const call = Object.fromEntries(Object.values(CALL_EXTENSIONS).map((name) => [name, undefined]))
  const correlationid = event.extensions?.['correlationid'] ?? event.id
  return withExtensions({ ...event, id }, { ...call, causationid: event.id, correlationid })
}

async function send(
  { id, origin, route }: DeadLetter,
  event: CloudEvent,
  to: string,
  { journal }: Parts,
): Promise<Resent> {
  const entry = { event, origin, callId: uuidv7(), routes: [{ route, to, answers: true }] }
  const { callId } = await journal.append(entry)
  return { id, callId, eventId: event.id }
}

function requireTarget(route: string, to: string, { targets }: Pick<AdminParts, 'targets'>): void {
  const known = targets(route)
  if (known?.includes(to)) return
  const has = known === undefined ? 'there is no such route' : `it has ${known.map((each) => `"${each}"`).join(', ')}`
  throw new Problem(400, 'TARGET_UNKNOWN', `to: "${to}" is no target of the route "${route}": ${has}`)
}

function requireJson(data: Uint8Array): void {
  try {
    JSON.parse(Buffer.from(data).toString())
  } catch {
    throw new Problem(400, 'REQUEST_INVALID', 'data: not JSON, which is what the content type of the event says')
  }
}
