/** The state of a block's slots: one row for each delivery, kept in the bytes that are stored. */

import { FIGURES, readFigures, writeFigures } from './figures.ts'
import type { Figures, Note } from './journal.ts'
import { openBytes, sealBytes } from './record.ts'

export const STATUS = { due: 0, delayed: 1, done: 2, dead: 3, gone: 4 } as const
/** Why a delivery is done although it was not made; 0 when it was. */
export const NOTES = [undefined, 'repeated', 'superseded'] as const satisfies readonly (Note | undefined)[]
/** Beside the note: the delivery was answered, with nothing. Versions that do not know it find no note. */
const NOTHING = 0x80
export type Status = (typeof STATUS)[keyof typeof STATUS]

/** record offset (4), lane (2), attempts (2), settled at (8), index of the route (2), status (1), note (1). */
const ROW = 20
/** Stands before the rows when figures of attempts stand behind them: without any, the rows are all that is stored. */
const MARK = 1

/** A run of events that were appended in one flush. `id` is the sequence number of its first event. */
export class Block {
  readonly id: number
  #rows: Buffer
  /** `mark | rows | figures`, once there are figures. */
  #whole: Buffer | undefined
  /** Slots that are due or wait for their time: the block belongs to the table `open` while there are any. */
  unsettled = 0
  /** The table that the stored state is in. */
  stored: 'none' | 'open' | 'closed'
  /** Deliveries of this block that are queued or leased: the state stays in memory while there are any. */
  active = 0

  private constructor(id: number, rows: Buffer, stored: 'none' | 'open' | 'closed') {
    this.id = id
    this.#rows = rows
    this.stored = stored
  }

  static make(id: number, slots: number): Block {
    const block = new Block(id, Buffer.alloc(slots * ROW), 'none')
    block.unsettled = slots
    return block
  }

  /** Reads a stored state; undefined when its bytes are not what was written. */
  static read(id: number, sealed: Uint8Array, stored: 'open' | 'closed'): Block | undefined {
    const bytes = openBytes(sealed)
    // With the mark the length is odd; that of rows alone never is.
    const whole = bytes !== undefined && bytes.length % 2 === MARK
    if (bytes === undefined || (whole ? (bytes.length - MARK) % (ROW + FIGURES) : bytes.length % ROW) !== 0)
      return undefined
    const block = new Block(id, bytes, stored)
    if (whole) block.#part(bytes)
    for (let slot = 0; slot < block.slots; slot++) if (block.waits(slot)) block.unsettled++
    return block
  }

  get slots(): number {
    return this.#rows.length / ROW
  }

  describe(slot: number, offset: number, lane: number, index: number): void {
    this.#rows.writeUInt32LE(offset, slot * ROW)
    this.#rows.writeUInt16LE(lane, slot * ROW + 4)
    this.#rows.writeUInt16LE(index, slot * ROW + 16)
  }

  offset = (slot: number): number => this.#rows.readUInt32LE(slot * ROW)
  lane = (slot: number): number => this.#rows.readUInt16LE(slot * ROW + 4)
  attempts = (slot: number): number => this.#rows.readUInt16LE(slot * ROW + 6)
  settledAt = (slot: number): number => this.#rows.readDoubleLE(slot * ROW + 8)
  index = (slot: number): number => this.#rows.readUInt16LE(slot * ROW + 16)
  status = (slot: number): Status => (this.#rows[slot * ROW + 18] ?? 0) as Status

  set(slot: number, status: Status, attempts: number, settledAt: number): void {
    const waited = this.waits(slot)
    this.#rows.writeUInt16LE(Math.min(attempts, 0xffff), slot * ROW + 6)
    this.#rows.writeDoubleLE(settledAt, slot * ROW + 8)
    this.#rows[slot * ROW + 18] = status
    this.unsettled += Number(this.waits(slot)) - Number(waited)
  }

  note = (slot: number): Note | undefined => NOTES[(this.#rows[slot * ROW + 19] ?? 0) & ~NOTHING]

  /** Whether it was answered with nothing: such an answer has no value of its own. */
  answersNothing = (slot: number): boolean => ((this.#rows[slot * ROW + 19] ?? 0) & NOTHING) !== 0

  answerNothing(slot: number): void {
    this.#rows[slot * ROW + 19] = (this.#rows[slot * ROW + 19] ?? 0) | NOTHING
  }

  /** Keeps how the last attempt of a delivery went, or forgets it. Returns the bytes that the state has grown by. */
  keep(slot: number, figures: Figures | undefined): number {
    const before = this.#whole
    if (figures === undefined) {
      before?.fill(0, MARK + this.slots * ROW + slot * FIGURES, MARK + this.slots * ROW + (slot + 1) * FIGURES)
      return 0
    }
    const whole = before ?? this.#part(Buffer.alloc(MARK + this.slots * (ROW + FIGURES)), this.#rows)
    writeFigures(whole, MARK + this.slots * ROW + slot * FIGURES, figures)
    return before === undefined ? whole.length - this.slots * ROW : 0
  }

  figures(slot: number): Figures | undefined {
    return this.#whole && readFigures(this.#whole, MARK + this.slots * ROW + slot * FIGURES)
  }

  #part(whole: Buffer, rows?: Buffer): Buffer {
    whole[0] = MARK
    if (rows) whole.set(rows, MARK)
    this.#whole = whole
    this.#rows = whole.subarray(MARK, MARK + ((whole.length - MARK) / (ROW + FIGURES)) * ROW)
    return whole
  }

  /** The delivery is not made. */
  leaveOut(slot: number, note: Note, now: number): void {
    this.#rows[slot * ROW + 19] = NOTES.indexOf(note)
    this.set(slot, STATUS.done, 0, now)
  }

  /** Whether the delivery is due, or will be. */
  waits = (slot: number): boolean => this.status(slot) <= STATUS.delayed

  /** Whether any delivery still needs its event: it is due, waits, or is a dead letter. */
  get pinned(): boolean {
    for (let slot = 0; slot < this.slots; slot++) {
      const status = this.status(slot)
      if (status !== STATUS.done && status !== STATUS.gone) return true
    }
    return false
  }

  /** The stored form, a copy: the writer reads it later. */
  encode = (): Buffer => sealBytes(this.#whole ?? this.#rows)
}
