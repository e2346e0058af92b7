/** The queue for messages that the gateway refuses for good: their events, with why. */

import { type CloudEvent, type GatewayError, withExtensions } from '#connector'
import { toMessage } from './message.ts'
import { Queue, type QueueOptions } from './queue.ts'

export class DeadLetters {
  readonly #queue: Queue
  readonly #source: string

  private constructor(queue: Queue, source: string) {
    this.#queue = queue
    this.#source = source
  }

  /** Rejects with SOURCE_UNAVAILABLE when there is no such queue. `source` is the name of the source. */
  static async open(options: QueueOptions, source: string): Promise<DeadLetters> {
    return new DeadLetters(await Queue.open(options, 'SOURCE_UNAVAILABLE'), source)
  }

  get name(): string {
    return this.#queue.name
  }

  reason = (thrown: unknown): string => this.#queue.reason(thrown, 'sqs:SendMessage')

  /** Resolves once the queue holds it. */
  async send(event: CloudEvent, error: GatewayError, attempts: number): Promise<void> {
    const letter = withExtensions(event, {
      deadlettersource: this.#source,
      deadlettercode: error.detailCode ?? error.code,
      deadletterreason: printable(error.message).slice(0, 1_024),
      deadletterattempts: attempts,
      deadletterlasttime: new Date().toISOString(),
    })
    await this.#queue.send(toMessage(letter, { mode: 'structured', isFifo: this.#queue.isFifo }))
  }

  close(): void {
    this.#queue.close()
  }
}

const printable = (text: string): string => text.replace(/[\p{Cc}\p{Cs}\s]+/gu, ' ')
