/** Room for more, as one number: sources ask it before they take a message from their upstream. */

import type { Credit } from '../connector/connector.ts'
import { GatewayError } from '../errors.ts'
import type { CloudEvent } from '../event/index.ts'
import type { JournalUse } from '../journal/journal.ts'
import { type Room, sizeOf } from './room.ts'

export interface CreditLimits {
  /** Appends that may be under way at once. */
  readonly appends: number
  /** Deliveries that may wait in the journal. */
  readonly pending: number
  /** Bytes that the journal may take on disk. */
  readonly bytes: number
}

/** How long a refused caller is told to wait, and how often a waiting source looks again. */
const AFTER = { retryAfterMs: 1_000 }
const LOOK_AGAIN_MS = 20

/** A refusal for want of room is remembered this long: a full disk may still take something small in between. */
const FULL_MS = 2_000
/** Nothing else is tried for so long after an append found no room: a thousand that wait would all find none. */
const REST_MS = 100

/** Counts appends under way and reads the journal's own figures. One for the whole gateway. */
export class JournalCredit implements Credit, Room {
  readonly #limits: CreditLimits
  readonly #used: () => JournalUse
  #appends = 0
  #stopping = false
  #fullAt = Number.NEGATIVE_INFINITY
  /** The last append found no room. */
  #isTight = false
  /** Those who wait for room, in the order in which they came. */
  readonly #waiting = new Set<() => void>()
  #looking: NodeJS.Timeout | undefined

  /** `used` is asked with each event. */
  constructor(limits: CreditLimits, used: () => JournalUse) {
    this.#limits = limits
    this.#used = used
  }

  /** From now on everything is refused: the gateway is stopping. */
  close(): void {
    this.#stopping = true
  }

  /** Counts one append for as long as it takes. */
  async hold<T>(append: Promise<T>): Promise<T> {
    this.#appends += 1
    try {
      const appended = await append
      this.#isTight = false
      return appended
    } catch (error) {
      if (error instanceof GatewayError && error.code === 'JOURNAL_FULL') {
        this.#fullAt = performance.now()
        this.#isTight = true
      }
      throw error
    } finally {
      this.#appends -= 1
    }
  }

  /** Whether an append found no room a moment ago. */
  get full(): boolean {
    return performance.now() - this.#fullAt < FULL_MS
  }

  /** Whether half of the room is taken: what waits without end is to leave the rest to others. */
  get crowded(): boolean {
    const { bytes, pending } = this.#used()
    return bytes >= this.#limits.bytes / 2 || pending >= this.#limits.pending / 2
  }

  couldHold(events: readonly CloudEvent[]): boolean {
    return events.reduce((sum, event) => sum + sizeOf(event), 0) <= this.#limits.bytes
  }

  hasRoomFor(event: CloudEvent): boolean {
    return this.#used().bytes + sizeOf(event) <= this.#limits.bytes
  }

  refusal(): GatewayError | undefined {
    if (this.#stopping)
      return new GatewayError('STOPPING', 'gateway: accepting: the gateway is stopping; send it again', AFTER)
    if (this.#appends >= this.#limits.appends) {
      return new GatewayError(
        'OVERLOADED',
        `gateway: accepting: ${this.#appends} events are being written already`,
        AFTER,
      )
    }
    const { bytes, pending } = this.#used()
    if (bytes >= this.#limits.bytes || (this.#isTight && performance.now() - this.#fullAt < REST_MS)) {
      return new GatewayError(
        'JOURNAL_FULL',
        'journal: accepting: it has reached "journal.max_size"; settle or drop what is in it, or raise the limit',
        AFTER,
      )
    }
    if (pending >= this.#limits.pending) {
      return new GatewayError(
        'OVERLOADED',
        `journal: accepting: ${pending} deliveries wait already ("journal.max_pending")`,
        AFTER,
      )
    }
    return undefined
  }

  async wait(signal: AbortSignal): Promise<void> {
    while (this.refusal()) await this.#turn(signal)
  }

  /** Resolves when there may be room. One timer for all: a source may have a thousand that wait. */
  #turn(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.reject(signal.reason)
    const { promise, reject, resolve } = Promise.withResolvers<void>()
    const go = () => {
      this.#leave(go)
      signal.removeEventListener('abort', stop)
      resolve()
    }
    const stop = () => {
      this.#leave(go)
      reject(signal.reason)
    }
    signal.addEventListener('abort', stop, { once: true })
    this.#waiting.add(go)
    this.#looking ??= setInterval(this.#look, LOOK_AGAIN_MS)
    return promise
  }

  /** When the last append found no room, one of them tries whether there is any by now. */
  readonly #look = (): void => {
    if (this.refusal()) return
    for (const go of [...this.#waiting].slice(0, this.#isTight ? 1 : this.#waiting.size)) go()
  }

  #leave(go: () => void): void {
    this.#waiting.delete(go)
    if (this.#waiting.size > 0) return
    clearInterval(this.#looking)
    this.#looking = undefined
  }
}
