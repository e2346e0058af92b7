/** The messages that the gateway has: hidden from others until they are deleted, put back, or lost. */

import { setTimeout as sleep } from 'node:timers/promises'
import { Batcher } from './batcher.ts'
import type { Message, Queue } from './queue.ts'

/** A delete that SQS did not do is tried again so often; then the message comes again, as a duplicate. */
const DELETES = 6
const FIRST_RETRY_MS = 200

/** One received message. */
export interface Lease {
  readonly message: Message
  readonly receipt: string
  /** How often it was received, this time included. */
  readonly receives: number
  /** Milliseconds since the epoch. */
  readonly sentAt: number
  /** SQS has shown it to others again: nothing may be done for it any more. */
  lost: boolean
  /** `performance.now()` of the last time that it was hidden. */
  hiddenAt: number
}

export interface LeasesOptions {
  readonly queue: Pick<Queue, 'delete' | 'hide'>
  readonly visibilityMs: number
  /** Hears of requests that SQS did not do, and of messages that were lost. */
  readonly troubled: (doing: string, error: unknown) => void
}

export class Leases {
  readonly #options: LeasesOptions
  readonly #held = new Set<Lease>()
  readonly #deletes: Batcher<string>
  readonly #hides: Batcher<readonly [receipt: string, ms: number]>
  #timer: NodeJS.Timeout | undefined

  constructor(options: LeasesOptions) {
    this.#options = options
    this.#deletes = new Batcher((receipts) => options.queue.delete(receipts))
    this.#hides = new Batcher((entries) => options.queue.hide(entries))
  }

  get size(): number {
    return this.#held.size
  }

  /** When the oldest of them was sent; undefined when there is none. */
  get oldest(): number | undefined {
    let oldest: number | undefined
    for (const { sentAt } of this.#held) oldest = Math.min(oldest ?? sentAt, sentAt)
    return oldest
  }

  /** Keeps a message hidden from now on. `at` is when it was asked for: it has been hidden since then at the earliest. */
  take(message: Message, at: number): Lease {
    const { Attributes, ReceiptHandle = '' } = message
    const lease: Lease = {
      message,
      receipt: ReceiptHandle,
      receives: Number(Attributes?.ApproximateReceiveCount ?? 1),
      sentAt: Number(Attributes?.SentTimestamp ?? Date.now()),
      lost: false,
      hiddenAt: at,
    }
    this.#held.add(lease)
    this.#timer ??= setInterval(() => this.#renew(), this.#options.visibilityMs / 6)
    return lease
  }

  /** Resolves once SQS has forgotten the message, or will show it again as it was lost. Never rejects. */
  async delete(lease: Lease): Promise<void> {
    for (let tried = 1; !lease.lost; tried += 1) {
      try {
        const failure = await this.#deletes.add(lease.receipt)
        if (failure === undefined) break
        if (failure.ours) lease.lost = true
        throw new Error(`a message was not deleted: ${failure.code}`)
      } catch (error) {
        this.#options.troubled('deleting messages', error)
        if (lease.lost || tried === DELETES) break
        await sleep(FIRST_RETRY_MS * 2 ** (tried - 1))
      }
    }
    this.#drop(lease)
  }

  /** Has the message shown again after so long. Resolves once it is told, or could not be. Never rejects. */
  async putBack(lease: Lease, afterMs: number): Promise<void> {
    this.#held.delete(lease)
    try {
      if (!lease.lost) await this.#hides.add([lease.receipt, afterMs])
    } catch (error) {
      // It is shown when its time is over.
      this.#options.troubled('putting messages back', error)
    }
    this.#drop(lease)
  }

  #drop(lease: Lease): void {
    this.#held.delete(lease)
    if (this.#held.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  /** Hides anew what was hidden a third of its time ago. */
  #renew(): void {
    const { visibilityMs } = this.#options
    const now = performance.now()
    for (const lease of this.#held)
      if (!lease.lost && now - lease.hiddenAt >= visibilityMs / 3) void this.#extend(lease, now)
  }

  async #extend(lease: Lease, now: number): Promise<void> {
    const before = lease.hiddenAt
    lease.hiddenAt = now
    try {
      const failure = await this.#hides.add([lease.receipt, this.#options.visibilityMs])
      if (failure === undefined || !this.#held.has(lease)) return
      lease.lost = failure.ours
      if (!failure.ours) lease.hiddenAt = before
      this.#options.troubled('hiding messages', new Error(`a message is not hidden any longer: ${failure.code}`))
    } catch (error) {
      lease.hiddenAt = before
      this.#options.troubled('hiding messages', error)
    }
  }
}
