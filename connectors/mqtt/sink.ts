/** Publishes events on the embedded broker. */

import { type CloudEvent, type Context, GatewayError, type Sink, toGatewayError } from '#connector'
import type { MqttSinkConfig } from './config.ts'
import { toPublish } from './publish.ts'

export class MqttSink implements Sink {
  readonly #config: MqttSinkConfig
  readonly #context: Context
  /** Ends each publish that the broker has not taken yet. */
  readonly #open = new Set<() => void>()
  #stopped = false

  constructor(config: MqttSinkConfig, context: Context) {
    this.#config = config
    this.#context = context
  }

  async start(_signal: AbortSignal): Promise<void> {}

  /**
   * Resolves once the broker holds the message. Rejects with SINK_REJECTED when the event makes no topic, with
   * SINK_UNAVAILABLE when the broker cannot take it now, or `signal` is aborted before it has.
   */
  async deliver(event: CloudEvent, signal: AbortSignal): Promise<void> {
    const message = toPublish(event, this.#config)
    if (message.topic === '' || message.topic.startsWith('$'))
      throw this.#error('SINK_REJECTED', `"${message.topic}" made of "${this.#config.topic}" is not a topic`)
    if (this.#stopped || signal.aborted) throw this.#ended()
    try {
      await this.#within(this.#context.broker.publish(message), signal)
    } catch (cause) {
      if (this.#stopped || signal.aborted) throw this.#ended()
      const { disposition, message, retryAfterMs } = toGatewayError(cause)
      const code = disposition === 'reject' ? 'SINK_REJECTED' : 'SINK_UNAVAILABLE'
      throw this.#error(code, message, { cause, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) })
    }
  }

  /** What the broker has not taken by then ends. */
  async stop(): Promise<void> {
    this.#stopped = true
    for (const end of this.#open) end()
  }

  /** A publish cannot be taken back, and may wait long for a slow client: it is left to itself. */
  #within(published: Promise<void>, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const over = () => {
        this.#open.delete(end)
        signal.removeEventListener('abort', end)
      }
      const end = () => {
        over()
        reject(signal.reason)
      }
      this.#open.add(end)
      signal.addEventListener('abort', end, { once: true })
      published.then(
        () => {
          over()
          resolve()
        },
        (error: unknown) => {
          over()
          reject(error)
        },
      )
    })
  }

  #ended(): GatewayError {
    return this.#error('SINK_UNAVAILABLE', this.#stopped ? 'it is stopped' : 'the broker did not take it in time')
  }

  #error(
    code: 'SINK_REJECTED' | 'SINK_UNAVAILABLE',
    why: string,
    options?: { readonly cause?: unknown; readonly retryAfterMs?: number },
  ): GatewayError {
    return new GatewayError(code, `${this.#context.name} (mqtt): publishing: ${why}`, options)
  }
}
