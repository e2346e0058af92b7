/** Dead letters as new events: sent to another target of their route, or with other data. */

import {
  CALL_EXTENSIONS,
  type CloudEvent,
  fromRefused,
  isJsonType,
  toRefused,
  uuidv7,
  withData,
  withExtensions,
} from '../event/index.ts'
import type { DeadLetter, DeadLetterFilter, Journal } from '../journal/journal.ts'
import { OFFERS } from '../router/route.ts'
import { newest, readVersioned, versioned } from '../schema/index.ts'
import { gently } from './groups.ts'
import type { AdminParts } from './parts.ts'
import { Problem } from './problem.ts'

type Parts = Pick<AdminParts, 'targets' | 'versions'> & {
  readonly journal: Pick<Journal, 'append' | 'deadLetters' | 'drop' | 'redrive'>
}

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
  return moveAll(await byTarget(filter, ({ route }) => requireTarget(route, to, parts), parts), parts)
}

/** Resolves to the ids of dead letters by the target that they are to have; of those that stay, by undefined. */
async function byTarget(
  filter: DeadLetterFilter,
  target: (letter: DeadLetter) => string | undefined,
  { journal }: Pick<Parts, 'journal'>,
): Promise<ReadonlyMap<string | undefined, readonly string[]>> {
  const found = new Map<string | undefined, string[]>()
  for await (const letter of gently(journal.deadLetters(filter))) {
    const to = target(letter)
    const ids = found.get(to) ?? []
    found.set(to, ids)
    ids.push(letter.id)
  }
  return found
}

async function moveAll(
  letters: ReadonlyMap<string | undefined, readonly string[]>,
  parts: Parts,
): Promise<readonly Resent[]> {
  const moved: Resent[] = []
  for (const [to, ids] of letters) if (to !== undefined) moved.push(...(await move(ids, to, parts)))
  return moved
}

async function move(ids: readonly string[], to: string, parts: Parts): Promise<readonly Resent[]> {
  const moved: Resent[] = []
  for (let at = 0; at < ids.length; at += BATCH) {
    const batch = ids.slice(at, at + BATCH)
    const sending: Promise<Resent>[] = []
    for await (const letter of parts.journal.deadLetters({ ids: batch }))
      sending.push(send(letter, asNew(letter, `redrive/${letter.id}`), to, parts))
    moved.push(...(await Promise.all(sending)))
    await parts.journal.drop({ ids: batch })
  }
  return moved
}

/**
 * Makes dead letters due again: those of versions that are not the newest of their route any more are moved to that one.
 * Resolves to those, and to how many stay where they were. Which is which is known before anything moves: a crash in
 * between repeats nothing, and what has moved and dies again at once is not taken for another one.
 */
export async function redriveToNewest(
  filter: DeadLetterFilter,
  parts: Parts,
): Promise<{ readonly moved: readonly Resent[]; readonly stayed: number }> {
  const newer = ({ route, to }: DeadLetter) => {
    const newest = newestOf(route, to, parts)
    return newest === to ? undefined : newest
  }
  const letters = await byTarget(filter, newer, parts)
  const ids = letters.get(undefined)
  const nothingMoves = letters.size === (ids ? 1 : 0)
  if (nothingMoves) return { moved: [], stayed: await parts.journal.redrive(filter) }
  const stayed = ids ? await parts.journal.redrive({ ...filter, ids }) : 0
  return { moved: await moveAll(letters, parts), stayed }
}

/** The newest version, among the targets of a route, of the function that a target is; else the target itself. */
function newestOf(route: string, to: string, { targets }: Pick<Parts, 'targets'>): string {
  const own = targets(route) ?? []
  const { name, version } = readVersioned(to)
  // A topic is no function, whatever signs are in it; nor is what the route names without a version a version of another.
  if (to.includes(':') || (version === undefined && own.includes(to))) return to
  const found = newest(own.map(readVersioned).filter((one) => one.name === name))
  return found ? versioned(found) : to
}

/** Sends a dead letter with other data, to its target or another one of its route. The letter stays as it is. */
export async function resend(
  letter: DeadLetter,
  data: Uint8Array,
  { contentType, to }: { readonly contentType?: string; readonly to?: string },
  parts: Parts,
): Promise<Resent> {
  const target = requireTarget(letter.route, to ?? newestOf(letter.route, letter.to, parts), parts)
  const datacontenttype = contentType ?? letter.event.datacontenttype
  if (isJsonType(datacontenttype ?? 'application/json')) requireJson(data)
  const event = withData(asNew(letter, `resend/${uuidv7()}`), data)
  return send(letter, datacontenttype === undefined ? event : { ...event, datacontenttype }, target, parts)
}

/** No call any more: its caller has had an answer. What was offered by a source is an event of the path again. */
function asNew({ event: died, route }: DeadLetter, how: string): CloudEvent {
  const event = isOffer(route) ? fromRefused(died) : died
  const call = Object.fromEntries(Object.values(CALL_EXTENSIONS).map((name) => [name, undefined]))
  const correlationid = event.extensions?.['correlationid'] ?? died.id
  const id = `${event.id}/${how}`
  return withExtensions({ ...event, id }, { ...call, causationid: died.id, correlationid })
}

/** An offer is offered by its lane, and is not the event that comes of it. */
async function send(
  { id, origin, route }: DeadLetter,
  event: CloudEvent,
  to: string,
  { journal }: Parts,
): Promise<Resent> {
  const entry = isOffer(route)
    ? { event: toRefused(event), routes: [OFFERS] }
    : { event, routes: [{ route, to, answers: true }] }
  const { callId } = await journal.append({ ...entry, origin, callId: uuidv7() })
  return { id, callId, eventId: event.id }
}

const isOffer = (route: string): boolean => route === OFFERS.route

/** Returns the target that is meant: a function without a version is its newest. Throws when there is none. */
function requireTarget(route: string, asked: string, parts: Parts): string {
  const own = isOffer(route) ? [OFFERS.to] : parts.targets(route)
  const to = own?.includes(asked) || asked.includes('@') ? asked : newestOf(route, asked, parts)
  const known = own && [...own, ...parts.versions(route)]
  if (known?.includes(to)) return to
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
