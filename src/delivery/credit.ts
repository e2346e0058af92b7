/** Room for more, as one number: sources ask it before they take a message from their upstream. */

import type { Credit } from '../connector/connector.ts'
import { GatewayError } from '../errors.ts'
import type { JournalStats } from '../journal/journal.ts'

export interface CreditLimits {
  /** Appends that may be under way at once. */
  readonly appends: number
  /** Deliveries that may wait in the journal. */
  readonly pending: number
  /** Bytes that the journal may take on disk. */
  readonly bytes: number
}

/** How long a refused caller is told to wait, and how often a waiting source looks again. */
const RETRY_AFTER_MS = 1_000
const LOOK_AGAIN_MS = 20

/** The journal's figures are read again when they are this old: they are asked for with each event. */
const FRESH_MS = 10

/** Counts appends under way and reads the journal's own figures. One for the whole gateway. */
export class JournalCredit implements Credit {
  readonly #limits: CreditLimits
  readonly #stats: () => JournalStats
  #held: JournalStats | undefined
  #heldAt = 0
  #appends = 0
  #stopping = false

  constructor(limits: CreditLimits, stats: () => JournalStats) {
    this.#limits = limits
    this.#stats = stats
  }

  /** From now on everything is refused: the gateway is stopping. */
  close(): void {
    this.#stopping = true
  }

  /** Counts one append for as long as it takes. */
  async hold<T>(append: Promise<T>): Promise<T> {
    this.#appends += 1
    try {
      return await append
    } finally {
      this.#appends -= 1
    }
  }

  refusal(): GatewayError | undefined {
    const after = { retryAfterMs: RETRY_AFTER_MS }
    if (this.#stopping)
      return new GatewayError('STOPPING', 'gateway: accepting: the gateway is stopping; send it again', after)
    if (this.#appends >= this.#limits.appends) {
      return new GatewayError(
        'OVERLOADED',
        `gateway: accepting: ${this.#appends} events are being written already`,
        after,
      )
    }
    const { bytes, pending } = this.#read()
    if (bytes >= this.#limits.bytes) {
      return new GatewayError(
        'JOURNAL_FULL',
        'journal: accepting: it has reached "journal.max_size"; settle or drop what is in it, or raise the limit',
        after,
      )
    }
    if (pending >= this.#limits.pending) {
      return new GatewayError(
        'OVERLOADED',
        `journal: accepting: ${pending} deliveries wait already ("journal.max_pending")`,
        after,
      )
    }
    return undefined
  }

  #read(): JournalStats {
    const now = performance.now()
    if (this.#held !== undefined && now - this.#heldAt < FRESH_MS) return this.#held
    this.#heldAt = now
    this.#held = this.#stats()
    return this.#held
  }

  async wait(signal: AbortSignal): Promise<void> {
    while (this.refusal()) {
      await new Promise<void>((resolve, reject) => {
        const timer = setTimeout(() => {
          signal.removeEventListener('abort', stop)
          resolve()
        }, LOOK_AGAIN_MS)
        const stop = () => {
          clearTimeout(timer)
          reject(signal.reason)
        }
        if (signal.aborted) stop()
        else signal.addEventListener('abort', stop, { once: true })
      })
    }
  }
}
