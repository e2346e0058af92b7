/** Publishes events on the embedded broker. */

import { type CloudEvent, type Context, GatewayError, type Sink, toGatewayError } from '#connector'
import type { MqttSinkConfig } from './config.ts'
import { toPublish } from './publish.ts'

export class MqttSink implements Sink {
  readonly #config: MqttSinkConfig
  readonly #context: Context

  constructor(config: MqttSinkConfig, context: Context) {
    this.#config = config
    this.#context = context
  }

  async start(_signal: AbortSignal): Promise<void> {}

  /** Resolves once the broker holds the message. Rejects with SINK_REJECTED when the event makes no topic. */
  async deliver(event: CloudEvent, _signal: AbortSignal): Promise<void> {
    const message = toPublish(event, this.#config)
    if (message.topic === '' || message.topic.startsWith('$'))
      throw new GatewayError(
        'SINK_REJECTED',
        `${this.#context.name} (mqtt): publishing: "${message.topic}" made of "${this.#config.topic}" is not a topic`,
      )
    try {
      await this.#context.broker.publish(message)
    } catch (cause) {
      const { disposition, message } = toGatewayError(cause)
      const code = disposition === 'reject' ? 'SINK_REJECTED' : 'SINK_UNAVAILABLE'
      throw new GatewayError(code, `${this.#context.name} (mqtt): publishing: ${message}`, { cause })
    }
  }

  async stop(): Promise<void> {}
}
