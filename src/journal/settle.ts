/** What settling a delivery changes on disk, and what is kept of its errors and of its answer. */

import { type Block, STATUS } from './block.ts'
import type { LaneFeed } from './feed.ts'
import type { Answer, Failure, Outcome } from './journal.ts'
import { deadKey, dueKey, dueKeyedKey, slotKey, TABLE } from './keys.ts'
import type { Item } from './lane.ts'
import { CHECKSUM, openBytes, openJson, seal, sealJson } from './record.ts'
import type { Recordings } from './recordings.ts'
import type { Change, Store } from './store.ts'
import { type StoredTry, withTry } from './tries.ts'

/** The errors of a delivery, as they are stored. */
export interface Failures {
  readonly error: Failure
  readonly firstAt: number
  readonly lastAt: number
  /** When it is, or was, to be tried again. */
  readonly due?: number
  /** The target that made the delivery after all. */
  readonly fallback?: string
  /** There was no room for what was recorded of the last attempt. */
  readonly unrecorded?: boolean
  /** The attempts that failed, oldest first. */
  readonly tries?: readonly StoredTry[]
}

/** The index of dead letters holds what filters ask for. */
export interface DeadEntry {
  readonly lane: number
  readonly code: string
}

/** How a lease ends: `later` is no outcome, the delivery waits for its time as it was. */
export type Ending = Outcome | { readonly status: 'later'; readonly at: number }

/** Enters the outcome into the block's state, and returns what else is to be written. */
export function settleChanges(
  { recordings, store }: { readonly recordings: Recordings; readonly store: Store },
  block: Block,
  item: Item,
  feed: LaneFeed,
  outcome: Ending,
  now: number,
): Change[] {
  const { slot } = item
  if (outcome.status === 'later') return postponed(block, item, feed, outcome.at)
  const attempts = block.attempts(slot) + 1
  const changes: Change[] = []
  if (item.indexed) changes.push([indexKey(feed.id, item), undefined])
  const recording = outcome.status === 'retry' ? undefined : outcome.recording
  const unrecorded = recording !== undefined && !recordings.keep(block.id, slot, recording, changes)
  if (outcome.status === 'done') {
    block.set(slot, STATUS.done, attempts, now)
    if (outcome.answer && isNothing(outcome.answer)) block.answerNothing(slot)
    else if (outcome.answer) changes.push([slotKey(TABLE.answers, block.id, slot), encodeAnswer(outcome.answer)])
    if (outcome.fallback === undefined) return changes
  }
  const key = slotKey(TABLE.failures, block.id, slot)
  const before = readFailures(store, key)
  const firstAt = (attempts > 1 ? before?.firstAt : undefined) ?? now
  if (outcome.status === 'done') {
    const tries = before?.tries ? { tries: before.tries } : {}
    changes.push([key, sealJson({ ...outcome.fallback, firstAt, lastAt: now, ...tries })])
    return changes
  }
  const tries = withTry(before?.tries, attempts, now, outcome)
  const failures: Failures = { error: outcome.error, firstAt, lastAt: now, ...(tries ? { tries } : {}) }
  if (outcome.status === 'dead') {
    block.set(slot, STATUS.dead, attempts, now)
    const entry: DeadEntry = { lane: feed.id, code: outcome.error.code }
    const kept = unrecorded ? { ...failures, unrecorded } : failures
    changes.push([key, sealJson(kept)], [deadKey(now, block.id, slot), sealJson(entry)])
    return changes
  }
  block.set(slot, STATUS.delayed, attempts, now)
  changes.push([key, sealJson({ ...failures, due: outcome.at })], indexChange(feed.id, { ...item, due: outcome.at }))
  return changes
}

function postponed(block: Block, item: Item, feed: LaneFeed, at: number): Change[] {
  const { slot } = item
  block.set(slot, STATUS.delayed, block.attempts(slot), block.settledAt(slot))
  const entered = indexChange(feed.id, { ...item, due: at })
  return item.indexed ? [[indexKey(feed.id, item), undefined], entered] : [entered]
}

const indexKey = (lane: number, { key, due, block, slot }: Pick<Item, 'key' | 'due' | 'block' | 'slot'>): Buffer =>
  key === undefined ? dueKey(lane, due, block, slot) : dueKeyedKey(lane, block, slot)

/** The value of an index entry: LMDB wants one, the key says it all. */
const DUE = Buffer.from([1])

/** Enters a delivery into the index of times. */
export const indexChange = (lane: number, item: Pick<Item, 'key' | 'due' | 'block' | 'slot'>): Change => [
  indexKey(lane, item),
  item.key === undefined ? DUE : sealJson([item.due, item.key]),
]

export function readFailures(store: Store, key: Buffer): Failures | undefined {
  const stored = store.get(key)
  return stored === undefined ? undefined : openJson<Failures>(stored)
}

const isNothing = ({ data, datacontenttype, status }: Answer): boolean =>
  data === undefined && datacontenttype === undefined && status === undefined

/** status (2, 0 is none), has data (1), bytes of the content type (1, 255 is none), content type, data. */
function encodeAnswer({ data, datacontenttype, status }: Answer): Buffer {
  const type = Buffer.from(datacontenttype ?? '').subarray(0, 254)
  const bytes = Buffer.allocUnsafe(CHECKSUM + 4 + type.length + (data?.length ?? 0))
  bytes.writeUInt16LE(status ?? 0, CHECKSUM)
  bytes[CHECKSUM + 2] = data === undefined ? 0 : 1
  bytes[CHECKSUM + 3] = datacontenttype === undefined ? 255 : type.length
  bytes.set(type, CHECKSUM + 4)
  if (data) bytes.set(data, CHECKSUM + 4 + type.length)
  return seal(bytes)
}

/** Reads the answer of a delivery; undefined when there is none, or its bytes are damaged. */
export function readAnswer(store: Store, block: Block, slot: number): Answer | undefined {
  if (block.answersNothing(slot)) return {}
  const stored = store.get(slotKey(TABLE.answers, block.id, slot))
  const body = stored === undefined ? undefined : openBytes(stored)
  if (body === undefined) return undefined
  const typeBytes = body[3] === 255 ? 0 : (body[3] ?? 0)
  const status = body.readUInt16LE(0)
  return {
    ...(body[2] === 1 ? { data: new Uint8Array(body.subarray(4 + typeBytes)) } : {}),
    ...(body[3] === 255 ? {} : { datacontenttype: body.toString('utf8', 4, 4 + typeBytes) }),
    ...(status === 0 ? {} : { status }),
  }
}
