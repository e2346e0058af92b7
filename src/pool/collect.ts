/** Frees memory that the engine would keep: of instances that were let go, and of a start. */

import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** Bytes of discarded instances from which on their memory is freed when there is time, and from which on at once. */
const GARBAGE_BYTES = { some: 16 << 20, much: 64 << 20 } as const
/** A collection takes 5 to 15 ms whatever there is to collect: this is how many times as long there is none after it. */
const REST = 20

let collect: Collect | undefined
let garbage = 0
/** Dies with the first collection that the engine makes by itself. */
let canary = new WeakRef({})
/** By `performance.now()`. */
let restsUntil = 0

/** Notes that an instance of so many bytes was let go. */
export function discarded(bytes: number): void {
  garbage += bytes
}

/**
 * The bytes to count of a copy that ran once: what it grew by, and little of what it started with. Of that it touched a
 * small part, and the engine knows of it: 400 copies of a QuickJS component in a row let the process grow by 10 MiB.
 */
export const touched = (bytes: number, startBytes: number): number => bytes - startBytes + startBytes / 64

/**
 * Collects garbage now when enough was discarded, which takes milliseconds. The engine does not do so by itself in
 * time where memories have grown: five guests in a row that each filled a cap of 64 MiB made the process grow by 311 MiB.
 * Of instances that did not grow it does: beside a guest that traps again and again every second collection was ours.
 */
export function collectDiscarded(): void {
  if (garbage < GARBAGE_BYTES.some) return
  const begun = performance.now()
  const done = canary.deref() === undefined
  if (garbage < GARBAGE_BYTES.much && (done || begun < restsUntil)) {
    if (done) begin()
    return
  }
  begin()
  collect ??= exposed()
  collect()
  const ended = performance.now()
  restsUntil = ended + REST * (ended - begun)
}

function begin(): void {
  garbage = 0
  canary = new WeakRef({})
}

/** Collects all the garbage there is, and gives the memory back to the system. Takes tens of milliseconds. */
export function collectGarbage(): void {
  collect ??= exposed()
  // Any other collection keeps the room for young objects, which is 32 MiB after a start.
  collect({ type: 'major', flavor: 'last-resort' })
}

type Collect = (options?: { readonly type: 'major'; readonly flavor: 'last-resort' }) => void

function exposed(): Collect {
  setFlagsFromString('--expose-gc')
  return runInNewContext('gc') as Collect
}
