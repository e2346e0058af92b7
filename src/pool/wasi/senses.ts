/** What a guest senses of the world that is never twice the same: clocks, random numbers, and what others answer. */

import { randomFillSync } from 'node:crypto'

/** Everything that a call depends on beside its event and its function comes through here, in the order it is asked for. */
export interface Senses {
  /** Milliseconds since the epoch. */
  wall(): number
  /** Milliseconds on a clock that nobody sets. */
  steady(): number
  /** Random bytes, made for the caller. */
  random(length: number): Uint8Array
  /** Sleeps so many milliseconds in the thread. */
  pause(ms: number): void
  /** Whether so many bytes more are kept: what they lie in may be written over then. */
  keeps(bytes: number): boolean
  /**
   * What `name` gives for what is `asked`, which is plain data: a key-value read, a request, a publish. Whatever a guest
   * asks of somebody else goes through here, so that a replay neither repeats nor asks it.
   */
  ask<T>(name: string, asked: unknown, make: () => T): T
  /** The same for what is told later. */
  askLater<T>(name: string, asked: unknown, make: () => Promise<T>): Promise<T>
}

/** Sleeps so many milliseconds in the thread. */
export function pause(ms: number): void {
  if (ms > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Math.min(ms, LONGEST_MS))
}

/** No call lasts as long. V8 adds nanoseconds of 64 bits: what is too long for them is over at once. */
const LONGEST_MS = 1e12

/** The world itself. */
export const LIVE: Senses = {
  wall: () => Date.now(),
  steady: () => performance.now(),
  random: (length) => randomFillSync(new Uint8Array(length)),
  pause,
  keeps: () => false,
  ask: (_name, _asked, make) => make(),
  askLater: (_name, _asked, make) => make(),
}
