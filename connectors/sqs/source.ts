/** Receives the messages of a queue, and deletes each once its event is on disk. */

import type { Context, Emit, Source } from '#connector'
import type { SqsConfig } from './config.ts'
import { DeadLetters } from './dead-letters.ts'
import { eventOf, plainEvent } from './normalize.ts'
import type { Message } from './queue.ts'
import { type Content, type Opened, QueueSource } from './queue-source.ts'
import type { ReaderOptions } from './reader.ts'
import { type Offered, Taking } from './taking.ts'

export function createSource(config: SqsConfig, context: Context): Source {
  const { batch, endpoint, receivers, region, visibility: visibilityMs, wait: waitMs } = config
  const owner = `${context.name} (sqs)`
  const options = { owner, context, region, endpoint, batch, receivers, visibilityMs, waitMs }
  return new QueueSource(options, new Messages(config, context, owner))
}

/** One event of each message. */
class Messages implements Content {
  readonly #config: SqsConfig
  readonly #context: Context
  readonly #owner: string
  #dead: DeadLetters | undefined

  constructor(config: SqsConfig, context: Context, owner: string) {
    this.#config = config
    this.#context = context
    this.#owner = owner
  }

  queue = async (): Promise<string> => this.#config.queue

  async taking({ facts, options, queue }: Opened, emit: Emit): Promise<ReaderOptions['take']> {
    const { dead_letter, max_backoff, max_receives } = this.#config
    if (dead_letter !== undefined)
      this.#dead = await DeadLetters.open({ ...options, queue: dead_letter }, this.#context.name)
    this.#warnOfRedrive(queue.name, facts.maxReceives)
    const redrives = facts.maxReceives !== undefined
    const given = { owner: this.#owner, context: this.#context, emit, redrives, dead: this.#dead }
    const taking = new Taking({ ...given, maxBackoffMs: max_backoff, maxReceives: max_receives })
    return (message, receives, ending) =>
      taking.take({ id: message.MessageId ?? '', receives, events: [offered(message, facts.arn)] }, ending)
  }

  close(): void {
    this.#dead?.close()
  }

  #warnOfRedrive(queue: string, maxReceives: number | undefined): void {
    const { dead_letter, max_receives } = this.#config
    if (maxReceives === undefined || dead_letter === undefined) return
    if (max_receives !== undefined && max_receives < maxReceives) return
    this.#context.log.warn(
      { source: this.#context.name, maxReceiveCount: maxReceives },
      `${this.#owner}: connecting: the redrive policy of queue "${queue}" takes a message after ${maxReceives} receives, before dead_letter does; set max_receives to less`,
    )
  }
}

function offered(message: Message, arn: string): Offered {
  const carried = eventOf(message)
  return { event: carried ?? plainEvent(message, arn), made: carried === undefined }
}
