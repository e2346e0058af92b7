/** One queue of SQS, as the AWS SDK reaches it. The SDK is loaded with the first one: at rest it costs nothing. */

import type { BatchResultErrorEntry, Message, SendMessageCommandInput, SQS } from '@aws-sdk/client-sqs'
import { GatewayError } from '#connector'
import { type QueueAddress, readQueueAddress } from './address.ts'
import { reasonOf } from './problem.ts'

export type { Message } from '@aws-sdk/client-sqs'

export interface QueueOptions {
  readonly queue: string
  readonly region?: string | undefined
  readonly endpoint?: string | undefined
  /** How long any answer may take, in milliseconds. */
  readonly timeoutMs: number
  /** How often a request is tried in all. */
  readonly attempts: number
  /** `jobs (sqs)` */
  readonly owner: string
}

/** What SQS says of a queue. */
export interface QueueFacts {
  readonly arn: string
  /** Messages that wait, hidden and delayed ones included. */
  readonly held: number
  /** After so many receives the queue's own redrive policy takes a message; undefined without one. */
  readonly maxReceives: number | undefined
}

/** One line of a batch that was not done. */
export interface Failure {
  readonly index: number
  readonly code: string
  /** The same request would fail again. */
  readonly ours: boolean
}

/** What reading a queue needs. */
export const RECEIVING = 'sqs:GetQueueAttributes, sqs:ReceiveMessage, sqs:DeleteMessage and sqs:ChangeMessageVisibility'
const CONNECT_MS = 5_000
const SOCKETS = 128
const quiet = (): void => {}
const SILENT = { trace: quiet, debug: quiet, info: quiet, warn: quiet, error: quiet }

export class Queue {
  readonly name: string
  readonly isFifo: boolean
  url: string
  readonly #options: QueueOptions
  readonly #sqs: SQS

  private constructor(sqs: SQS, { name, url = '' }: QueueAddress, options: QueueOptions) {
    this.#sqs = sqs
    this.#options = options
    this.name = name
    this.url = url
    this.isFifo = name.endsWith('.fifo')
  }

  /** Resolves once SQS knows the queue. Rejects with a GatewayError that names what is wrong; nothing is open then. */
  static async open(options: QueueOptions, code: 'SOURCE_UNAVAILABLE' | 'SINK_UNAVAILABLE'): Promise<Queue> {
    const address = readQueueAddress(options.queue) ?? { name: options.queue }
    const made = await Queue.prepare(options)
    try {
      if (address.url === undefined) await made.#resolve(address)
      return made
    } catch (cause) {
      made.close()
      throw new GatewayError(code, `${options.owner}: connecting: ${made.reason(cause, 'sqs:GetQueueUrl')}`)
    }
  }

  /** Makes a client without asking for anything. */
  static async prepare(options: QueueOptions): Promise<Queue> {
    const address = readQueueAddress(options.queue) ?? { name: options.queue }
    const { SQS } = await import('@aws-sdk/client-sqs')
    const region = options.region ?? address.region
    const sqs = new SQS({
      maxAttempts: options.attempts,
      logger: SILENT,
      // A URL that was given says where SQS is; one that SQS told may be that of another side of a proxy.
      useQueueUrlAsEndpoint: address.url !== undefined,
      requestHandler: {
        connectionTimeout: CONNECT_MS,
        requestTimeout: options.timeoutMs,
        throwOnRequestTimeout: true,
        httpAgent: { maxSockets: SOCKETS, keepAlive: true },
        httpsAgent: { maxSockets: SOCKETS, keepAlive: true },
      },
      ...(region !== undefined && { region }),
      ...(options.endpoint !== undefined && { endpoint: options.endpoint }),
    })
    return new Queue(sqs, address, options)
  }

  /** Says what is wrong, of this queue. */
  reason = (thrown: unknown, permissions: string): string =>
    reasonOf(thrown, { what: `queue "${this.name}"`, permissions, endpoint: this.#options.endpoint })

  /** As `facts`; rejects with SOURCE_UNAVAILABLE that says what a source lacks. */
  checked(): Promise<QueueFacts> {
    return this.facts().catch((thrown: unknown) => {
      const why = this.reason(thrown, RECEIVING)
      throw new GatewayError('SOURCE_UNAVAILABLE', `${this.#options.owner}: connecting: ${why}`)
    })
  }

  async facts(): Promise<QueueFacts> {
    const { Attributes: told = {} } = await this.#sqs.getQueueAttributes({
      QueueUrl: this.url,
      AttributeNames: ['All'],
    })
    const count = (name: keyof typeof told): number => Number(told[name] ?? 0)
    const policy = told.RedrivePolicy === undefined ? undefined : Number(JSON.parse(told.RedrivePolicy).maxReceiveCount)
    return {
      arn: told.QueueArn ?? '',
      held:
        count('ApproximateNumberOfMessages') +
        count('ApproximateNumberOfMessagesNotVisible') +
        count('ApproximateNumberOfMessagesDelayed'),
      maxReceives: policy,
    }
  }

  /** Resolves with up to `count` messages, hidden from others for `hiddenMs`; with none when none came within `waitMs`. */
  async receive(
    { count, hiddenMs, waitMs }: { readonly count: number; readonly hiddenMs: number; readonly waitMs: number },
    abortSignal: AbortSignal,
  ): Promise<readonly Message[]> {
    const asked = {
      QueueUrl: this.url,
      MaxNumberOfMessages: count,
      VisibilityTimeout: seconds(hiddenMs),
      WaitTimeSeconds: seconds(waitMs),
      MessageSystemAttributeNames: ['All' as const],
      MessageAttributeNames: ['All'],
    }
    const { Messages = [] } = await this.#sqs.receiveMessage(asked, { abortSignal })
    return Messages
  }

  /** Resolves with the receipts that were not deleted: a 200 says nothing of each. */
  async delete(receipts: readonly string[]): Promise<readonly Failure[]> {
    const Entries = receipts.map((ReceiptHandle, index) => ({ Id: String(index), ReceiptHandle }))
    const { Failed } = await this.#sqs.deleteMessageBatch({ QueueUrl: this.url, Entries })
    return failures(Failed)
  }

  /** Hides messages for so long from now on; 0 shows them. Resolves with those for which it did not work. */
  async hide(entries: readonly (readonly [receipt: string, ms: number])[]): Promise<readonly Failure[]> {
    const Entries = entries.map(([ReceiptHandle, ms], index) => ({
      Id: String(index),
      ReceiptHandle,
      VisibilityTimeout: seconds(ms),
    }))
    const { Failed } = await this.#sqs.changeMessageVisibilityBatch({ QueueUrl: this.url, Entries })
    return failures(Failed)
  }

  async send(message: Omit<SendMessageCommandInput, 'QueueUrl'>, abortSignal?: AbortSignal): Promise<void> {
    await this.#sqs.sendMessage({ ...message, QueueUrl: this.url }, abortSignal && { abortSignal })
  }

  close(): void {
    this.#sqs.destroy()
  }

  async #resolve({ account, name }: QueueAddress): Promise<void> {
    const { QueueUrl } = await this.#sqs.getQueueUrl({
      QueueName: name,
      ...(account !== undefined && { QueueOwnerAWSAccountId: account }),
    })
    this.url = QueueUrl ?? ''
  }
}

const seconds = (ms: number): number => Math.ceil(ms / 1_000)

const failures = (failed: readonly BatchResultErrorEntry[] = []): readonly Failure[] =>
  failed.map(({ Code = '', Id, SenderFault = false }) => ({ index: Number(Id), code: Code, ours: SenderFault }))
