/** Blocks by number: the states that are in memory, and the events read back from disk. */

import { Block } from './block.ts'
import type { Span } from './journal.ts'
import { numberKey, TABLE, tableEnd, tableStart } from './keys.ts'
import { acceptedAt, decodeRecord, isExpired, type RouteEntry, recordEnd, type StoredEvent } from './record.ts'
import type { Change, Store } from './store.ts'

/** An event found by its number. */
export interface Located {
  readonly block: Block
  readonly offset: number
  readonly record: StoredEvent
}

export class Blocks {
  readonly #store: Store
  readonly #damaged: (place: string) => void
  /** Blocks of which a delivery is in memory, or whose state is not on disk yet. */
  readonly #held = new Map<number, Block>()
  readonly #rewritten = new Map<number, Buffer>()
  /** The events read last: what is read back lies together. */
  #last: { readonly id: number; readonly bytes: Buffer } | undefined

  constructor(store: Store, damaged: (place: string) => void) {
    this.#store = store
    this.#damaged = damaged
  }

  /** The state of a block; undefined, and reported, when it is damaged. `stored` saves the look-up in `open`. */
  get(id: number, stored?: Buffer): Block | undefined {
    const held = this.#held.get(id)
    if (held !== undefined) return held
    const open = stored ?? this.#store.get(numberKey(TABLE.open, id))
    const sealed = open ?? this.#store.get(numberKey(TABLE.closed, id))
    const block = sealed === undefined ? undefined : Block.read(id, sealed, open === undefined ? 'closed' : 'open')
    if (block === undefined) this.#damaged(`the state of block ${id}`)
    return block
  }

  /** When the oldest event with an unsettled delivery was accepted. */
  oldestPending(): number | undefined {
    for (const { key, value } of this.#store.range(tableStart(TABLE.open), tableEnd(TABLE.open), 1)) {
      const block = this.get(key.readDoubleBE(1), value)
      for (let slot = 0; block !== undefined && slot < block.slots; slot++)
        if (block.waits(slot)) return this.recordOf(block.id, block.offset(slot))?.acceptedAt
    }
    return undefined
  }

  /** Whether there is such a block. */
  has(id: number): boolean {
    return this.#store.has(numberKey(TABLE.events, id))
  }

  /** Keeps the state of a block in memory until `release`. */
  hold(id: number, fresh?: Block): void {
    const block = fresh ?? this.get(id)
    if (block === undefined) return
    this.#held.set(id, block)
    block.active++
  }

  release(id: number): void {
    const block = this.#held.get(id)
    if (block !== undefined && --block.active <= 0) this.#held.delete(id)
  }

  /** Reads a delivery's event; undefined, and reported, when it is damaged. */
  recordOf(id: number, offset: number): StoredEvent | undefined {
    const bytes = this.#events(id)
    const record = bytes === undefined ? undefined : decodeRecord(bytes, offset)
    if (record === undefined) this.#damaged(`an event in block ${id} at ${offset}`)
    return record
  }

  routeOf(block: Block, slot: number): RouteEntry | undefined {
    return this.recordOf(block.id, block.offset(slot))?.routes[block.index(slot)]
  }

  /** Finds an event by its number; undefined when it has expired or is damaged. */
  locate(event: number): Located | undefined {
    const [found] = this.#store.keys(numberKey(TABLE.events, event), tableStart(TABLE.events), 1, true)
    if (found === undefined) return undefined
    const id = Buffer.from(found).readDoubleBE(1)
    const bytes = this.#events(id)
    if (bytes === undefined) return undefined
    let offset = 0
    for (let number = id; number < event; number++) {
      const end = recordEnd(bytes, offset)
      if (end === undefined || end >= bytes.length) return undefined
      offset = end
    }
    const record = decodeRecord(bytes, offset)
    const block = record === undefined ? undefined : this.get(id)
    return record && block && { block, offset, record }
  }

  /** Yields the events of a block that have not expired; damage is reported. What is outside of the span costs nothing. */
  *records(id: number, bytes: Buffer, { from = 0, to = Number.POSITIVE_INFINITY }: Span): Generator<StoredEvent> {
    for (let offset = 0; offset < bytes.length; ) {
      const end = recordEnd(bytes, offset)
      if (end === undefined) return this.#damaged(`an event in block ${id} at ${offset}`)
      const at = acceptedAt(bytes, offset)
      if (at >= from && at < to && !isExpired(bytes, offset)) {
        const record = decodeRecord(bytes, offset)
        if (record) yield record
        else this.#damaged(`an event in block ${id} at ${offset}`)
      }
      offset = end
    }
  }

  /** Calls back for each event of a block that has not expired, with its number; damage is reported. */
  eachRecord(id: number, bytes: Buffer, use: (record: StoredEvent, number: number) => void): void {
    let offset = 0
    for (let number = id; offset < bytes.length; number++) {
      const end = recordEnd(bytes, offset)
      const record = end === undefined ? undefined : decodeRecord(bytes, offset)
      if (record) use(record, number)
      else if (!isExpired(bytes, offset)) this.#damaged(`an event in block ${id} at ${offset}`)
      if (end === undefined) return
      offset = end
    }
  }

  /** The events of a block are about to change on disk: until `landed`, and in memory at once. */
  rewrite(id: number, bytes: Buffer): void {
    this.#rewritten.set(id, bytes)
    this.outdated(id)
  }

  landed(id: number): void {
    this.#rewritten.delete(id)
  }

  /** The events of a block have gone. */
  outdated(id: number): void {
    if (this.#last?.id === id) this.#last = undefined
  }

  #events(id: number): Buffer | undefined {
    if (this.#last?.id === id) return this.#last.bytes
    const bytes = this.#rewritten.get(id) ?? this.#store.get(numberKey(TABLE.events, id))
    if (bytes !== undefined) this.#last = { id, bytes }
    return bytes
  }
}

/** Enters the state of a block into the table that it belongs to; returns what is stored. */
export function writeState(block: Block, changes: Change[]): Buffer {
  const state = block.encode()
  const table = block.unsettled > 0 ? 'open' : 'closed'
  if (block.stored !== 'none' && block.stored !== table)
    changes.push([numberKey(TABLE[block.stored], block.id), undefined])
  changes.push([numberKey(TABLE[table], block.id), state])
  block.stored = table
  return state
}
