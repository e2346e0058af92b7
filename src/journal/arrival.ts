/** An append on its way to disk, and where it came to lie. */

import { GatewayError } from '../errors.ts'
import type { Block } from './block.ts'
import type { LaneFeed } from './feed.ts'
import type { Appended, Entry } from './journal.ts'
import type { Taken } from './once.ts'
import type { RecordDraft } from './record.ts'

/** An append that is not on disk yet. */
export interface Arrival {
  readonly number: number
  readonly entry: Entry
  readonly acceptedAt: number
  readonly feeds: readonly LaneFeed[]
  readonly draft: RecordDraft
  /** Absent when no route takes names. */
  readonly once?: Taken | undefined
  /** Hashes of its names. */
  readonly names: readonly number[]
  readonly promise: Promise<Appended>
  readonly resolve: (appended: Appended) => void
  readonly reject: (error: GatewayError) => void
}

/** Where an arrival came to lie. */
export interface Placed {
  readonly arrival: Arrival
  readonly block: Block
  readonly firstSlot: number
}

/** What an append resolves to once it is on disk. */
export function appendedOf({ entry: { callId, routes }, once }: Arrival): Appended {
  if (once?.repeated.includes(true) !== true) return { callId, duplicate: false }
  const repeated = routes.filter((_, index) => once.repeated[index]).map(({ route }) => route)
  return { callId, duplicate: false, repeated: [...new Set(repeated)] }
}

/** What an append took that is not held after all is free again. */
export function letGo({ entry, feeds, once }: Pick<Arrival, 'entry' | 'feeds' | 'once'>): void {
  once?.refused()
  for (const [index, { debounce }] of entry.routes.entries())
    if (debounce?.first !== undefined) feeds[index]?.chains?.refused(debounce.name)
}

/** Written out: spreading two objects for each event costs more than making one. */
export function newArrival(known: Omit<Arrival, 'promise' | 'resolve' | 'reject'>): Arrival {
  const { number, entry, acceptedAt, feeds, draft, once, names } = known
  const { promise, resolve, reject } = Promise.withResolvers<Appended>()
  return { number, entry, acceptedAt, feeds, draft, once, names, promise, resolve, reject }
}

/** Of one event, whatever the journal may hold: a value of LMDB ends at 4 GiB, and others lie in it beside the event. */
export const LARGEST = 2 ** 31

/** What is set aside for `reserved` entries, beyond the bytes that others may take: one part in so many. */
const RESERVE = 16

/** How many bytes the journal may hold once an entry is in it. */
export const limitFor = ({ reserved }: Entry, maxBytes: number): number =>
  reserved === true ? maxBytes + maxBytes / RESERVE : maxBytes

/** For now. */
export const full = (kind: 'lmdb' | 'memory' = 'lmdb'): GatewayError =>
  new GatewayError(
    'JOURNAL_FULL',
    `journal (${kind}): appending an event: no room; free space, or raise journal.max_size`,
    { retryAfterMs: 1_000 },
  )

/** Why an event is not held: for now, or for good when a journal with nothing in it would not hold it either. */
export function noRoom(kind: 'lmdb' | 'memory', bytes: number, maxBytes: number): GatewayError {
  const most = Math.min(maxBytes, LARGEST)
  if (bytes <= most) return full(kind)
  const what = `it takes ${bytes} bytes, and the journal holds ${most} at most; raise journal.max_size, or send less`
  return new GatewayError('EVENT_TOO_LARGE', `journal (${kind}): appending an event: ${what}`)
}
