/** What a guest may make its host hold or copy: none of it is covered by the cap of its own memory. */

import { HELD_BYTES, ITEM_BYTES, RESOURCES, RESULT_BYTES } from '../limits.ts'

/** Thrown when a guest returned more than its budget, or what is no value of the type. */
export class LiftError extends Error {}

/** Counts the live host resources of an instance, and what is kept in them: as long as it lives, not call by call. */
export class ResourceBudget {
  #left = RESOURCES
  #bytes = HELD_BYTES

  take(): void {
    if (--this.#left < 0) throw new WebAssembly.RuntimeError(`held more than ${RESOURCES} host resources at once`)
  }

  give(): void {
    this.#left++
  }

  /** Throws a LiftError when its host would hold more bytes for it than it may. */
  keep(bytes: number): void {
    this.#bytes -= bytes
    if (this.#bytes < 0) throw new LiftError(`it made its host hold more than ${HELD_BYTES >> 20} MiB at once`)
  }

  release(bytes: number): void {
    this.#bytes += bytes
  }

  /** True when so much was never given back that little is left for the next call. */
  get worn(): boolean {
    return this.#left < RESOURCES / 2 || this.#bytes < HELD_BYTES / 2
  }
}

/** Whose resources are counted: one guest runs at a time in a thread. */
class Holding {
  /** Of the guest that runs. One that waits takes it along, and puts it back when it goes on. */
  budget = new ResourceBudget()

  take(): ResourceBudget {
    this.budget.take()
    return this.budget
  }
}

export const holding = new Holding()

/**
 * Counts the bytes that are copied out of a guest between two calls of the host: a list of a million strings may name
 * one and the same megabyte, or nothing. One for all instances of a thread, which runs one guest at a time.
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

/** A guest begins: a call of it, or its start. */
export function resetBudgets(held = new ResourceBudget()): void {
  lifting.reset()
  holding.budget = held
}

/** Stands in for `buffer.slice` in what jco generates. */
export function liftSlice(buffer: ArrayBuffer, from: number, to: number): ArrayBuffer {
  lifting.take(to - from)
  return buffer.slice(from, to)
}

/** Stands before each loop over a list of a guest in what jco generates: an item takes room whatever is in it. */
export function liftList(items: number): void {
  lifting.take((items >>> 0) * ITEM_BYTES)
}

/** Stands in for TextDecoder in what jco generates. */
export class LiftDecoder extends TextDecoder {
  override decode(...[input, options]: Parameters<TextDecoder['decode']>): string {
    lifting.take(input?.byteLength ?? 0)
    return super.decode(input, options)
  }
}
