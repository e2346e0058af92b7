/** Offers the events of one message to the gateway, and decides what becomes of the message. */

import { setTimeout as sleep } from 'node:timers/promises'
import { type CloudEvent, type Context, type Emit, type GatewayError, toGatewayError } from '#connector'
import type { DeadLetters } from './dead-letters.ts'
import type { Outcome } from './reader.ts'

const FIRST_BACKOFF_MS = 1_000
const LOOK_AGAIN_MS = 1_000

/** An event, and whether it was made of a message that carried none. */
export interface Offered {
  readonly event: CloudEvent
  readonly made: boolean
}

/** One message, as it was received. */
export interface Received {
  readonly id: string
  /** How often, this time included. */
  readonly receives: number
  /** In order. */
  readonly events: readonly Offered[]
}

export interface TakingOptions {
  /** `jobs (sqs)` */
  readonly owner: string
  readonly context: Pick<Context, 'name' | 'log' | 'refused' | 'credit'>
  readonly emit: Emit
  readonly maxBackoffMs: number
  /** The queue gives up by itself what it has shown too often. */
  readonly redrives: boolean
  /** After so many receives a message goes to `dead`. */
  readonly maxReceives?: number | undefined
  readonly dead?: DeadLetters | undefined
}

export class Taking {
  readonly #options: TakingOptions

  constructor(options: TakingOptions) {
    this.#options = options
  }

  /** Resolves once all events are on disk, or it is known what becomes of the message. Never rejects. */
  async take(received: Received, signal: AbortSignal): Promise<Outcome> {
    for (const { event, made } of received.events) {
      const error = await this.#offer(event, made, signal)
      if (error) return this.#refused(received, event, error)
    }
    return 'taken'
  }

  /** Resolves with why the gateway does not take the event. */
  async #offer(event: CloudEvent, made: boolean, signal: AbortSignal): Promise<GatewayError | undefined> {
    const { context, dead, emit, redrives } = this.#options
    for (;;) {
      try {
        await emit(event, { made, ownDeadLetters: dead !== undefined || redrives })
        return undefined
      } catch (thrown) {
        const error = toGatewayError(thrown)
        // There was no room after all. The message is kept: each receive brings it nearer to a redrive policy.
        if (!isFull(error) || signal.aborted) return error
        await sleep(error.retryAfterMs ?? LOOK_AGAIN_MS, undefined, { signal }).catch(() => {})
        if (context.credit.refusal() !== undefined) await context.credit.wait(signal).catch(() => {})
      }
    }
  }

  async #refused({ id, receives }: Received, event: CloudEvent, error: GatewayError): Promise<Outcome> {
    const { context, dead, maxBackoffMs, maxReceives = Number.POSITIVE_INFINITY, owner } = this.#options
    context.refused?.(error, { address: '', event })
    const line = { source: context.name, message: id, code: error.code, receives }
    const isOver = !isFull(error) && (error.disposition === 'reject' || receives >= maxReceives)
    if (dead && isOver) {
      try {
        await dead.send(event, error, receives)
        context.log.error(line, `${owner}: taking a message: given up, sent to "${dead.name}": ${error.message}`)
        return 'taken'
      } catch (cause) {
        context.log.error(line, `${owner}: giving a message up: ${dead.reason(cause)}`)
      }
    }
    const backoff = Math.min(FIRST_BACKOFF_MS * 2 ** Math.min(receives - 1, 20), maxBackoffMs)
    const afterMs = isFull(error) ? 0 : Math.max(backoff, error.retryAfterMs ?? 0)
    context.log.warn({ ...line, again_in_ms: afterMs }, `${owner}: taking a message: not accepted: ${error.message}`)
    return { afterMs }
  }
}

const isFull = ({ code }: GatewayError): boolean =>
  code === 'OVERLOADED' || code === 'JOURNAL_FULL' || code === 'STOPPING'
