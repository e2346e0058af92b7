/** Sends events to a queue. */

import { type CloudEvent, type Context, Deadline, type ErrorOptions, GatewayError, type Sink } from '#connector'
import type { SqsSinkConfig } from './config.ts'
import { toMessage } from './message.ts'
import { isForGood, retryAfterOf } from './problem.ts'
import { Queue } from './queue.ts'

export class SqsSink implements Sink {
  readonly #config: SqsSinkConfig
  readonly #owner: string
  readonly #ending = new AbortController()
  #queue: Queue | undefined

  constructor(config: SqsSinkConfig, context: Context) {
    this.#config = config
    this.#owner = `${context.name} (sqs)`
  }

  /** Rejects with SINK_UNAVAILABLE that names the queue, or what is wrong with the credentials for it. */
  async start(signal: AbortSignal): Promise<void> {
    const { endpoint, queue, region, timeout } = this.#config
    const options = { queue, region, endpoint, owner: this.#owner, timeoutMs: timeout }
    // One attempt: the route knows when to try again, and says so.
    this.#queue = await Queue.open({ ...options, attempts: 1 }, 'SINK_UNAVAILABLE')
    signal.throwIfAborted()
  }

  /** Resolves once SQS holds the message. Rejects with SINK_REJECTED what SQS will never take, else with SINK_UNAVAILABLE. */
  async deliver(event: CloudEvent, signal: AbortSignal): Promise<void> {
    const queue = this.#queue
    if (queue === undefined || this.#ending.signal.aborted) throw this.#error('SINK_UNAVAILABLE', 'it is stopped')
    if (signal.aborted) throw this.#error('SINK_UNAVAILABLE', 'there was no time left')
    const message = this.#written(event, queue)
    // The client has a time of its own.
    const work = new Deadline(Number.POSITIVE_INFINITY, signal, this.#ending.signal)
    try {
      // No error is passed on as a cause: it holds the whole answer.
      await queue.send(message, work.signal)
    } catch (cause) {
      const why = queue.reason(cause, 'sqs:SendMessage')
      const retryAfterMs = retryAfterOf(cause)
      if (isForGood(cause)) throw this.#error('SINK_REJECTED', why, { fingerprint: nameOf(cause) })
      throw this.#error('SINK_UNAVAILABLE', why, retryAfterMs === undefined ? {} : { retryAfterMs })
    } finally {
      work.end()
    }
  }

  /** What is under way ends. */
  async stop(): Promise<void> {
    this.#ending.abort()
    this.#queue?.close()
    this.#queue = undefined
  }

  #written(event: CloudEvent, { isFifo }: Queue) {
    const { group, mode } = this.#config
    try {
      return toMessage(event, { mode, isFifo, group })
    } catch (cause) {
      const why = `the event cannot be written: ${cause instanceof Error ? cause.message : cause}`
      throw this.#error('SINK_REJECTED', why, { fingerprint: 'sqs message' })
    }
  }

  #error(code: 'SINK_REJECTED' | 'SINK_UNAVAILABLE', why: string, options: ErrorOptions = {}): GatewayError {
    return new GatewayError(code, `${this.#owner}: sending: ${why}`, options)
  }
}

const nameOf = (cause: unknown): string => `sqs ${cause instanceof Error ? cause.name : 'error'}`
