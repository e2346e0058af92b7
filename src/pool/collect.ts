/** Frees memory that the engine would keep: of instances that were let go, and of a start. */

import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** Bytes of discarded instances above which the next one waits for their memory to be freed. */
const GARBAGE_BYTES = 16 << 20

let collect: Collect | undefined
let garbage = 0

/** Notes that an instance of so many bytes was let go. */
export function discarded(bytes: number): void {
  garbage += bytes
}

/**
 * The bytes that a copy used which ran once: of what it started with it touched a part, the rest was never there. A
 * collection takes milliseconds: after each 15th run of a program in Rust it was 30 times what the run takes.
 */
export const touched = (bytes: number, startBytes: number): number => bytes - startBytes + startBytes / 8

/**
 * Collects garbage now when enough was discarded, which takes milliseconds. The engine does not do so by itself in
 * time: five guests in a row that each filled a cap of 64 MiB made the process grow by 311 MiB.
 */
export function collectDiscarded(): void {
  if (garbage < GARBAGE_BYTES) return
  garbage = 0
  collect ??= exposed()
  collect()
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
