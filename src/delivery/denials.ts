/** What the last calls were denied: the journal does not keep it, and somebody asks why nothing came of one. */

import type { Denial } from '../pool/pool.ts'

/** Calls that are remembered. */
const MOST = 1_024
/** Messages of one call, over all its attempts. */
const MESSAGES = 32

/** One message, and the function that it is about. */
export interface Told {
  readonly function: string
  readonly message: string
}

export class Denials {
  /** Oldest first. */
  readonly #held = new Map<string, readonly Told[]>()

  add({ callId, function: name, message }: Denial): void {
    const told = [...(this.#held.get(callId) ?? [])]
    if (told.length < MESSAGES && !told.some((one) => one.function === name && one.message === message))
      told.push({ function: name, message })
    this.#held.delete(callId)
    this.#held.set(callId, told)
    const [oldest] = this.#held.keys()
    if (this.#held.size > MOST && oldest !== undefined) this.#held.delete(oldest)
  }

  /** Of a call, in the order in which they were first told. */
  of(callId: string): readonly Told[] {
    return this.#held.get(callId) ?? []
  }
}
