/** Receives the notifications of a bucket through the queue that gets them. */

import { type Context, type Emit, GatewayError, type Source } from '#connector'
import { plainEvent } from '../sqs/normalize.ts'
import { type Message, Queue } from '../sqs/queue.ts'
import { type Outcome, Reader } from '../sqs/reader.ts'
import { type Offered, Taking } from '../sqs/taking.ts'
import type { BucketConfig, StorageConfig } from './config.ts'
import { type Change, isWanted, readNotification, withData } from './normalize.ts'
import { Bucket } from './objects.ts'

const BATCH = 10
const RECEIVERS = 4
const MAX_BACKOFF_MS = 300_000
const PATIENCE_MS = 10_000

export class BucketSource implements Source {
  readonly #config: StorageConfig
  readonly #s3: BucketConfig
  readonly #context: Context
  readonly #owner: string
  #bucket: Bucket | undefined
  #queue: Queue | undefined
  #reader: Reader | undefined
  #stranger = false

  constructor(config: StorageConfig, s3: BucketConfig, context: Context) {
    this.#config = config
    this.#s3 = s3
    this.#context = context
    this.#owner = `${context.name} (storage)`
  }

  /** Rejects with SOURCE_UNAVAILABLE that names the bucket or queue that is missing, or what is wrong with the credentials. */
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
    const { endpoint, region, visibility, wait } = this.#s3
    const bucket = await Bucket.prepare({ ...this.#s3, timeoutMs: 30_000, attempts: 3 })
    this.#bucket = bucket
    const name = this.#s3.queue ?? (await this.#discovered(bucket))
    const options = { queue: name, region, endpoint, owner: this.#owner, timeoutMs: wait + PATIENCE_MS, attempts: 2 }
    const queue = await Queue.open(options, 'SOURCE_UNAVAILABLE')
    this.#queue = queue
    const { arn } = await queue.checked()
    if (signal.aborted)
      throw new GatewayError('SOURCE_UNAVAILABLE', `${this.#owner}: connecting: queue "${queue.name}" took too long`)
    const taking = new Taking({ owner: this.#owner, context: this.#context, emit, maxBackoffMs: MAX_BACKOFF_MS })
    this.#reader = new Reader({
      queue,
      context: this.#context,
      owner: this.#owner,
      batch: BATCH,
      receivers: RECEIVERS,
      visibilityMs: visibility,
      waitMs: wait,
      take: (message, receives, ending) => this.#take(message, receives, arn, taking, ending),
    })
    this.#reader.start()
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
        `${this.#owner}: taking a notification: queue "${this.#queue?.name}" has notifications of bucket "${other}" as well; give each bucket its own queue`,
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

  #close(): void {
    this.#bucket?.close()
    this.#queue?.close()
  }
}
