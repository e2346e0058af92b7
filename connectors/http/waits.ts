/** Callers that wait for a reply: until it comes, their time is up, they go away, or the gateway stops. */

import type { ServerResponse } from 'node:http'

/** Why a wait ended without a reply. */
export type WaitEnd = 'time' | 'gone' | 'stopping' | 'done'

export interface Wait {
  /** Aborted with a WaitEnd as its reason. */
  readonly signal: AbortSignal
  end(reason: WaitEnd): void
  /** The reply is here: there is nothing left to end. */
  over(): void
}

export class Waits {
  readonly #open = new Set<Wait>()

  /** Begins a wait of at most `ms`, that ends when the connection of `response` closes. */
  begin(ms: number, response: ServerResponse): Wait {
    const controller = new AbortController()
    const onClose = (): void => {
      if (!response.writableFinished) wait.end('gone')
    }
    const wait: Wait = {
      signal: controller.signal,
      end: (reason) => {
        if (this.#open.has(wait)) controller.abort(reason)
        wait.over()
      },
      over: () => {
        if (!this.#open.delete(wait)) return
        clearTimeout(timer)
        response.off('close', onClose)
      },
    }
    const timer = setTimeout(() => wait.end('time'), ms)
    response.once('close', onClose)
    this.#open.add(wait)
    if (response.destroyed) onClose()
    return wait
  }

  /** Ends every wait. */
  endAll(): void {
    for (const wait of this.#open) wait.end('stopping')
  }
}
