/** The few words of memory that the main thread and a worker share: which calls have begun, and which are taken back. */

import { ARRAY_CALLS, ARRAYS } from './limits.ts'

/** What became of the call in a slot. */
const STATE = { sent: 0, begun: 1, withdrawn: 2 } as const

const RUNNING = 0
const BEGUN = 1
const SLOTS = 2

const CALLS = ARRAY_CALLS * ARRAYS

/** A view of the shared words; each side makes its own over the same buffer. */
export class Control {
  readonly buffer: SharedArrayBuffer
  readonly #words: Int32Array

  constructor(buffer = new SharedArrayBuffer(4 * (SLOTS + CALLS))) {
    this.buffer = buffer
    this.#words = new Int32Array(buffer)
  }

  /** Main thread: a call is about to be sent in this slot. */
  send(slot: number): void {
    Atomics.store(this.#words, SLOTS + slot, STATE.sent)
  }

  /** Main thread: takes a call back. False when it has begun. */
  withdraw(slot: number): boolean {
    return Atomics.compareExchange(this.#words, SLOTS + slot, STATE.sent, STATE.withdrawn) === STATE.sent
  }

  /** Worker: begins a call. False when it was taken back. */
  begin(slot: number): boolean {
    if (Atomics.compareExchange(this.#words, SLOTS + slot, STATE.sent, STATE.begun) !== STATE.sent) return false
    Atomics.store(this.#words, RUNNING, slot + 1)
    Atomics.add(this.#words, BEGUN, 1)
    return true
  }

  /** Worker: begins to make or warm instances of a function. */
  prepare(fn: number): void {
    Atomics.store(this.#words, RUNNING, CALLS + fn + 1)
    Atomics.add(this.#words, BEGUN, 1)
  }

  /** Worker: what was running is over. */
  end(): void {
    Atomics.store(this.#words, RUNNING, 0)
  }

  /** The slot whose call is running, or the function that is being prepared; `begun` differs each time. */
  running(): { readonly slot?: number; readonly preparing?: number; readonly begun: number } | undefined {
    const begun = Atomics.load(this.#words, BEGUN)
    const slot = Atomics.load(this.#words, RUNNING) - 1
    if (slot < 0) return undefined
    return slot < CALLS ? { slot, begun } : { preparing: slot - CALLS, begun }
  }
}
