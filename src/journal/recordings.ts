/** What was recorded of deliveries: kept while there is room, counted, and let go before an event is. */

import type { Block } from './block.ts'
import { slotKey, TABLE, tableEnd, tableStart } from './keys.ts'
import { CHECKSUM, openBytes, sealBytes } from './record.ts'
import type { Change, Store } from './store.ts'
import type { Sums } from './totals.ts'

/** Of what a journal may hold recordings take no more than a quarter: the rest is for events. */
const SHARE = 4

/** Appends that are on their way to the disk. */
interface Unwritten {
  readonly bytes: number
}

/** Whether there is room for so many bytes more of recordings. */
export const hasRoom = (bytes: number, held: { readonly all: number; readonly recorded: number }, maxBytes: number) =>
  held.recorded + bytes <= maxBytes / SHARE && held.all + bytes <= maxBytes

export class Recordings {
  readonly #store: Store
  readonly #sums: Sums
  readonly #intake: Unwritten
  readonly #maxBytes: number
  #bytes: number

  constructor(store: Store, sums: Sums, intake: Unwritten, maxBytes: number) {
    this.#store = store
    this.#sums = sums
    this.#intake = intake
    this.#maxBytes = maxBytes
    this.#bytes = sums.recordings ?? 0
    if (sums.recordings === undefined) this.#count(storedBytes(store))
  }

  /** Adds to `changes` what keeps a recording. False when there is no room for it. */
  keep(block: number, slot: number, recording: Uint8Array, changes: Change[]): boolean {
    const bytes = CHECKSUM + recording.length
    const held = { all: this.#sums.bytes + this.#intake.bytes, recorded: this.#bytes }
    if (!hasRoom(bytes, held, this.#maxBytes)) return false
    changes.push([slotKey(TABLE.recordings, block, slot), sealBytes(recording)])
    this.#count(bytes)
    return true
  }

  /** What was recorded of a delivery; undefined also when its bytes are damaged. */
  read(block: number, slot: number): Uint8Array | undefined {
    const stored = this.#store.get(slotKey(TABLE.recordings, block, slot))
    const body = stored && openBytes(stored)
    return body && new Uint8Array(body)
  }

  /** Adds to `changes` what removes the recording of a delivery, if there is one. */
  drop(block: number, slot: number, changes: Change[]): void {
    const key = slotKey(TABLE.recordings, block, slot)
    const stored = this.#store.get(key)
    if (stored === undefined) return
    changes.push([key, undefined])
    this.#count(-stored.length)
  }

  /** As `drop`, of all deliveries of a block. */
  dropAll({ id, slots }: Pick<Block, 'id' | 'slots'>, changes: Change[]): void {
    const range = this.#store.range(slotKey(TABLE.recordings, id, 0), slotKey(TABLE.recordings, id, slots))
    for (const { key, value } of range) {
      changes.push([Buffer.from(key), undefined])
      this.#count(-value.length)
    }
  }

  #count(bytes: number): void {
    this.#bytes += bytes
    this.#sums.bytes += bytes
    this.#sums.recordings = this.#bytes
  }
}

/** Bytes of all recordings on disk. */
export function storedBytes(store: Store): number {
  let bytes = 0
  for (const { value } of store.range(tableStart(TABLE.recordings), tableEnd(TABLE.recordings))) bytes += value.length
  return bytes
}
