/** Receives the messages of a queue, and deletes each once its event is on disk. */

import { type Context, type Emit, GatewayError, type Source } from '#connector'
import type { SqsConfig } from './config.ts'
import { DeadLetters } from './dead-letters.ts'
import { eventOf, plainEvent } from './normalize.ts'
import { type Message, Queue } from './queue.ts'
import { Reader } from './reader.ts'
import { type Offered, Taking } from './taking.ts'

/** Longer than SQS may wait for messages before it answers. */
const PATIENCE_MS = 10_000

export class SqsSource implements Source {
  readonly #config: SqsConfig
  readonly #context: Context
  readonly #owner: string
  #queue: Queue | undefined
  #dead: DeadLetters | undefined
  #reader: Reader | undefined

  constructor(config: SqsConfig, context: Context) {
    this.#config = config
    this.#context = context
    this.#owner = `${context.name} (sqs)`
  }

  /** Rejects with SOURCE_UNAVAILABLE that names the queue, or what is wrong with the credentials for it. */
  async start(emit: Emit, signal: AbortSignal): Promise<void> {
    try {
      await this.#open(emit, signal)
    } catch (error) {
      this.#close()
      throw error
    }
  }

  async stop(): Promise<void> {
    await this.#reader?.stop()
    this.#close()
  }

  async #open(emit: Emit, signal: AbortSignal): Promise<void> {
    const { batch, dead_letter, endpoint, queue: given, receivers, region, visibility, wait } = this.#config
    const options = { region, endpoint, owner: this.#owner, timeoutMs: wait + PATIENCE_MS, attempts: 2 }
    const queue = await Queue.open({ ...options, queue: given }, 'SOURCE_UNAVAILABLE')
    this.#queue = queue
    const { arn, maxReceives } = await queue.checked()
    if (dead_letter !== undefined)
      this.#dead = await DeadLetters.open({ ...options, queue: dead_letter }, this.#context.name)
    if (signal.aborted)
      throw new GatewayError('SOURCE_UNAVAILABLE', `${this.#owner}: connecting: queue "${queue.name}" took too long`)
    this.#warnOfRedrive(maxReceives)
    const taking = this.#taking(emit)
    this.#reader = new Reader({
      queue,
      context: this.#context,
      owner: this.#owner,
      batch,
      receivers,
      visibilityMs: visibility,
      waitMs: wait,
      take: (message, receives, ending) =>
        taking.take({ id: message.MessageId ?? '', receives, events: [offered(message, arn)] }, ending),
    })
    this.#reader.start()
  }

  #taking(emit: Emit): Taking {
    const { max_backoff, max_receives } = this.#config
    const given = { owner: this.#owner, context: this.#context, emit, dead: this.#dead }
    return new Taking({ ...given, maxBackoffMs: max_backoff, maxReceives: max_receives })
  }

  #close(): void {
    this.#queue?.close()
    this.#dead?.close()
  }

  #warnOfRedrive(maxReceives: number | undefined): void {
    const { dead_letter, max_receives } = this.#config
    if (maxReceives === undefined || dead_letter === undefined) return
    if (max_receives !== undefined && max_receives < maxReceives) return
    this.#context.log.warn(
      { source: this.#context.name, maxReceiveCount: maxReceives },
      `${this.#owner}: connecting: the redrive policy of queue "${this.#queue?.name}" takes a message after ${maxReceives} receives, before dead_letter does; set max_receives to less`,
    )
  }
}

function offered(message: Message, arn: string): Offered {
  const carried = eventOf(message)
  return { event: carried ?? plainEvent(message, arn), made: carried === undefined }
}
