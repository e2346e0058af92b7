/** How much a journal in memory holds, of what it may: the data of events, and what was recorded of their deliveries. */

import { noRoom } from './arrival.ts'
import type { Outcome } from './journal.ts'
import type { Held, Slot } from './memory-slot.ts'
import { hasRoom } from './recordings.ts'

export class MemoryRoom {
  readonly #maxBytes: number
  /** All that is held. */
  bytes = 0
  #recorded = 0

  constructor(maxBytes = Number.POSITIVE_INFINITY) {
    this.#maxBytes = maxBytes
  }

  /** Takes room for an event. Throws `JOURNAL_FULL`, or `EVENT_TOO_LARGE`. */
  take(bytes: number): void {
    if (this.bytes + bytes > this.#maxBytes) throw noRoom('memory', bytes, this.#maxBytes)
    this.bytes += bytes
  }

  /** Keeps what was recorded of the attempt that a delivery was settled with, if there is room. */
  keep(slot: Slot, { recording, status }: Outcome): void {
    slot.unrecorded = false
    if (recording === undefined || status === 'retry') return
    if (hasRoom(recording.length, { all: this.bytes, recorded: this.#recorded }, this.#maxBytes)) {
      slot.recording = recording
      this.#count(recording.length)
    } else slot.unrecorded = true
  }

  /** Forgets what was recorded of a delivery. */
  forget(slot: Slot): void {
    this.#count(-(slot.recording?.length ?? 0))
    slot.recording = undefined
  }

  /** An event goes, with what was recorded of its deliveries. */
  free({ bytes, slots }: Held): void {
    for (const slot of slots) this.forget(slot)
    this.bytes -= bytes
  }

  #count(bytes: number): void {
    this.#recorded += bytes
    this.bytes += bytes
  }
}
