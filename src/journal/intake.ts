/** What waits to be written, and how it becomes one transaction: new events, settled deliveries, anything else. */

import type { GatewayError } from '../errors.ts'
import { type Arrival, appendedOf, full, letGo, type Placed } from './arrival.ts'
import { Block, STATUS } from './block.ts'
import { type Blocks, writeState } from './blocks.ts'
import type { LaneFeed } from './feed.ts'
import type { Identities } from './identities.ts'
import { numberKey, TABLE } from './keys.ts'
import { indexChange } from './settle.ts'
import type { Change, Store } from './store.ts'
import { type Sums, writeLane, writeSums } from './totals.ts'
import type { Cargo } from './writer.ts'

/** Of one transaction, so that nobody waits long behind it. */
const MAX_EVENTS = 2_048
const MAX_BYTES = 4 * 2 ** 20
/** Of one block, as reading one event back reads its block. */
const BLOCK_EVENTS = 256
const BLOCK_BYTES = 256 * 1024
/** Memory that events are encoded in; most transactions fit. */
const SCRATCH = 2 ** 20

interface Load {
  readonly arrivals: Arrival[]
  readonly placed: Placed[]
  readonly bytes: number
  readonly dirty: Set<Block>
  /** The tables that the states of dirty blocks were in. */
  readonly tables: readonly Block['stored'][]
  readonly feeds: readonly LaneFeed[]
  readonly seal: Change[]
  readonly waiting: Waiting
}

/** What is not an append. */
interface Waiting {
  changes: Change[]
  readonly after: (() => void)[]
  readonly done: PromiseWithResolvers<void>
}

function newWaiting(): Waiting {
  const done = Promise.withResolvers<void>()
  // Not every change has somebody who waits for it; a rejection must not end the process.
  done.promise.catch(() => undefined)
  return { changes: [], after: [], done }
}

export class Intake implements Cargo {
  /** Appends not on disk yet, by number. */
  readonly arrivals = new Map<number, Arrival>()
  readonly #store: Store
  readonly #sums: Sums
  readonly #blocks: Blocks
  readonly #identities: Identities
  readonly #feeds: readonly LaneFeed[]
  readonly #landed: (placed: readonly Placed[]) => void
  #arrived: Arrival[] = []
  #arrivedBytes = 0
  #dirty = new Set<Block>()
  #waiting = newWaiting()
  #load: Load | undefined
  #scratch = Buffer.alloc(0)
  #scratchUsed = 0

  constructor(
    store: Store,
    sums: Sums,
    blocks: Blocks,
    identities: Identities,
    feeds: readonly LaneFeed[],
    landed: (placed: readonly Placed[]) => void,
  ) {
    this.#store = store
    this.#sums = sums
    this.#blocks = blocks
    this.#identities = identities
    this.#feeds = feeds
    this.#landed = landed
  }

  get waiting(): boolean {
    return this.#arrived.length > 0 || this.#dirty.size > 0 || this.#waiting.changes.length > 0
  }

  /** Bytes of appends that are not on disk yet. */
  get bytes(): number {
    return this.#arrivedBytes + (this.#load?.bytes ?? 0)
  }

  arrive(arrival: Arrival): void {
    this.arrivals.set(arrival.number, arrival)
    this.#arrived.push(arrival)
    this.#arrivedBytes += arrival.draft.bytes
    for (const hash of arrival.names) this.#identities.add(hash, arrival.number)
  }

  /** A block's state is to be written. */
  touch(block: Block): void {
    if (this.#dirty.has(block)) return
    this.#dirty.add(block)
    this.#blocks.hold(block.id, block)
  }

  change(...changes: Change[]): void {
    this.#waiting.changes.push(...changes)
  }

  /** Calls back once all that waits is on disk. */
  after(callback: () => void): void {
    this.#waiting.after.push(callback)
  }

  /** Resolves once all that waits is on disk; rejects with `JOURNAL_IO`. */
  done(): Promise<void> {
    if (this.waiting) return this.#waiting.done.promise
    return this.#load?.waiting.done.promise ?? Promise.resolve()
  }

  load(): Change[] {
    this.#scratchUsed = 0
    const arrivals = this.#takeArrivals()
    const changes: Change[] = []
    const before = this.#sums.bytes
    const placed = this.#place(arrivals, changes)
    const bytes = this.#sums.bytes - before
    const tables = Array.from(this.#dirty, (block) => block.stored)
    for (const block of this.#dirty) writeState(block, changes)
    for (const change of this.#waiting.changes) changes.push(change)
    // After the changes of those that forget names.
    for (const { once } of arrivals) if (once) changes.push(...once.changes)
    const feeds = this.#feeds.filter((feed) => feed.changed)
    for (const feed of feeds) {
      changes.push(writeLane({ ...feed.lane, id: feed.id, pending: feed.pending }))
      feed.changed = false
    }
    const seal = this.#identities.seal(this.#sums.next)
    for (const change of seal) changes.push(change)
    this.#sums.file = this.#store.bytes
    changes.push(writeSums(this.#sums))
    this.#load = { arrivals, placed, bytes, dirty: this.#dirty, tables, feeds, seal, waiting: this.#waiting }
    this.#dirty = new Set()
    this.#waiting = newWaiting()
    return changes
  }

  landed(): void {
    const load = this.#load
    if (load === undefined) return
    this.#load = undefined
    if (load.seal.length > 0) this.#identities.sealed(load.seal)
    for (const arrival of load.arrivals) {
      this.arrivals.delete(arrival.number)
      arrival.once?.landed()
      arrival.resolve(appendedOf(arrival))
    }
    this.#landed(load.placed)
    load.waiting.done.resolve()
    for (const callback of load.waiting.after) callback()
    for (const block of load.dirty) this.#blocks.release(block.id)
    for (const { block } of load.placed) this.#blocks.release(block.id)
  }

  turnedBack(): void {
    const load = this.#load
    if (load === undefined) return
    this.#load = undefined
    for (const { block } of load.placed) this.#blocks.release(block.id)
    for (const { arrival } of load.placed) this.#uncount(arrival)
    this.#sums.bytes -= load.bytes
    for (const arrival of load.arrivals) this.#refuse(arrival, full())
    this.#refuseRepeats()
    for (const feed of load.feeds) feed.changed = true
    for (const [index, block] of [...load.dirty].entries()) {
      block.stored = load.tables[index] ?? block.stored
      // A state that cannot be taken back stays as it is in memory, and is written with the next transaction.
      if (this.#dirty.has(block)) this.#blocks.release(block.id)
      else this.#dirty.add(block)
    }
    this.#waiting.changes = [...load.waiting.changes, ...this.#waiting.changes]
    this.#waiting.after.unshift(...load.waiting.after)
    this.#waiting.done.promise.then(load.waiting.done.resolve, load.waiting.done.reject)
  }

  wrecked(error: GatewayError): void {
    for (const arrival of [...(this.#load?.arrivals ?? []), ...this.#arrived]) this.#refuse(arrival, error)
    this.#arrived = []
    this.#load?.waiting.done.reject(error)
    this.#waiting.done.reject(error)
  }

  #takeArrivals(): Arrival[] {
    let count = 0
    let bytes = 0
    for (const { draft } of this.#arrived) {
      if (count === MAX_EVENTS || bytes > MAX_BYTES) break
      count++
      bytes += draft.bytes
    }
    const taken = count === this.#arrived.length ? this.#arrived : this.#arrived.slice(0, count)
    this.#arrived = count === this.#arrived.length ? [] : this.#arrived.slice(count)
    this.#arrivedBytes -= bytes
    return taken
  }

  #place(arrivals: readonly Arrival[], changes: Change[]): Placed[] {
    const placed: Placed[] = []
    for (let from = 0; from < arrivals.length; ) {
      let bytes = 0
      let slots = 0
      let to = from
      for (; to < arrivals.length && to - from < BLOCK_EVENTS && bytes < BLOCK_BYTES; to++) {
        bytes += arrivals[to]?.draft.bytes ?? 0
        slots += arrivals[to]?.feeds.length ?? 0
      }
      placed.push(...this.#writeBlock(arrivals.slice(from, to), bytes, slots, changes))
      from = to
    }
    return placed
  }

  #writeBlock(arrivals: readonly Arrival[], bytes: number, slots: number, changes: Change[]): Placed[] {
    const id = arrivals[0]?.number ?? 0
    const block = Block.make(id, slots)
    const events = this.#bytes(bytes)
    const placed: Placed[] = []
    let offset = 0
    let slot = 0
    for (const arrival of arrivals) {
      placed.push({ arrival, block, firstSlot: slot })
      this.#blocks.hold(id, block)
      for (const [index, feed] of arrival.feeds.entries()) {
        block.describe(slot, offset, feed.id, index)
        if (arrival.once?.repeated[index]) {
          block.leaveOut(slot++, 'repeated', arrival.acceptedAt)
          continue
        }
        const { key, due = 0 } = arrival.entry.routes[index] ?? {}
        if (key === undefined && due > arrival.acceptedAt) {
          block.set(slot, STATUS.delayed, 0, 0)
          changes.push(indexChange(feed.id, { key, due, block: id, slot }))
        }
        feed.count(1)
        slot++
      }
      arrival.draft.writeTo(events, offset)
      offset += arrival.draft.bytes
    }
    this.#sums.next = id + arrivals.length
    this.#sums.events += arrivals.length
    this.#sums.pending += block.unsettled
    const state = writeState(block, changes)
    this.#sums.bytes += bytes + state.length
    for (const { once } of arrivals) this.#sums.bytes += once?.bytes ?? 0
    changes.push([numberKey(TABLE.events, id), events])
    return placed
  }

  /** Bytes of the scratch buffer: LMDB has copied them once the transaction has landed, and only one is under way. */
  #bytes(count: number): Buffer {
    if (this.#scratchUsed + count > this.#scratch.length) {
      this.#scratch = Buffer.allocUnsafeSlow(Math.max(SCRATCH, count))
      this.#scratchUsed = 0
    }
    const start = this.#scratchUsed
    this.#scratchUsed += count
    return this.#scratch.subarray(start, start + count)
  }

  /** Those that are no repeats any more, if what they would repeat was refused: nothing is left out for nothing. */
  #refuseRepeats(): void {
    const stays = ({ once }: Arrival): boolean => once?.repeated.includes(true) !== true
    for (const arrival of this.#arrived.filter((one) => !stays(one))) {
      this.#arrivedBytes -= arrival.draft.bytes
      this.#refuse(arrival, full())
    }
    this.#arrived = this.#arrived.filter(stays)
  }

  #uncount(arrival: Arrival): void {
    this.#sums.events--
    for (const [index, feed] of arrival.feeds.entries()) {
      if (arrival.once?.repeated[index]) continue
      this.#sums.pending--
      feed.count(-1)
    }
  }

  #refuse(arrival: Arrival, error: GatewayError): void {
    this.arrivals.delete(arrival.number)
    letGo(arrival)
    for (const hash of arrival.names) this.#identities.remove(hash, arrival.number)
    arrival.reject(error)
  }
}
