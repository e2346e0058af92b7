/** Opens one queue of a real server, with senders; and a queue behind a door at which a test holds and refuses messages. */

import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { SQS } from '@aws-sdk/client-sqs'
import type { Arrival, Downstream, Refusal, Sample, SinkHarness, SourceHarness, Upstream } from '#conformance'
import { type CloudEvent, defineConnector, formatJsonEvent } from '#connector'
import { CREDENTIALS } from '../../test/services/elasticmq.ts'
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

/** A door before a real server: requests to send are seen there, and let through when they were neither held nor refused. */
class Door {
  readonly arrivals: Arrival[] = []
  readonly sockets = new Set<Socket>()
  gate = Promise.withResolvers<void>()
  held: (event: CloudEvent) => boolean = () => false
  refusal: (event: CloudEvent) => Refusal | undefined = () => undefined
  port = 0
  readonly #server: string
  #listening = createServer()

  constructor(server: string) {
    this.#server = server
  }

  async listen(): Promise<void> {
    this.#listening = createServer((request, response) => void this.#pass(request, response))
    this.#listening.on('connection', (socket) => {
      this.sockets.add(socket)
      socket.once('close', () => this.sockets.delete(socket))
    })
    this.#listening.listen(this.port, '127.0.0.1')
    await once(this.#listening, 'listening')
    this.port = (this.#listening.address() as AddressInfo).port
  }

  async close(): Promise<void> {
    const closed = once(this.#listening, 'close')
    this.#listening.close()
    this.#listening.closeAllConnections()
    await closed
  }

  async #pass(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body: Buffer[] = []
    for await (const chunk of request) body.push(chunk)
    const text = Buffer.concat(body).toString()
    if (request.headers['x-amz-target'] === 'AmazonSQS.SendMessage') {
      const event = this.#arrived(JSON.parse(text) as Sent)
      if (this.held(event)) await this.gate.promise
      const refusal = this.refusal(event)
      if (refusal !== undefined) return refuse(response, refusal)
    }
    const { host: _, connection: __, 'content-length': ___, ...headers } = request.headers
    const passed = await fetch(`${this.#server}${request.url}`, {
      method: 'POST',
      headers: headers as Record<string, string>,
      body: text,
    })
    response.writeHead(passed.status, { 'content-type': 'application/x-amz-json-1.0' }).end(await passed.text())
  }

  #arrived({ MessageAttributes = {}, MessageBody, MessageDeduplicationId }: Sent): CloudEvent {
    const event = normalize({ Body: MessageBody, MessageAttributes: { ...MessageAttributes } }, 'arn')
    this.arrivals.push({ event, key: MessageDeduplicationId ?? MessageAttributes['idempotency-key']?.StringValue })
    return event
  }
}

async function openDoor(server: string, suffix: string): Promise<Downstream> {
  const sqs = clientOf(server)
  const queue = `q-${crypto.randomUUID()}${suffix}`
  const url = await makeQueue(sqs, queue)
  const door = new Door(server)
  await door.listen()
  return {
    config: { region: REGION, queue, endpoint: `http://127.0.0.1:${door.port}` },
    secrets: [CREDENTIALS.AWS_SECRET_ACCESS_KEY],
    arrived: () => door.arrivals,
    hold: (which) => {
      door.held = which
    },
    release: () => {
      door.gate.resolve()
      door.gate = Promise.withResolvers()
    },
    refuse: (how) => {
      door.refusal = how
    },
    leave: () => door.close(),
    comeBack: () => door.listen(),
    connections: () => door.sockets.size,
    async [Symbol.asyncDispose]() {
      await door.close()
      await sqs.deleteQueue({ QueueUrl: url })
      sqs.destroy()
    },
  }
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
