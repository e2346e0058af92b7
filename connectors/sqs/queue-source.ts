/** Reads a queue from start to stop, for every source that is fed by one: what its messages are is for the source to say. */

import { type Context, type Emit, GatewayError, type Source } from '#connector'
import { Queue, type QueueFacts, type QueueOptions } from './queue.ts'
import { Reader, type ReaderOptions } from './reader.ts'

/** Longer than SQS may wait for messages before it answers. */
const PATIENCE_MS = 10_000

/** A queue that is there. */
export interface Opened {
  readonly queue: Queue
  readonly facts: QueueFacts
  /** For other queues beside it. */
  readonly options: Omit<QueueOptions, 'queue'>
}

/** What a source makes of the messages. */
export interface Content {
  /** Resolves with the queue: its name, URL or ARN. */
  queue(): Promise<string>
  /** Resolves with what decides on each message, once the queue is there. What it rejects with fails the start. */
  taking(opened: Opened, emit: Emit): Promise<ReaderOptions['take']>
  /** Releases what those two have opened. */
  close(): void
}

export interface QueueSourceOptions extends Omit<ReaderOptions, 'context' | 'queue' | 'take'> {
  readonly context: Context
  readonly region: string | undefined
  readonly endpoint: string | undefined
}

export class QueueSource implements Source {
  readonly #options: QueueSourceOptions
  readonly #content: Content
  #queue: Queue | undefined
  #reader: Reader | undefined

  constructor(options: QueueSourceOptions, content: Content) {
    this.#options = options
    this.#content = content
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
    const { endpoint, owner, region, ...reading } = this.#options
    const options = { region, endpoint, owner, timeoutMs: reading.waitMs + PATIENCE_MS, attempts: 2 }
    const queue = await Queue.open({ ...options, queue: await this.#content.queue() }, 'SOURCE_UNAVAILABLE')
    this.#queue = queue
    const take = await this.#content.taking({ queue, facts: await queue.checked(), options }, emit)
    if (signal.aborted)
      throw new GatewayError('SOURCE_UNAVAILABLE', `${owner}: connecting: queue "${queue.name}" took too long`)
    this.#reader = new Reader({ ...reading, owner, queue, take })
    this.#reader.start()
  }

  #close(): void {
    this.#content.close()
    this.#queue?.close()
  }
}
