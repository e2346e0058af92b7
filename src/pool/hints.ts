/** Hints of when a function needs more instances than `min`: how many that are at a given time. */

import { Slots } from '../schedule/slots.ts'
import type { WarmHint } from './pool.ts'

/** By how much a clock may go back before slots are looked for again. */
const BACK_MS = 60_000

/**
 * Told by the time alone, not by what happened: a hint whose time is not over holds after a restart or a reload as well,
 * and one that a machine slept through does not.
 */
export class Hints {
  readonly #hints: readonly { readonly min: number; readonly forMs: number; readonly slots: Slots; until: number }[]
  /** Up to where slots were looked for. */
  #seen = Number.NEGATIVE_INFINITY

  /** `idleMs` is how long a hint holds that does not say. */
  constructor(hints: readonly WarmHint[], idleMs: number) {
    this.#hints = hints.map(({ forMs = idleMs, min, schedule, timezone }) => ({
      min,
      forMs,
      slots: new Slots(schedule, timezone),
      until: Number.NEGATIVE_INFINITY,
    }))
  }

  /** The largest `min` of those that hold at this time, by a clock that goes forward or was set; 0 when none does. */
  wanted(now: number): number {
    const back = now < this.#seen - BACK_MS
    let wanted = 0
    for (const hint of this.#hints) {
      if (back) hint.until = Number.NEGATIVE_INFINITY
      const from = Math.max(back ? Number.NEGATIVE_INFINITY : this.#seen, now - hint.forMs)
      for (const slot of hint.slots.between(from, now)) hint.until = slot + hint.forMs
      if (now < hint.until) wanted = Math.max(wanted, hint.min)
    }
    this.#seen = back ? now : Math.max(this.#seen, now)
    return wanted
  }
}
