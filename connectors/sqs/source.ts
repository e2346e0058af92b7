/** Receives the messages of a queue, and deletes each once its event is on disk. */

import { setTimeout as sleep } from 'node:timers/promises'
import { type CloudEvent, type Context, type Emit, GatewayError, type Source, toGatewayError } from '#connector'
import type { SqsConfig } from './config.ts'
import { DeadLetters } from './dead-letters.ts'
import { eventOf, plainEvent } from './normalize.ts'
import { type Message, Queue } from './queue.ts'
import { type Outcome, Reader } from './reader.ts'

const FIRST_BACKOFF_MS = 1_000
const LOOK_AGAIN_MS = 1_000
/** Longer than SQS may wait for messages before it answers. */
const PATIENCE_MS = 10_000
const PERMISSIONS = 'sqs:GetQueueAttributes, sqs:ReceiveMessage, sqs:DeleteMessage and sqs:ChangeMessageVisibility'

interface Received {
  readonly message: Message
  readonly receives: number
  readonly event: CloudEvent
  /** The message carried no event: this one was made of it. */
  readonly made: boolean
}

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
    const { arn, maxReceives } = await queue.facts().catch((cause: unknown) => {
      const why = queue.reason(cause, PERMISSIONS)
      throw new GatewayError('SOURCE_UNAVAILABLE', `${this.#owner}: connecting: ${why}`)
    })
    if (dead_letter !== undefined)
      this.#dead = await DeadLetters.open({ ...options, queue: dead_letter }, this.#context.name)
    signal.throwIfAborted()
    this.#warnOfRedrive(maxReceives)
    this.#reader = new Reader({
      queue,
      context: this.#context,
      owner: this.#owner,
      batch,
      receivers,
      visibilityMs: visibility,
      waitMs: wait,
      take: (message, receives, ending) => this.#take({ message, receives, ...eventFor(message, arn) }, emit, ending),
    })
    this.#reader.start()
  }

  #close(): void {
    this.#queue?.close()
    this.#dead?.close()
  }

  /** Resolves once the event is on disk, or it is known what becomes of the message. */
  async #take(received: Received, emit: Emit, signal: AbortSignal): Promise<Outcome> {
    const { event, made } = received
    for (;;) {
      try {
        await emit(event, { made })
        return 'taken'
      } catch (thrown) {
        const error = toGatewayError(thrown)
        // There was no room after all. The message is kept: each receive brings it nearer to a redrive policy.
        if (!isFull(error) || signal.aborted) return this.#refused(received, error)
        await sleep(error.retryAfterMs ?? LOOK_AGAIN_MS, undefined, { signal }).catch(() => {})
      }
    }
  }

  async #refused({ event, message, receives }: Received, error: GatewayError): Promise<Outcome> {
    const { max_backoff, max_receives = Number.POSITIVE_INFINITY } = this.#config
    const { log } = this.#context
    const line = { source: this.#context.name, message: message.MessageId, code: error.code, receives }
    const isOver = !isFull(error) && (error.disposition === 'reject' || receives >= max_receives)
    if (this.#dead && isOver) {
      try {
        await this.#dead.send(event, error, receives)
        log.error(line, `${this.#owner}: taking a message: given up, sent to "${this.#dead.name}": ${error.message}`)
        return 'taken'
      } catch (cause) {
        log.error(line, `${this.#owner}: giving a message up: ${this.#dead.reason(cause)}`)
      }
    }
    const backoff = Math.min(FIRST_BACKOFF_MS * 2 ** Math.min(receives - 1, 20), max_backoff)
    const afterMs = isFull(error) ? 0 : Math.max(backoff, error.retryAfterMs ?? 0)
    log.warn({ ...line, again_in_ms: afterMs }, `${this.#owner}: taking a message: not accepted: ${error.message}`)
    return { afterMs }
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

function eventFor(message: Message, arn: string): Pick<Received, 'event' | 'made'> {
  const carried = eventOf(message)
  return { event: carried ?? plainEvent(message, arn), made: carried === undefined }
}

const isFull = ({ code }: GatewayError): boolean =>
  code === 'OVERLOADED' || code === 'JOURNAL_FULL' || code === 'STOPPING'
