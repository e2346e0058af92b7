/** One lane of the stored journal: keeps its queue filled from what is appended, and from disk when that was too much. */

import { type Block, STATUS } from './block.ts'
import type { Blocks } from './blocks.ts'
import type { Chains } from './debounce.ts'
import { HandedOut } from './handed.ts'
import type { Delivery, Lane } from './journal.ts'
import { deliveryId, dueKey, dueKeyedKey, numberKey, TABLE } from './keys.ts'
import { type Item, type LaneHooks, LaneQueue } from './lane.ts'
import { openJson } from './record.ts'
import type { Store } from './store.ts'

/** Ready deliveries that a lane keeps in memory; beyond them it reads back from disk when it has drained. */
const READY_COUNT = 1_024
const READY_BYTES = 16 * 2 ** 20
/** Deliveries read back at once, and blocks looked at in one go. */
const REFILL = 256
const LOOK = 2_000

/** A delivery that somebody has. */
export interface Lease {
  readonly item: Item
  readonly feed: LaneFeed
}

/** What a lane needs of the journal that it is part of. */
export interface FeedHost {
  readonly store: Store
  /** Blocks below this one are on disk, and what was appended in them has been shown to the lanes. */
  readonly shown: number
  now(): number
  wakeAt(due: number): void
  readonly blocks: Blocks
  /** Reads back a delivery; undefined when it is not to be made any more, or damaged, which is logged and counted. */
  load(item: Item, feed: LaneFeed): Delivery | undefined
  leased(item: Item, feed: LaneFeed): void
  /** Reading failed: the journal cannot go on. */
  unreadable(error: unknown): void
}

export class LaneFeed implements LaneHooks {
  readonly lane: Lane
  readonly id: number
  readonly queue: LaneQueue
  /** Deliveries not settled yet, as they will be on disk. */
  pending = 0
  /** True when `pending` differs from what is on disk; a lane that is not there yet does: ids may have no gap there. */
  changed = true
  /** Names that deliveries wait under; absent until something is asked of them. */
  chains: Chains | undefined
  readonly #host: FeedHost
  #claimed = false
  #underWay = false
  /** True when deliveries at or after `#block`, `#slot` are on disk and not in the queue. */
  #spilled: boolean
  #block = 0
  #slot = 0
  #bytes = 0
  #duePosition: Buffer
  #nextDue = Number.NEGATIVE_INFINITY
  /** Delayed deliveries in memory: the index of times still holds them. */
  readonly #inHand = new Set<string>()

  constructor(host: FeedHost, id: number, lane: Lane, pending: number) {
    this.#host = host
    this.id = id
    this.lane = lane
    this.pending = pending
    this.#spilled = pending > 0
    this.#duePosition = dueKey(id, 0, 0, 0)
    this.queue = new LaneQueue(this)
  }

  count(deliveries: number): void {
    this.pending += deliveries
    this.changed = true
  }

  now = (): number => this.#host.now()
  wakeAt = (due: number): void => this.#host.wakeAt(due)

  /** Whether the lane takes a delivery that has just reached the disk; else it reads it back when it has room. */
  takes(block: number, slot: number): boolean {
    if (this.#spilled) return false
    if (this.#claimed && this.queue.size < READY_COUNT && this.#bytes < READY_BYTES) return true
    this.#spilled = true
    this.#block = block
    this.#slot = slot
    return false
  }

  /** Takes in a delivery, when `takes` said so. */
  offer(item: Item): void {
    if (item.indexed) this.#inHand.add(item.id)
    this.#keep(item)
    this.queue.offer(item)
  }

  /** A delivery has reached the index of times. */
  scheduled(due: number, block: number, slot: number): void {
    const key = dueKey(this.id, due, block, slot)
    if (key.compare(this.#duePosition) < 0) this.#duePosition = key
    if (due >= this.#nextDue) return
    this.#nextDue = due
    this.#host.wakeAt(due)
  }

  /**
   * The delivery is about to be settled. A commit is visible before it is told of: until then what it enters into the
   * index of times is not to be taken.
   */
  settling(item: Item): void {
    this.#inHand.add(item.id)
  }

  /** The delivery is settled, on disk. Its key is free, or waits for the next attempt. */
  settled(item: Item, retryAt: number | undefined): void {
    this.#inHand.delete(item.id)
    this.#host.blocks.release(item.block)
    item.held = undefined
    if (retryAt === undefined) this.queue.finished(item)
    else if (item.key === undefined) this.scheduled(retryAt, item.block, item.slot)
    else {
      item.due = retryAt
      item.indexed = true
      this.#inHand.add(item.id)
      this.queue.again(item)
    }
  }

  /** A dead letter is due again, on disk. */
  redriven(item: Item): void {
    if (item.key === undefined) this.scheduled(item.due, item.block, item.slot)
    else if (this.#claimed) this.offer(item)
  }

  /** The delivery comes back unsettled. */
  giveBack(item: Item): void {
    this.#bytes += weight(item)
    this.queue.giveBack(item)
  }

  /** Lets deliveries that have fallen due come in, and asks for the next ring. */
  wake(): void {
    if (!this.#claimed) return
    if (this.queue.size < READY_COUNT) this.#reading(() => this.#takeDue())
    // The ring may have been for a time that is over: what is left of this lane asks again. What has fallen due and
    // found no room comes when the queue has drained.
    if (this.#nextDue > this.now() && this.#nextDue < Number.POSITIVE_INFINITY) this.wakeAt(this.#nextDue)
    this.queue.wake()
  }

  claim(signal: AbortSignal): AsyncIterableIterator<Delivery> {
    if (!this.#claimed) {
      this.#claimed = true
      this.#reading(() => this.#takeKeyed())
    }
    return this.queue.claim(signal)
  }

  load(item: Item): Delivery | undefined {
    item.held = this.#host.load(item, this)
    if (item.held === undefined) this.#inHand.delete(item.id)
    this.#keep(item)
    return item.held
  }

  unload(item: Item): void {
    if (item.held === undefined) return
    this.#bytes -= weight(item)
    item.held = undefined
    this.#host.blocks.release(item.block)
  }

  leased(item: Item): void {
    this.#bytes -= weight(item)
    this.chains?.leased(item.id)
    this.#host.leased(item, this)
  }

  /** Reads on from disk: first what has fallen due, then what was appended and did not fit. */
  refill(): void {
    if (this.#claimed) this.#reading(() => this.#refill())
  }

  #refill(): void {
    this.#takeDue()
    if (!this.#spilled) return
    let looked = 0
    const start = numberKey(TABLE.open, this.#block)
    for (const { key, value } of this.#host.store.range(start, numberKey(TABLE.open, this.#host.shown))) {
      const id = key.readDoubleBE(1)
      if (id !== this.#block) this.#slot = 0
      this.#block = id
      const block = this.#host.blocks.get(id, value)
      if (block !== undefined && !this.#takeFrom(block)) return
      // Between two whole numbers: after this block, before the next.
      this.#block = id + 0.5
      this.#slot = 0
      if (++looked < LOOK) continue
      setImmediate(() => this.queue.pump())
      return
    }
    // A position in a block that is not shown yet was set while that one was being shown.
    this.#spilled = this.#block >= this.#host.shown
  }

  /** Nobody waits for these readings who could be told that one failed. */
  #reading(read: () => void): void {
    // What is offered goes to whoever waits, who asks for more: that must not read the same again.
    if (this.#underWay) return
    this.#underWay = true
    try {
      read()
    } catch (error) {
      this.#host.unreadable(error)
    } finally {
      this.#underWay = false
    }
  }

  /** Takes this lane's deliveries of a block; false when that was enough for now. */
  #takeFrom(block: Block): boolean {
    for (; this.#slot < block.slots; this.#slot++) {
      if (this.queue.size >= REFILL) return false
      const slot = this.#slot
      if (block.lane(slot) !== this.id || block.status(slot) !== STATUS.due) continue
      const record = this.#host.blocks.recordOf(block.id, block.offset(slot))
      const route = record?.routes[block.index(slot)]
      if (record === undefined || route === undefined) continue
      const item = this.#item(block, slot, route[1] ?? undefined, route[3], false)
      // One that may give way to a later one of its name is looked at once more when its turn comes.
      if (route[4] === undefined && this.#bytes < READY_BYTES)
        item.held = new HandedOut(item, this.lane, record, route[2] === 1, block.attempts(slot) + 1)
      this.offer(item)
    }
    return true
  }

  #takeDue(): void {
    const now = this.now()
    if (this.#nextDue > now) return
    const end = dueKey(this.id, now + 0.001, 0, 0)
    let taken = 0
    for (const key of this.#host.store.keys(this.#duePosition, end)) {
      if (taken === REFILL) return
      this.#duePosition = Buffer.concat([key, Buffer.from([0])])
      const slot = key.readUInt16BE(19)
      const block = this.#host.blocks.get(key.readDoubleBE(11))
      if (block === undefined || this.#inHand.has(deliveryId(block.id, slot))) continue
      this.offer(this.#item(block, slot, undefined, key.readDoubleBE(3), true))
      taken++
    }
    this.#nextDue = Number.POSITIVE_INFINITY
    for (const key of this.#host.store.keys(this.#duePosition, dueKey(this.id + 1, 0, 0, 0), 1))
      this.scheduled(key.readDoubleBE(3), key.readDoubleBE(11), key.readUInt16BE(19))
  }

  /** Delayed deliveries with a key hold back the later ones of that key: all are known before anything is handed out. */
  #takeKeyed(): void {
    const range = this.#host.store.range(dueKeyedKey(this.id, 0, 0), dueKeyedKey(this.id + 1, 0, 0))
    for (const { key, value } of range) {
      const block = this.#host.blocks.get(key.readDoubleBE(3))
      const [due, name] = openJson<[number, string]>(value) ?? []
      if (block && due !== undefined) this.offer(this.#item(block, key.readUInt16BE(11), name, due, true))
    }
  }

  #item(block: Block, slot: number, key: string | undefined, due: number, indexed: boolean): Item {
    return { id: deliveryId(block.id, slot), block: block.id, slot, key, due, indexed, held: undefined }
  }

  /** The state of a block stays in memory as long as one of its deliveries does. */
  #keep(item: Item): void {
    if (item.held === undefined) return
    this.#bytes += weight(item)
    this.#host.blocks.hold(item.block)
  }
}

const weight = (item: Item): number => item.held?.event.data?.length ?? 0
