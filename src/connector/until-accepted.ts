/** Offers what its upstream will not send again by itself until the gateway has it: with back-off, while there is credit. */

import { setTimeout as sleep } from 'node:timers/promises'
import { type GatewayError, toGatewayError } from '../errors.ts'
import type { Credit } from './connector.ts'

export interface UntilAcceptedOptions {
  readonly credit: Credit
  /** Ends it. */
  readonly signal: AbortSignal
  /** The wait after the first refusal doubles with each other one, up to the longest. Milliseconds. */
  readonly firstMs: number
  readonly longestMs: number
}

export class UntilAccepted {
  readonly #options: UntilAcceptedOptions

  constructor(options: UntilAcceptedOptions) {
    this.#options = options
  }

  /**
   * Calls `emit` until it resolves, each time once there is room, and resolves with that. `refused` hears of each time
   * that it rejects. Rejects with the reason of the signal, also when `emit` rejects after that is aborted.
   */
  async offer<T>(emit: () => Promise<T>, refused: (error: GatewayError) => void): Promise<T> {
    const { credit, firstMs, longestMs, signal } = this.#options
    for (let delay = firstMs; ; delay = Math.min(delay * 2, longestMs)) {
      signal.throwIfAborted()
      if (credit.refusal() !== undefined) await credit.wait(signal)
      signal.throwIfAborted()
      try {
        return await emit()
      } catch (thrown) {
        signal.throwIfAborted()
        const error = toGatewayError(thrown)
        refused(error)
        await sleep(Math.max(delay, error.retryAfterMs ?? 0), undefined, { signal }).catch(() => {})
      }
    }
  }
}
