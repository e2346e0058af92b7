/** Retention: forgets settled events in the background, a few blocks at a time. */

import { type Block, STATUS } from './block.ts'
import type { Blocks } from './blocks.ts'
import type { Identities } from './identities.ts'
import type { Intake } from './intake.ts'
import type { Kept } from './kept.ts'
import { numberKey, slotKey, TABLE, type Table, tableEnd, tableStart } from './keys.ts'
import type { Once } from './once.ts'
import { acceptedAt, expiredRecord, isExpired, recordEnd } from './record.ts'
import type { Recordings } from './recordings.ts'
import type { Change, Store } from './store.ts'
import type { Sums } from './totals.ts'

/** Blocks looked at between two turns of the event loop. */
const STEP = 32
const LONGEST_PAUSE = 60_000
const SHORTEST_PAUSE = 1_000

/** What is kept of single deliveries, and not counted. */
const OF_SLOTS = [TABLE.failures, TABLE.answers] as const

/** What the sweep needs of the journal that it is part of. */
export interface SweepHost {
  readonly store: Store
  readonly blocks: Blocks
  readonly identities: Identities
  readonly once: Once
  readonly kept: Kept
  readonly intake: Intake
  readonly recordings: Recordings
  readonly sums: Sums
  now(): number
  write(changes: readonly Change[]): Promise<void>
}

/**
 * An event goes when all its deliveries have been settled for the retention. One that is pending stays, and one with a
 * dead letter, so that it can be redriven; their neighbours in the block go, and leave their numbers.
 */
export class Sweep {
  readonly #host: SweepHost
  readonly #retainMs: number
  #timer: NodeJS.Timeout | undefined
  #stopped = false
  #running: Promise<void> = Promise.resolve()

  constructor(host: SweepHost, retainMs: number) {
    this.#host = host
    this.#retainMs = retainMs
    this.#schedule()
  }

  /** Resolves when a round under way has ended. */
  stop(): Promise<void> {
    this.#stopped = true
    clearTimeout(this.#timer)
    return this.#running
  }

  #schedule(): void {
    const pause = Math.min(LONGEST_PAUSE, Math.max(SHORTEST_PAUSE, this.#retainMs / 10))
    this.#timer = setTimeout(() => {
      this.#running = this.#round().then(() => (this.#stopped ? undefined : this.#schedule()))
    }, pause)
    this.#timer.unref()
  }

  async #round(): Promise<void> {
    const cutoff = this.#host.now() - this.#retainMs
    try {
      await this.#sweepTable(TABLE.closed, cutoff)
      await this.#sweepTable(TABLE.open, cutoff)
      await this.#forgetNames()
      const changes = this.#host.kept.sweep(this.#oldest() ?? this.#host.now())
      if (changes.length > 0) await this.#host.write(changes)
    } catch {
      // The writer has told whoever must know; the next round tries again, or there is none.
    }
  }

  /** When the oldest event that is held was accepted; undefined when none is. */
  #oldest(): number | undefined {
    const { store } = this.#host
    for (const { value } of store.range(tableStart(TABLE.events), tableEnd(TABLE.events), 1))
      for (const offset of offsets(value)) if (!isExpired(value, offset)) return acceptedAt(value, offset)
    return undefined
  }

  /** Names that a route takes once are kept for as long as their window says, whatever the retention. */
  async #forgetNames(): Promise<void> {
    while (!this.#stopped) {
      const changes = this.#host.once.sweep(this.#host.now())
      if (changes.length === 0) return
      await this.#host.write(changes)
      await new Promise((resolve) => setImmediate(resolve))
    }
  }

  async #sweepTable(table: Table, cutoff: number): Promise<void> {
    let start = tableStart(table)
    while (!this.#stopped) {
      const changes: Change[] = []
      let looked = 0
      let young = false
      for (const { key, value } of this.#host.store.range(start, tableEnd(table), STEP)) {
        looked++
        start = Buffer.concat([key, Buffer.from([0])])
        young = !this.#sweepBlock(key.readDoubleBE(1), value, cutoff, changes)
        if (young) break
      }
      this.#dropNames(changes)
      if (changes.length > 0) await this.#host.write(changes)
      if (young || looked < STEP) return
      await new Promise((resolve) => setImmediate(resolve))
    }
  }

  /** False when the block was accepted after the cutoff: all later ones were, too. */
  #sweepBlock(id: number, state: Buffer, cutoff: number, changes: Change[]): boolean {
    const block = this.#host.blocks.get(id, state)
    const events = this.#host.store.get(numberKey(TABLE.events, id))
    if (block === undefined || events === undefined) return true
    if (acceptedAt(events) > cutoff) return false
    // Something of it is leased, or about to be written.
    if (block.active > 0 || lastSettled(block) > cutoff) return true
    if (block.pinned) this.#strip(block, events, changes)
    else this.#remove(block, events, state, changes)
    return true
  }

  #remove(block: Block, events: Buffer, state: Buffer, changes: Change[]): void {
    const { store, sums } = this.#host
    for (const table of [TABLE.events, TABLE.closed] as const) changes.push([numberKey(table, block.id), undefined])
    for (const table of OF_SLOTS)
      for (const key of store.keys(slotKey(table, block.id, 0), slotKey(table, block.id, block.slots)))
        changes.push([Buffer.from(key), undefined])
    this.#host.recordings.dropAll(block, changes)
    sums.events -= [...offsets(events)].filter((offset) => !isExpired(events, offset)).length
    sums.bytes -= events.length + state.length
    this.#host.blocks.outdated(block.id)
  }

  /** Keeps the events that something is still to be done with. */
  #strip(block: Block, events: Buffer, changes: Change[]): void {
    const needed = new Map<number, number[]>()
    let settled = false
    for (let slot = 0; slot < block.slots; slot++) {
      const status = block.status(slot)
      if (block.waits(slot) || status === STATUS.dead)
        needed.set(block.offset(slot), [...(needed.get(block.offset(slot)) ?? []), slot])
      else if (status === STATUS.done) settled = true
    }
    if (!settled) return
    const parts: Buffer[] = []
    let length = 0
    for (const offset of offsets(events)) {
      const slots = needed.get(offset)
      const part = slots ? events.subarray(offset, recordEnd(events, offset)) : expiredRecord()
      for (const slot of slots ?? []) block.describe(slot, length, block.lane(slot), block.index(slot))
      if (slots === undefined && !isExpired(events, offset)) this.#host.sums.events--
      parts.push(part)
      length += part.length
    }
    for (let slot = 0; slot < block.slots; slot++) {
      if (block.status(slot) !== STATUS.done) continue
      block.set(slot, STATUS.gone, block.attempts(slot), block.settledAt(slot))
      for (const table of OF_SLOTS) changes.push([slotKey(table, block.id, slot), undefined])
      this.#host.recordings.drop(block.id, slot, changes)
    }
    this.#host.sums.bytes -= events.length - length
    this.#host.intake.touch(block)
    const kept = Buffer.concat(parts)
    changes.push([numberKey(TABLE.events, block.id), kept])
    this.#host.blocks.rewrite(block.id, kept)
    this.#host.intake.after(() => this.#host.blocks.landed(block.id))
  }

  #dropNames(changes: Change[]): void {
    const { store, identities, sums } = this.#host
    const [first] = store.keys(tableStart(TABLE.events), tableEnd(TABLE.events), 1)
    const oldest = first === undefined ? sums.next : Buffer.from(first).readDoubleBE(1)
    while (identities.oldestBefore(oldest)) changes.push(...identities.dropOldest())
  }
}

function lastSettled(block: Block): number {
  let last = 0
  for (let slot = 0; slot < block.slots; slot++) last = Math.max(last, block.settledAt(slot))
  return last
}

function* offsets(events: Buffer): Generator<number> {
  for (let offset = 0; offset < events.length; ) {
    yield offset
    offset = recordEnd(events, offset) ?? events.length
  }
}
