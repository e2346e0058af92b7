/** Dead letters: listed from their own index, in pages, made due again, or dropped. */

import { type Block, STATUS } from './block.ts'
import type { Blocks } from './blocks.ts'
import type { LaneFeed } from './feed.ts'
import type { Intake } from './intake.ts'
import type { DeadLetter, DeadLetterFilter } from './journal.ts'
import { deadKey, deliveryId, parseDeliveryId, slotKey, TABLE, tableEnd } from './keys.ts'
import type { Item } from './lane.ts'
import { openJson } from './record.ts'
import type { Recordings } from './recordings.ts'
import { type DeadEntry, indexChange, readFailures } from './settle.ts'
import type { Change, Store } from './store.ts'
import type { Sums } from './totals.ts'

/** Entries of the index looked at in one go, and dead letters changed in one transaction. */
const PAGE = 256

/** What dead letters need of the journal that they are part of. */
export interface LettersHost {
  readonly store: Store
  readonly blocks: Blocks
  readonly feeds: readonly LaneFeed[]
  readonly intake: Intake
  readonly recordings: Recordings
  readonly sums: Sums
  now(): number
  write(changes: readonly Change[]): Promise<void>
}

interface Dead {
  readonly block: Block
  readonly slot: number
}

export class DeadLetters {
  readonly #host: LettersHost

  constructor(host: LettersHost) {
    this.#host = host
  }

  async *list(filter: DeadLetterFilter): AsyncGenerator<DeadLetter, void> {
    for await (const page of this.#pages(filter)) {
      for (const { block, slot } of page) {
        const letter = this.#read(block, slot)
        if (letter) yield letter
      }
    }
  }

  /** Attempts begin again at 0; the errors stay on record. */
  redrive(filter: DeadLetterFilter): Promise<number> {
    return this.#change(filter, ({ block, slot }, changes) => {
      const feed = this.#host.feeds[block.lane(slot)]
      const route = this.#host.blocks.routeOf(block, slot)
      if (feed === undefined || route === undefined) return false
      const due = this.#host.now()
      const key = route[1] ?? undefined
      const id = deliveryId(block.id, slot)
      const item: Item = { id, block: block.id, slot, key, due, indexed: true, held: undefined }
      changes.push(indexChange(feed.id, item))
      this.#host.recordings.drop(block.id, slot, changes)
      block.set(slot, STATUS.delayed, 0, due)
      feed.count(1)
      this.#host.sums.pending++
      this.#host.intake.after(() => feed.redriven(item))
      return true
    })
  }

  drop(filter: DeadLetterFilter): Promise<number> {
    return this.#change(filter, ({ block, slot }, changes) => {
      changes.push([slotKey(TABLE.failures, block.id, slot), undefined])
      this.#host.recordings.drop(block.id, slot, changes)
      block.set(slot, STATUS.gone, block.attempts(slot), this.#host.now())
      return true
    })
  }

  /** What was recorded of a delivery, be it dead or done; undefined also when its bytes are damaged. */
  recording(id: string): Uint8Array | undefined {
    const place = parseDeliveryId(id)
    if (place === undefined || !this.#host.blocks.has(place.block)) return undefined
    return this.#host.recordings.read(place.block, place.slot)
  }

  async #change(filter: DeadLetterFilter, apply: (dead: Dead, changes: Change[]) => boolean): Promise<number> {
    let count = 0
    for await (const page of this.#pages(filter)) {
      const changes: Change[] = []
      for (const dead of page) {
        // Between reading the page and this line another call may have had it.
        const block = this.#host.blocks.get(dead.block.id)
        if (block === undefined || block.status(dead.slot) !== STATUS.dead) continue
        const indexed: Change = [deadKey(block.settledAt(dead.slot), block.id, dead.slot), undefined]
        this.#host.intake.touch(block)
        if (!apply({ block, slot: dead.slot }, changes)) continue
        changes.push(indexed)
        this.#host.sums.dead--
        count++
      }
      await this.#host.write(changes)
    }
    return count
  }

  async *#pages(filter: DeadLetterFilter): AsyncGenerator<readonly Dead[], void> {
    if (filter.ids !== undefined) {
      yield this.#byId(filter)
      return
    }
    let start = deadKey(filter.since ?? 0, 0, 0)
    for (;;) {
      const page: Dead[] = []
      let looked = 0
      for (const { key, value } of this.#host.store.range(start, tableEnd(TABLE.dead), PAGE)) {
        looked++
        start = Buffer.concat([key, Buffer.from([0])])
        const block = this.#matches(value, filter) ? this.#host.blocks.get(key.readDoubleBE(9)) : undefined
        const slot = key.readUInt16BE(17)
        if (block?.status(slot) === STATUS.dead) page.push({ block, slot })
      }
      if (page.length > 0) yield page
      if (looked < PAGE) return
    }
  }

  #byId(filter: DeadLetterFilter): Dead[] {
    const found: Dead[] = []
    for (const id of new Set(filter.ids)) {
      const place = parseDeliveryId(id)
      if (place === undefined || !this.#host.blocks.has(place.block)) continue
      const block = this.#host.blocks.get(place.block)
      if (block === undefined || place.slot >= block.slots || block.status(place.slot) !== STATUS.dead) continue
      const at = block.settledAt(place.slot)
      const entry = this.#host.store.get(deadKey(at, place.block, place.slot))
      if (entry === undefined || at < (filter.since ?? 0) || !this.#matches(entry, filter)) continue
      found.push({ block, slot: place.slot })
    }
    return found.sort((a, b) => a.block.settledAt(a.slot) - b.block.settledAt(b.slot))
  }

  #matches(stored: Buffer, { route, code }: DeadLetterFilter): boolean {
    if (route === undefined && code === undefined) return true
    const entry = openJson<DeadEntry>(stored)
    if (entry === undefined) return true
    if (code !== undefined && entry.code !== code) return false
    return route === undefined || this.#host.feeds[entry.lane]?.lane.route === route
  }

  #read(block: Block, slot: number): DeadLetter | undefined {
    const lane = this.#host.feeds[block.lane(slot)]?.lane
    const record = this.#host.blocks.recordOf(block.id, block.offset(slot))
    const failures = readFailures(this.#host.store, slotKey(TABLE.failures, block.id, slot))
    if (lane === undefined || record === undefined || failures === undefined) return undefined
    const { event, origin, callId } = record
    const { error, firstAt, lastAt, unrecorded } = failures
    const id = deliveryId(block.id, slot)
    const letter = { id, ...lane, event, origin, callId, attempts: block.attempts(slot), error, firstAt, lastAt }
    return unrecorded ? { ...letter, unrecorded } : letter
  }
}
