/** Writes events to topics, as an idempotent producer: in batches, each delivery resolving once its record is on every replica in sync. */

import { setMaxListeners } from 'node:events'
import type { CompressionTypes } from 'kafkajs'
import {
  type CloudEvent,
  type Context,
  Deadline,
  type ErrorCode,
  expandTemplate,
  GatewayError,
  type Sink,
} from '#connector'
import { type Client, loadKafka, openClient } from './client.ts'
import { TOPIC } from './config.ts'
import { Outbox } from './outbox.ts'
import { type OutgoingRecord, toRecord } from './record.ts'
import type { KafkaSinkConfig } from './sink-config.ts'
import { troubleOf } from './trouble.ts'
import { Writer } from './writer.ts'

export class KafkaSink implements Sink {
  readonly #config: KafkaSinkConfig
  readonly #context: Context
  readonly #outboxes = new Map<string, Outbox>()
  readonly #ending = new AbortController()
  #client: Client | undefined
  #codec: CompressionTypes | undefined
  #writer: Writer | undefined

  constructor(config: KafkaSinkConfig, context: Context) {
    this.#config = config
    this.#context = context
    setMaxListeners(0, this.#ending.signal)
  }

  /** Connects to nothing yet: the brokers may come later. */
  async start(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    const { CompressionTypes } = await loadKafka()
    const codecs = { none: 'None', gzip: 'GZIP', snappy: 'Snappy', lz4: 'LZ4', zstd: 'ZSTD' } as const
    this.#codec = CompressionTypes[codecs[this.#config.compression]]
    this.#client = await openClient(this.#config, this.#context.log, this.#context.name)
  }

  /**
   * Resolves once the record is written to all replicas in sync. Rejects with SINK_REJECTED when it never will be (its
   * size, its topic, the rights of this client), else with SINK_UNAVAILABLE; it may have been written even so.
   */
  async deliver(event: CloudEvent, signal: AbortSignal): Promise<void> {
    const topic = expandTemplate(this.#config.topic, event)
    if (!TOPIC.test(topic))
      throw this.#error('SINK_REJECTED', topic, `"${topic}" made of "${this.#config.topic}" is not a topic`)
    if (this.#ending.signal.aborted || signal.aborted) throw this.#ended(topic)
    const deadline = new Deadline(this.#config.timeout, signal, this.#ending.signal)
    try {
      await this.#outbox(topic).put(toRecord(event, this.#config), deadline.signal)
    } catch (thrown) {
      if (this.#ending.signal.aborted || signal.aborted) throw this.#ended(topic)
      if (deadline.passed) throw this.#error('SINK_UNAVAILABLE', topic, `no answer within ${this.#config.timeout} ms`)
      const { isFinal, kind, what } = troubleOf(thrown)
      throw this.#error(isFinal ? 'SINK_REJECTED' : 'SINK_UNAVAILABLE', topic, what, kind)
    } finally {
      deadline.end()
    }
  }

  /** What is under way ends; every connection is closed. */
  async stop(): Promise<void> {
    this.#ending.abort(new Error('the sink is stopping'))
    const writer = this.#writer
    this.#writer = undefined
    this.#client?.end()
    this.#client = undefined
    await writer?.close()
  }

  #outbox(topic: string): Outbox {
    const held = this.#outboxes.get(topic)
    if (held) return held
    // Topics made of attributes may be many: those with nothing to do are forgotten.
    if (this.#outboxes.size >= 1_000)
      for (const [name, outbox] of this.#outboxes) if (outbox.isEmpty) this.#outboxes.delete(name)
    const outbox = new Outbox(topic, (to, records) => this.#write(to, records))
    this.#outboxes.set(topic, outbox)
    return outbox
  }

  async #write(topic: string, records: readonly OutgoingRecord[]): Promise<void> {
    const client = this.#client
    if (client === undefined) throw new Error('it is stopped')
    this.#writer ??= new Writer(client.kafka, this.#config.timeout, this.#codec)
    const writer = this.#writer
    try {
      await writer.write(topic, records)
    } catch (error) {
      /*
       * A producer that failed once is not used again. After an error kafkajs takes its sequence numbers back, also for
       * what the brokers did write; the next batch of that size would then be taken for a repetition of it, and be
       * acknowledged without having been written.
       */
      if (this.#writer === writer) this.#writer = undefined
      void writer.close()
      throw error
    }
  }

  #ended(topic: string): GatewayError {
    const what = this.#ending.signal.aborted ? 'it is stopped' : 'it was not written in time'
    return this.#error('SINK_UNAVAILABLE', topic, what)
  }

  #error(
    code: Extract<ErrorCode, 'SINK_UNAVAILABLE' | 'SINK_REJECTED'>,
    topic: string,
    what: string,
    kind = what,
  ): GatewayError {
    const doing = `${this.#context.name} (kafka): writing to "${topic}" at ${this.#config.brokers.join(', ')}`
    return new GatewayError(code, `${doing}: ${what}`, { fingerprint: `kafka ${kind}` })
  }
}
