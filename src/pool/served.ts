/** An instance of a handler of `wasi:http`: used again when it can be, which is found out; one that cannot is fresh for each call. */

import type { CloudEvent } from '../event/index.ts'
import { collectDiscarded, discarded, touched } from './collect.ts'
import type { HttpGuest, Served } from './http-guest.ts'
import type { FunctionCode, Instance } from './instance.ts'
import type { Lifted } from './lift.ts'
import type { CallContext } from './lower.ts'
import type { Reel } from './tape.ts'
import { Wear } from './wear.ts'

/**
 * What is known of a function in this thread. Hosts of `wasi:http` make a copy for each request, and some handlers can do
 * no more than one: those of StarlingMonkey answer nothing to a second. Others can, and are 25 times as fast then.
 */
export interface Habit {
  reusable?: boolean
}

export class HttpInstance implements Instance {
  readonly #make: () => HttpGuest
  readonly #habit: Habit
  readonly #wear: Wear
  readonly #start: number
  #guest: HttpGuest | undefined
  reel: Reel
  #bytes: number
  #used = false

  /** Makes the first copy, and throws what that throws. */
  constructor(
    make: () => HttpGuest,
    habit: Habit,
    { memoryBytes, reuse }: Pick<FunctionCode, 'memoryBytes' | 'reuse'>,
  ) {
    this.#make = make
    this.#habit = habit
    this.#guest = make()
    this.reel = this.#guest.reel
    this.#start = this.#bytes = this.#guest.bytes
    this.#wear = new Wear(this.#bytes, memoryBytes, reuse)
  }

  get bytes(): number {
    return this.#guest?.bytes ?? this.#bytes
  }

  get worn(): boolean {
    return this.#habit.reusable !== false && this.#wear.over(this.bytes)
  }

  get spent(): boolean {
    return this.#guest === undefined
  }

  renew(): void {
    this.#copy()
  }

  call(event: CloudEvent, context: CallContext, take: (lifted: Lifted) => void): void {
    this.#wear.add()
    const again = this.#used
    this.#used = true
    const { lifted, whole } =
      again && this.#habit.reusable === undefined ? this.#tried(event, context) : this.#copy().serve(event, context)
    if (this.#habit.reusable === false) this.#drop()
    else if (!whole || this.#guest?.worn === true) this.#wear.end()
    take(lifted)
  }

  /** The second request to a copy: when it fails and does not on a fresh one, no copy is to have a second. */
  #tried(event: CloudEvent, context: CallContext): Served {
    const served = this.#attempt(event, context)
    if (served?.whole) {
      this.#habit.reusable = true
      return served
    }
    this.#drop()
    const fresh = this.#copy().serve(event, context)
    if (fresh.whole) this.#habit.reusable = false
    return fresh
  }

  /** Undefined when it trapped. */
  #attempt(event: CloudEvent, context: CallContext): Served | undefined {
    try {
      return this.#copy().serve(event, context)
    } catch {
      return undefined
    }
  }

  #copy(): HttpGuest {
    if (!this.#guest) {
      collectDiscarded()
      this.#guest = this.#make()
    }
    this.reel = this.#guest.reel
    return this.#guest
  }

  #drop(): void {
    this.#bytes = this.bytes
    this.#guest = undefined
    discarded(touched(this.#bytes, this.#start))
  }
}
