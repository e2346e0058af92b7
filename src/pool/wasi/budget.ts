/** What a guest may make its host hold or copy: none of it is covered by the cap of its own memory. */

import { RESOURCES, RESULT_BYTES } from '../limits.ts'

/** Thrown when a guest returned more than its budget, or what is no value of the type. */
export class LiftError extends Error {}

/** Counts the live host resources of an instance: each costs host memory that the guest's own cap does not cover. */
export class ResourceBudget {
  /** Of a guest that waits it is put aside, and put back when it goes on. */
  left = RESOURCES

  take(): void {
    if (--this.left < 0) throw new WebAssembly.RuntimeError(`held more than ${RESOURCES} host resources at once`)
  }

  give(): void {
    this.left++
  }

  /** Another guest runs, or another call of it. */
  reset(): void {
    this.left = RESOURCES
  }
}

/** Resources that guests make themselves, counted by call: one guest runs at a time in a thread. */
export const holding = new ResourceBudget()

/**
 * Counts the bytes that are copied out of a guest between two calls of the host: a list of a million strings may name
 * one and the same megabyte. One for all instances of a thread, which runs one guest at a time.
 */
class LiftBudget {
  #left = RESULT_BYTES

  take(bytes: number): void {
    this.#left -= bytes
    if (this.#left < 0) throw new LiftError(`it passed more than ${RESULT_BYTES >> 20} MiB to its host at once`)
  }

  /** What was copied has arrived. */
  reset(): void {
    this.#left = RESULT_BYTES
  }
}

export const lifting = new LiftBudget()

/** A call of a guest begins. */
export function resetBudgets(): void {
  lifting.reset()
  holding.reset()
}

/** Stands in for `buffer.slice` in what jco generates. */
export function liftSlice(buffer: ArrayBuffer, from: number, to: number): ArrayBuffer {
  lifting.take(to - from)
  return buffer.slice(from, to)
}

/** Stands in for TextDecoder in what jco generates. */
export class LiftDecoder extends TextDecoder {
  override decode(...[input, options]: Parameters<TextDecoder['decode']>): string {
    lifting.take(input?.byteLength ?? 0)
    return super.decode(input, options)
  }
}
