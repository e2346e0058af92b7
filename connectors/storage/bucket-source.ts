/** Receives the notifications of a bucket through the queue that gets them. */

import { type Context, type Emit, GatewayError, type Source } from '#connector'
import { plainEvent } from '../sqs/normalize.ts'
import type { Message } from '../sqs/queue.ts'
import { type Content, type Opened, QueueSource } from '../sqs/queue-source.ts'
import type { Outcome, ReaderOptions } from '../sqs/reader.ts'
import { type Offered, Taking } from '../sqs/taking.ts'
import type { BucketConfig, StorageConfig } from './config.ts'
import { type Change, isWanted, readNotification, withData } from './normalize.ts'
import { Bucket } from './objects.ts'

const BATCH = 10
const RECEIVERS = 4
const MAX_BACKOFF_MS = 300_000

export function createBucketSource(config: StorageConfig, s3: BucketConfig, context: Context): Source {
  const { endpoint, region, visibility: visibilityMs, wait: waitMs } = s3
  const owner = `${context.name} (storage)`
  const options = { owner, context, region, endpoint, batch: BATCH, receivers: RECEIVERS, visibilityMs, waitMs }
  return new QueueSource(options, new Notifications(config, s3, context, owner))
}

/** The events of each notification: none, one, or several. */
class Notifications implements Content {
  readonly #config: StorageConfig
  readonly #s3: BucketConfig
  readonly #context: Context
  readonly #owner: string
  #bucket: Bucket | undefined
  #queue = ''
  #stranger = false

  constructor(config: StorageConfig, s3: BucketConfig, context: Context, owner: string) {
    this.#config = config
    this.#s3 = s3
    this.#context = context
    this.#owner = owner
  }

  /** Rejects with SOURCE_UNAVAILABLE when no queue is named and the bucket knows none, or is none. */
  async queue(): Promise<string> {
    this.#bucket = await Bucket.prepare({ ...this.#s3, timeoutMs: 30_000, attempts: 3 })
    return this.#s3.queue ?? (await this.#discovered(this.#bucket))
  }

  async taking({ facts, queue }: Opened, emit: Emit): Promise<ReaderOptions['take']> {
    this.#queue = queue.name
    const redrives = facts.maxReceives !== undefined
    const given = { owner: this.#owner, context: this.#context, emit, redrives }
    const taking = new Taking({ ...given, maxBackoffMs: MAX_BACKOFF_MS })
    return (message, receives, ending) => this.#take(message, receives, facts.arn, taking, ending)
  }

  close(): void {
    this.#bucket?.close()
  }

  async #take(message: Message, receives: number, arn: string, taking: Taking, signal: AbortSignal): Promise<Outcome> {
    const changes = readNotification(message.Body ?? '')
    const id = message.MessageId ?? ''
    // Whatever it is, it is not ours to throw away.
    if (changes === undefined)
      return taking.take({ id, receives, events: [{ event: plainEvent(message, arn), made: true }] }, signal)
    if (changes.some(({ bucket }) => bucket !== this.#s3.bucket)) return this.#notOurs(changes)
    const wanted = changes.filter((change) => isWanted(change, this.#config))
    try {
      const events = await Promise.all(wanted.map((change) => this.#offered(change)))
      return await taking.take({ id, receives, events }, signal)
    } catch (thrown) {
      const why = this.#bucket?.reason(thrown, 's3:GetObject')
      this.#context.log.warn({ source: this.#context.name, message: id }, `${this.#owner}: fetching an object: ${why}`)
      return { afterMs: Math.min(1_000 * 2 ** Math.min(receives - 1, 20), MAX_BACKOFF_MS) }
    }
  }

  async #offered(change: Change): Promise<Offered> {
    const { fetch, fetch_limit } = this.#config
    const { event, key, kind, version } = change
    const fetched = fetch && kind === 'created' ? await this.#bucket?.fetch(key, version, fetch_limit) : undefined
    return { event: fetched ? withData(change, fetched.data, fetched.type) : event, made: true }
  }

  /** Notifications of another bucket wait for who reads those: the queue is shared. */
  #notOurs(changes: readonly Change[]): Outcome {
    if (!this.#stranger) {
      this.#stranger = true
      const other = changes.find(({ bucket }) => bucket !== this.#s3.bucket)?.bucket
      this.#context.log.warn(
        { source: this.#context.name, bucket: other },
        `${this.#owner}: taking a notification: queue "${this.#queue}" has notifications of bucket "${other}" as well; give each bucket its own queue`,
      )
    }
    return { afterMs: 10_000 }
  }

  async #discovered(bucket: Bucket): Promise<string> {
    const permissions = 's3:GetBucketNotification'
    const found = await bucket.queue().catch((thrown: unknown) => {
      const why = bucket.reason(thrown, permissions)
      throw new GatewayError('SOURCE_UNAVAILABLE', `${this.#owner}: connecting: ${why}`)
    })
    if (found !== undefined) return found
    const how = 'have it send them to one, or name the queue that gets them from EventBridge or SNS in s3.queue'
    const why = `bucket "${bucket.name}" sends its notifications to no queue; ${how}`
    throw new GatewayError('SOURCE_UNAVAILABLE', `${this.#owner}: connecting: ${why}`)
  }
}
