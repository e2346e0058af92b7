/** Reads a queue: asks for what there is room for, keeps it hidden, and deletes each message once it was taken. */

import { setTimeout as sleep } from 'node:timers/promises'
import type { Context } from '#connector'
import { type Lease, Leases } from './leases.ts'
import { type Message, type Queue, RECEIVING } from './queue.ts'

/** What becomes of a message: it is deleted, or shown again after so long. */
export type Outcome = 'taken' | { readonly afterMs: number }

export interface ReaderOptions {
  readonly queue: Queue
  readonly context: Pick<Context, 'name' | 'log' | 'meter' | 'credit' | 'maxInFlight'>
  /** `jobs (sqs)` */
  readonly owner: string
  readonly batch: number
  readonly receivers: number
  readonly visibilityMs: number
  readonly waitMs: number
  /** Decides on one message; must not reject. */
  take(message: Message, receives: number, signal: AbortSignal): Promise<Outcome>
}

const RETRY_MS = { first: 200, cap: 20_000 }
/** A request for fewer than a batch waits so long for more room. */
const ROOM_MS = 10
const LOOK_MS = 15_000

export class Reader {
  readonly #options: ReaderOptions
  readonly #leases: Leases
  readonly #ending = new AbortController()
  /** The last message of each group, where the queue keeps groups in order. */
  readonly #groups = new Map<string, Promise<boolean>>()
  readonly #working = new Set<Promise<unknown>>()
  #room = Promise.withResolvers<void>()
  #backlog = Promise.withResolvers<void>()
  #troubled = false
  #stopped: Promise<void> | undefined

  constructor(options: ReaderOptions) {
    this.#options = options
    const { queue, visibilityMs } = options
    this.#leases = new Leases({ queue, visibilityMs, troubled: (doing, error) => this.#trouble(doing, error) })
  }

  /** Receives from now on, until `stop`. */
  start(): void {
    for (let receiver = 0; receiver < this.#options.receivers; receiver += 1) this.#work(this.#receive(receiver))
    this.#work(this.#look())
  }

  /** Resolves once what was being taken is taken and deleted, and everything else is shown to others again. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop()
    return this.#stopped
  }

  async #stop(): Promise<void> {
    this.#ending.abort()
    while (this.#working.size > 0) await Promise.all(this.#working)
    this.#options.context.meter.ended()
  }

  #work(work: Promise<unknown>): void {
    this.#working.add(work)
    void work.finally(() => this.#working.delete(work))
  }

  /** The first receiver waits for messages; the others help while there is a backlog. */
  async #receive(receiver: number): Promise<void> {
    const { signal } = this.#ending
    const { context, waitMs } = this.#options
    for (let delay = RETRY_MS.first; !signal.aborted; ) {
      try {
        if (receiver > 0) await unless(signal, this.#backlog.promise)
        await context.credit.wait(signal)
        const full = await this.#once(receiver === 0 ? waitMs : 0, signal)
        if (full) this.#backlog.resolve()
        else this.#backlog = Promise.withResolvers()
        delay = RETRY_MS.first
        this.#recovered()
      } catch (error) {
        if (signal.aborted) return
        this.#trouble('receiving messages', error)
        await pause(delay * (0.5 + Math.random() / 2), signal)
        delay = Math.min(delay * 2, RETRY_MS.cap)
      }
    }
  }

  /** Resolves with whether as many came as were asked for. */
  async #once(waitMs: number, signal: AbortSignal): Promise<boolean> {
    const { batch, queue, visibilityMs } = this.#options
    const count = await this.#reserve(batch, signal)
    const at = performance.now()
    try {
      const messages = await queue.receive({ count, hiddenMs: visibilityMs, waitMs }, signal)
      for (const message of messages) this.#work(this.#handle(this.#leases.take(message, at)))
      return messages.length === count
    } finally {
      this.#reserved -= count
    }
  }

  #reserved = 0

  /** Resolves with how many may be asked for: a whole batch, or what there is room for after a moment. */
  async #reserve(batch: number, signal: AbortSignal): Promise<number> {
    const most = Math.min(batch, this.#options.context.maxInFlight)
    for (let waited = false; ; ) {
      signal.throwIfAborted()
      const free = this.#options.context.maxInFlight - this.#leases.size - this.#reserved
      if (free >= most || (waited && free > 0)) {
        const count = Math.min(free, most)
        this.#reserved += count
        return count
      }
      if (free > 0) await pause(ROOM_MS, signal)
      else await unless(signal, this.#room.promise)
      waited = free > 0
    }
  }

  async #handle(lease: Lease): Promise<void> {
    const group = this.#options.queue.isFifo ? lease.message.Attributes?.MessageGroupId : undefined
    if (group === undefined) await this.#settle(lease)
    else await this.#inOrder(group, lease)
    this.#room.resolve()
    this.#room = Promise.withResolvers()
  }

  /** After the one before it of its group; put back at once when that was, or it would overtake it. */
  async #inOrder(group: string, lease: Lease): Promise<void> {
    const before = this.#groups.get(group) ?? Promise.resolve(true)
    const mine = before.then((taken) =>
      taken ? this.#settle(lease) : this.#leases.putBack(lease, 0).then(() => false),
    )
    this.#groups.set(group, mine)
    await mine
    if (this.#groups.get(group) === mine) this.#groups.delete(group)
  }

  /** Resolves with whether the message was taken. */
  async #settle(lease: Lease): Promise<boolean> {
    const { signal } = this.#ending
    const { credit } = this.#options.context
    if (credit.refusal() !== undefined) await credit.wait(signal).catch(() => {})
    if (lease.lost || signal.aborted) {
      await this.#leases.putBack(lease, 0)
      return false
    }
    const outcome = await this.#options.take(lease.message, lease.receives, signal)
    if (outcome === 'taken') await this.#leases.delete(lease)
    else await this.#leases.putBack(lease, outcome.afterMs)
    return outcome === 'taken'
  }

  /** Tells how far behind the source is, now and then. */
  async #look(): Promise<void> {
    const { signal } = this.#ending
    const { context, queue } = this.#options
    while (!signal.aborted) {
      try {
        const { held } = await queue.facts()
        const { oldest, size } = this.#leases
        const age = oldest ?? (held === 0 ? null : undefined)
        context.meter.stands({ lag: held, inFlight: size, ...(age !== undefined && { oldest: age }) })
      } catch (error) {
        this.#trouble('asking for the length of the queue', error)
      }
      await pause(LOOK_MS, signal)
    }
  }

  /** Told once, until it is over; then counted. */
  #trouble(doing: string, error: unknown): void {
    if (this.#ending.signal.aborted) return
    const { context, owner, queue } = this.#options
    context.meter.troubled()
    if (this.#troubled) return
    this.#troubled = true
    const what = queue.reason(error, RECEIVING)
    context.log.warn({ source: context.name }, `${owner}: ${doing}: ${what}; trying again`)
  }

  #recovered(): void {
    if (!this.#troubled) return
    this.#troubled = false
    const { context, owner } = this.#options
    context.meter.reconnected()
    context.log.info({ source: context.name }, `${owner}: receiving again`)
  }
}

const pause = (ms: number, signal: AbortSignal): Promise<void> => sleep(ms, undefined, { signal }).catch(() => {})

/** Resolves with `promise`, or rejects when `signal` is aborted; leaves no listener behind. */
async function unless(signal: AbortSignal, promise: Promise<void>): Promise<void> {
  signal.throwIfAborted()
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const abort = () => reject(signal.reason)
  signal.addEventListener('abort', abort, { once: true })
  await Promise.race([promise, aborted]).finally(() => signal.removeEventListener('abort', abort))
}
