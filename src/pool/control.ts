/** The memory that the main thread and a worker share: which calls have begun, which are taken back, which are answered. */

import { ARRAY_CALLS, ARRAYS, KEPT_ANSWERS, SEATS } from './limits.ts'

/** What became of the call in a slot. One that waits for its host has begun, and does not run. */
const STATE = { sent: 0, begun: 1, withdrawn: 2, waits: 3 } as const

const RUNNING = 0
const BEGUN = 1
const EPOCH = 2
const ANSWERED = 3
const SLOTS = 4

/** The first slot of a seat; those before it are of arrays. */
export const FIRST_SEAT = ARRAY_CALLS * ARRAYS
const CALLS = FIRST_SEAT + SEATS

const WORDS = 4 * (SLOTS + CALLS)

/** A view of the shared memory; each side makes its own over the same buffer. */
export class Control {
  readonly buffer: SharedArrayBuffer
  /** Where the worker writes its answers before it posts them. */
  readonly answers: Buffer
  readonly #words: Int32Array

  constructor(buffer = new SharedArrayBuffer(WORDS + KEPT_ANSWERS)) {
    this.buffer = buffer
    this.#words = new Int32Array(buffer, 0, SLOTS + CALLS)
    this.answers = Buffer.from(buffer, WORDS)
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
    this.#run(slot)
    return true
  }

  /** Worker: whether a call was taken back. */
  withdrawn(slot: number): boolean {
    return Atomics.load(this.#words, SLOTS + slot) === STATE.withdrawn
  }

  /** Worker: the call that runs waits for its host. */
  suspend(slot: number): void {
    Atomics.store(this.#words, RUNNING, 0)
    Atomics.store(this.#words, SLOTS + slot, STATE.waits)
  }

  /** Worker: it goes on. False when it was dropped. */
  resume(slot: number): boolean {
    if (Atomics.compareExchange(this.#words, SLOTS + slot, STATE.waits, STATE.begun) !== STATE.waits) return false
    this.#run(slot)
    return true
  }

  /** Main thread: ends a call that waits. False when it does not. */
  drop(slot: number): boolean {
    return Atomics.compareExchange(this.#words, SLOTS + slot, STATE.waits, STATE.withdrawn) === STATE.waits
  }

  /** Worker: so many answers stand in the shared memory and are not posted. */
  publish(count: number): void {
    Atomics.store(this.#words, ANSWERED, count)
  }

  /** Worker: the answers are about to be posted, and their memory used again. */
  retract(): void {
    Atomics.store(this.#words, ANSWERED, 0)
    Atomics.add(this.#words, EPOCH, 1)
  }

  /** Main thread: a copy of the answers that are not posted, and how many; undefined when the worker is posting them. */
  unposted(): { readonly bytes: Buffer; readonly count: number } | undefined {
    const epoch = Atomics.load(this.#words, EPOCH)
    const count = Atomics.load(this.#words, ANSWERED)
    const bytes = Buffer.from(this.answers)
    return count > 0 && Atomics.load(this.#words, EPOCH) === epoch ? { bytes, count } : undefined
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

  #run(slot: number): void {
    Atomics.store(this.#words, RUNNING, slot + 1)
    Atomics.add(this.#words, BEGUN, 1)
  }
}
