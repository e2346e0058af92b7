/** What the journal counts, and the table of lanes: kept with every transaction, so that a start reads no events. */

import { randomInt } from 'node:crypto'
import { GatewayError } from '../errors.ts'
import type { Lane } from './journal.ts'
import { TABLE } from './keys.ts'
import { openJson, sealJson } from './record.ts'
import type { JournalOptions } from './settings.ts'
import type { Change, Store } from './store.ts'

/** Raised when an older version could not read what this one writes. 2: the states of blocks may hold figures of attempts. */
export const FORMAT = 2

/** Sums over the whole journal. */
export interface Sums {
  readonly format: number
  readonly seed: number
  /** Number of the next event. */
  next: number
  events: number
  pending: number
  dead: number
  /** Bytes of the stored events, of the states of their deliveries, and of what was recorded of these. */
  bytes: number
  /** Of them, those of recordings; absent from what older versions wrote, which did not count them. */
  recordings?: number
  /** Bytes of the file when this was written: it never shrinks, so a shorter one has been cut. */
  file: number
  /** The last time that was told before this was written; absent from what older versions wrote. */
  time?: number
}

export interface StoredLane extends Lane {
  readonly id: number
  readonly pending: number
}

const META = Buffer.from([TABLE.meta])

function laneKey(id: number): Buffer {
  const key = Buffer.from([TABLE.meta, 0, 0])
  key.writeUInt16BE(id, 1)
  return key
}

const refuse = (code: 'JOURNAL_CORRUPT' | 'JOURNAL_NEWER', path: string, what: string): GatewayError =>
  new GatewayError(code, `journal (lmdb): opening "${path}": ${what}`)

const NOTHING = { format: FORMAT, next: 0, events: 0, pending: 0, dead: 0, bytes: 0, recordings: 0, file: 0 }

/** Reads the sums, or begins them. Throws `JOURNAL_NEWER` or `JOURNAL_CORRUPT`. */
export function readSums(store: Store): Sums {
  const stored = store.get(META)
  if (stored === undefined) return { ...NOTHING, seed: randomInt(2 ** 32) }
  const sums = openJson<Sums>(stored)
  if (sums === undefined)
    throw refuse('JOURNAL_CORRUPT', store.path, 'the record of totals is damaged; restore the folder from a copy')
  if (sums.format > FORMAT)
    throw refuse(
      'JOURNAL_NEWER',
      store.path,
      `it has format ${sums.format}, this version knows ${FORMAT}; start the version that wrote it`,
    )
  if (store.bytesAtOpen < sums.file)
    throw refuse(
      'JOURNAL_CORRUPT',
      store.path,
      `data.mdb has ${store.bytesAtOpen} bytes and had ${sums.file}: it has been cut short; restore the folder from a copy`,
    )
  return sums
}

/** The clock of a journal, that keeps in its sums what time it is. */
export function keepTime(sums: Sums, { now = Date.now, notBefore }: JournalOptions): () => number {
  if (sums.time !== undefined) notBefore?.(sums.time)
  return () => {
    const time = now()
    sums.time = time
    return time
  }
}

/** Reads the lanes in the order of their ids. Throws `JOURNAL_CORRUPT`. */
export function readLanes(store: Store): StoredLane[] {
  const lanes: StoredLane[] = []
  for (const { key, value } of store.range(laneKey(0), laneKey(0xffff))) {
    const lane = openJson<StoredLane>(value)
    if (lane === undefined || lane.id !== key.readUInt16BE(1) || lane.id !== lanes.length)
      throw refuse('JOURNAL_CORRUPT', store.path, `lane ${lanes.length} of the table of lanes is damaged`)
    lanes.push(lane)
  }
  return lanes
}

export const writeSums = (sums: Sums): Change => [META, sealJson(sums)]
export const writeLane = ({ id, route, to, pending }: StoredLane): Change => [
  laneKey(id),
  sealJson({ id, route, to, pending }),
]
