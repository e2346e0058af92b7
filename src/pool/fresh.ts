/** An instance of which every call is made on a copy that nothing ran on before, and that is dropped afterwards. */

import type { CloudEvent } from '../event/index.ts'
import { collectDiscarded, discarded, touched } from './collect.ts'
import type { Instance } from './instance.ts'
import type { Lifted } from './lift.ts'
import type { CallContext } from './lower.ts'
import type { Reel } from './tape.ts'

/** A copy that is called once. */
export interface Guest {
  /** Bytes of linear memory. */
  readonly bytes: number
  readonly reel: Reel
  call(event: CloudEvent, context: CallContext, take: (lifted: Lifted) => void): void
}

export class FreshInstance implements Instance {
  readonly #make: () => Guest
  #next: Guest | undefined
  #running: Guest | undefined
  readonly #start: number
  #bytes: number
  reel: Reel

  /** Makes the first copy, and throws what that throws. */
  constructor(make: () => Guest) {
    this.#make = make
    this.#next = make()
    this.#start = this.#bytes = this.#next.bytes
    this.reel = this.#next.reel
  }

  /** Of the copy that runs, of the one that waits, or of the last that ran. */
  get bytes(): number {
    return this.#running?.bytes ?? this.#bytes
  }

  /** It does not age. */
  get worn(): boolean {
    return false
  }

  get spent(): boolean {
    return this.#next === undefined
  }

  renew(): void {
    collectDiscarded()
    this.#next ??= this.#make()
  }

  call(event: CloudEvent, context: CallContext, take: (lifted: Lifted) => void): void {
    if (!this.#next) this.renew()
    const guest = this.#next
    this.#next = undefined
    this.#running = guest
    if (guest) this.reel = guest.reel
    try {
      guest?.call(event, context, take)
    } finally {
      this.#bytes = guest?.bytes ?? 0
      this.#running = undefined
      discarded(touched(this.#bytes, this.#start))
    }
  }
}
