/** Opens one queue of a real server, with senders; and a queue behind a door at which a test holds and refuses messages. */

import type { IncomingMessage, ServerResponse } from 'node:http'
import { SQS } from '@aws-sdk/client-sqs'
import type { Arrival, Downstream, Refusal, Sample, SinkHarness, SourceHarness, Upstream } from '#conformance'
import { type CloudEvent, defineConnector, formatJsonEvent } from '#connector'
import { CREDENTIALS } from '../../test/services/elasticmq.ts'
import { HttpDoor } from '../../test/services/http-door.ts'
import { Relay } from '../../test/services/relay.ts'
import connector from './index.ts'
import { normalize } from './normalize.ts'

const REGION = 'us-east-1'

/** The credentials of the tests, where the SDK looks for them. */
export function useCredentials(): void {
  Object.assign(process.env, CREDENTIALS, { AWS_EC2_METADATA_DISABLED: 'true' })
}

/** A client of the tests' own. */
export function clientOf(endpoint: string): SQS {
  useCredentials()
  return new SQS({ endpoint, region: REGION })
}

/** Makes a queue; resolves with its URL. */
export async function makeQueue(sqs: SQS, name: string, attributes: Record<string, string> = {}): Promise<string> {
  const fifo = name.endsWith('.fifo') ? { FifoQueue: 'true' } : {}
  const { QueueUrl = '' } = await sqs.createQueue({ QueueName: name, Attributes: { ...fifo, ...attributes } })
  return QueueUrl
}

/** Sends samples in order: a FIFO queue keeps it for each subject. */
export async function sendAll(sqs: SQS, url: string, samples: readonly Sample[]): Promise<void> {
  const isFifo = url.endsWith('.fifo')
  for (let from = 0; from < samples.length; from += 10) {
    const Entries = samples.slice(from, from + 10).map(({ data, subject }, at) => ({
      Id: String(at),
      MessageBody: bodyOf(data),
      ...(isFifo && { MessageGroupId: subject, MessageDeduplicationId: crypto.randomUUID() }),
    }))
    const { Failed = [] } = await sqs.sendMessageBatch({ QueueUrl: url, Entries })
    if (Failed.length > 0) throw new Error(`not sent: ${Failed[0]?.Code}`)
  }
}

/** Messages that the queue holds, those that are hidden as well. */
export async function heldBy(sqs: SQS, url: string): Promise<number> {
  const { Attributes: told = {} } = await sqs.getQueueAttributes({ QueueUrl: url, AttributeNames: ['All'] })
  return Number(told.ApproximateNumberOfMessages) + Number(told.ApproximateNumberOfMessagesNotVisible)
}

/** A body is text: what is none comes as an event that holds its bytes. */
function bodyOf(data: Uint8Array): string {
  const text = Buffer.from(data).toString()
  if (Buffer.from(text).equals(data) && !text.includes('\0')) return text
  const event: CloudEvent = { specversion: '1.0', id: crypto.randomUUID(), source: '/bytes', type: 'bytes' }
  return Buffer.from(formatJsonEvent({ ...event, datacontenttype: 'application/octet-stream', data })).toString()
}

/** The harness that the universal suite runs the source with, on a queue of either kind. */
export function sqsHarness(server: string, kind: 'standard' | 'fifo'): SourceHarness {
  const { source, ...others } = connector
  if (!source) throw new Error('sqs: declares no source')
  // Of a FIFO queue the source promises more than of any queue.
  const fifo = { ...source, guarantees: { ...source.guarantees, order: 'subject' as const } }
  return {
    connector: defineConnector({ ...others, source: kind === 'fifo' ? fifo : source }),
    open: () => openQueue(server, kind === 'fifo' ? '.fifo' : ''),
    unreachable: async () => {
      useCredentials()
      const queue = `missing-${crypto.randomUUID()}`
      return { config: { region: REGION, endpoint: server, queue }, names: `queue "${queue}"` }
    },
    deadlineMs: 20_000,
  }
}

async function openQueue(server: string, suffix: string): Promise<Upstream> {
  const sqs = clientOf(server)
  const queue = `q-${crypto.randomUUID()}${suffix}`
  const url = await makeQueue(sqs, queue)
  const relay = await Relay.open(server)
  return {
    config: { region: REGION, endpoint: `http://${relay.address}`, queue, visibility: '3s', wait: '1s' },
    async send(samples) {
      await sendAll(sqs, url, samples)
      return samples.map(() => 'accepted' as const)
    },
    unacknowledged: () => heldBy(sqs, url),
    interrupt: async () => relay.cut(),
    async [Symbol.asyncDispose]() {
      await relay.close()
      await sqs.deleteQueue({ QueueUrl: url })
      sqs.destroy()
    },
  }
}

/** The harness that the universal suite runs the sink with. */
export const sqsSinkHarness = (server: string, suffix: '' | '.fifo'): SinkHarness => ({
  connector,
  open: () => openDoor(server, suffix),
})

/** What passed the door, as SQS's JSON protocol has it. */
interface Sent {
  readonly MessageBody: string
  readonly MessageAttributes?: Readonly<Record<string, { readonly StringValue: string; readonly DataType: string }>>
  readonly MessageDeduplicationId?: string
}

async function openDoor(server: string, suffix: string): Promise<Downstream> {
  const sqs = clientOf(server)
  const queue = `q-${crypto.randomUUID()}${suffix}`
  const url = await makeQueue(sqs, queue)
  const door = await HttpDoor.open({ server, read: sent, refuse })
  return Object.assign(door, {
    config: { region: REGION, queue, endpoint: door.address },
    secrets: [CREDENTIALS.AWS_SECRET_ACCESS_KEY],
    async [Symbol.asyncDispose]() {
      await door.leave()
      await sqs.deleteQueue({ QueueUrl: url })
      sqs.destroy()
    },
  })
}

function sent(request: IncomingMessage, body: Buffer): Arrival | undefined {
  if (request.headers['x-amz-target'] !== 'AmazonSQS.SendMessage') return undefined
  const { MessageAttributes = {}, MessageBody, MessageDeduplicationId } = JSON.parse(body.toString()) as Sent
  const event = normalize({ Body: MessageBody, MessageAttributes: { ...MessageAttributes } }, 'arn')
  return { event, key: MessageDeduplicationId ?? MessageAttributes['idempotency-key']?.StringValue }
}

/** As SQS refuses. The key that requests are signed with never reaches it, so it has no secret to tell. */
function refuse(response: ServerResponse, how: Refusal): void {
  const answer = (status: number, type: string, headers = {}) =>
    response
      .writeHead(status, { 'content-type': 'application/x-amz-json-1.0', 'x-amzn-errortype': type, ...headers })
      .end(JSON.stringify({ __type: `com.amazonaws.sqs#${type}`, message: 'refused on purpose' }))
  if (how === 'reject') answer(400, 'InvalidMessageContents')
  else if (how === 'retry') answer(500, 'InternalError')
  else answer(503, 'ServiceUnavailable', { 'retry-after': String(how.retryAfterMs / 1_000) })
}
