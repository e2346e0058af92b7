/** One idempotent producer, from its first batch to its first error. */

import { createRequire } from 'node:module'
import type { CompressionTypes, Kafka, Producer } from 'kafkajs'
import type { OutgoingRecord } from './record.ts'

type Partitioners = typeof import('kafkajs')['Partitioners']

export class Writer {
  readonly #producer: Producer
  readonly #timeoutMs: number
  readonly #compression: CompressionTypes | undefined
  #connecting: Promise<void> | undefined
  #closing: Promise<void> | undefined
  readonly #busy = new Set<Promise<unknown>>()

  constructor(kafka: Kafka, timeoutMs: number, compression: CompressionTypes | undefined) {
    const { DefaultPartitioner } = (createRequire(import.meta.url)('kafkajs') as { Partitioners: Partitioners })
      .Partitioners
    this.#timeoutMs = timeoutMs
    this.#compression = compression
    this.#producer = kafka.producer({
      idempotent: true,
      maxInFlightRequests: 1,
      allowAutoTopicCreation: false,
      // The same key goes where Java's clients send it.
      createPartitioner: DefaultPartitioner,
      // Without a bound kafkajs tries for ever, and nobody would hear that the brokers are away.
      retry: { initialRetryTime: 100, maxRetryTime: 1_000, retries: 3 },
    })
  }

  /** Resolves once all records are written. Rejects with the first error, or when there is no answer in time. */
  async write(topic: string, records: readonly OutgoingRecord[]): Promise<void> {
    const { promise: late, reject } = Promise.withResolvers<never>()
    const timer = setTimeout(() => reject(new Error(`no answer within ${this.#timeoutMs} ms`)), this.#timeoutMs)
    const work = this.#send(topic, records)
    this.#busy.add(work)
    work.catch(() => {}).finally(() => this.#busy.delete(work))
    try {
      await Promise.race([work, late])
    } finally {
      clearTimeout(timer)
    }
  }

  /** Closes the connections once what others have under way on them has ended. Never rejects. */
  close(): Promise<void> {
    this.#closing ??= Promise.allSettled(this.#busy).then(() => this.#producer.disconnect().catch(() => {}))
    return this.#closing
  }

  async #send(topic: string, records: readonly OutgoingRecord[]): Promise<void> {
    this.#connecting ??= this.#producer.connect()
    await this.#connecting
    const compression = this.#compression === undefined ? {} : { compression: this.#compression }
    await this.#producer.send({ topic, messages: [...records], acks: -1, timeout: this.#timeoutMs, ...compression })
  }
}
