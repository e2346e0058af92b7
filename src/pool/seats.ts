/** The seats of one worker: calls of functions that may wait, each sent alone, answered alone, and dropped alone. */

import { type Control, FIRST_SEAT } from './control.ts'
import { SEATS } from './limits.ts'
import type { Pending } from './waiting.ts'

/** A call that has a seat. */
export interface Seated {
  readonly pending: Pending
  /** Its end, by `steady`: its own deadline, or what its function may take. */
  readonly until: number
  /** Ends what is asked on its behalf. */
  readonly ended: AbortController
  /** What was asked. */
  asked: number
}

export class Seats {
  readonly #control: Control
  /** Empty once a call that was taken back has come to its worker: until then the next would be taken for it. */
  readonly #seats: (Seated | 'left' | undefined)[] = Array.from({ length: SEATS })
  #next = 0
  #taken = 0

  constructor(control: Control) {
    this.#control = control
  }

  get room(): number {
    return SEATS - this.#taken
  }

  get taken(): number {
    return this.#taken
  }

  /** The slot of a call's seat; there must be a free one. None is used again before all others were. */
  take(pending: Pending, until: number): number {
    while (this.#seats[this.#next]) this.#next = (this.#next + 1) % SEATS
    const index = this.#next
    this.#next = (index + 1) % SEATS
    this.#taken++
    this.#seats[index] = { pending, until, ended: new AbortController(), asked: 0 }
    this.#control.send(FIRST_SEAT + index)
    return FIRST_SEAT + index
  }

  /** Undefined for a slot of an array: an index below 0 is looked up by its name, which is slow. */
  at(slot: number): Seated | undefined {
    const seated = slot < FIRST_SEAT ? undefined : this.#seats[slot - FIRST_SEAT]
    return seated === 'left' ? undefined : seated
  }

  leave(slot: number): void {
    this.at(slot)?.ended.abort()
    this.free(slot)
  }

  /** A call was taken back before it began. */
  vacate(slot: number): void {
    this.#seats[slot - FIRST_SEAT] = 'left'
  }

  free(slot: number): void {
    if (this.#seats[slot - FIRST_SEAT] === undefined) return
    this.#seats[slot - FIRST_SEAT] = undefined
    this.#taken--
  }

  /** Takes those away that wait for their host, of those that `which` picks. */
  drop(which: (seated: Seated) => boolean): { readonly slot: number; readonly seated: Seated }[] {
    const dropped = []
    for (const { slot, seated } of this.all())
      if (which(seated) && this.#control.drop(slot)) {
        this.leave(slot)
        dropped.push({ slot, seated })
      }
    return dropped
  }

  *all(): Generator<{ readonly slot: number; readonly seated: Seated }> {
    if (this.#taken === 0) return
    for (const [index, seated] of this.#seats.entries())
      if (seated && seated !== 'left') yield { slot: FIRST_SEAT + index, seated }
  }
}
