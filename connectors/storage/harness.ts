/** Opens one directory, one bucket of a real server with its queue, or one webhook, with what fills it. */

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { readdir, rename, writeFile } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { S3 } from '@aws-sdk/client-s3'
import type { SQS } from '@aws-sdk/client-sqs'
import type { Arrival, Downstream, Refusal, Sample, SinkHarness, SourceHarness, Upstream } from '#conformance'
import { MemoryHooks } from '#conformance'
import { type Cursor, defineConnector, parseJsonEvent } from '#connector'
import { CREDENTIALS } from '../../test/services/elasticmq.ts'
import { HttpDoor } from '../../test/services/http-door.ts'
import { Relay } from '../../test/services/relay.ts'
import { clientOf, heldBy, makeQueue, useCredentials } from '../sqs/harness.ts'
import connector from './index.ts'
import { readLedger } from './ledger.ts'

const REGION = 'us-east-1'

/** A cursor kept in memory, readable by the test. */
export class TestCursor implements Cursor {
  value: string | undefined
  get = async (): Promise<string | undefined> => this.value
  async set(value: string): Promise<void> {
    this.value = value
  }
}

/** A directory that is removed with the scope. */
export function makeDirectory(): { readonly path: string } & Disposable {
  const path = mkdtempSync(join(tmpdir(), 'headgate-storage-'))
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) }
}

export const directoryHarness: SourceHarness = {
  connector,
  open: openDirectory,
  unreachable: async () => ({ config: { directory: '/nowhere/at/all' }, names: '"/nowhere/at/all"' }),
  exempt: { S8: 'a directory has no connection to cut' },
}

let files = 0

async function openDirectory(): Promise<Upstream> {
  const directory = makeDirectory()
  const cursor = new TestCursor()
  mkdirSync(join(directory.path, 'in'))
  return {
    config: { directory: directory.path, fetch: true, stable: '20ms' },
    context: { cursor },
    async send(samples) {
      for (const { data, subject } of samples) {
        const name = `${files++}-${subject}`
        await writeFile(join(directory.path, `.${name}`), data)
        await rename(join(directory.path, `.${name}`), join(directory.path, 'in', name))
      }
      return samples.map(() => 'accepted' as const)
    },
    unacknowledged: async () =>
      (await readdir(join(directory.path, 'in'))).length - (await readLedger(cursor.value)).size,
    [Symbol.asyncDispose]: async () => directory[Symbol.dispose](),
  }
}

/** A client of the tests' own. */
export function bucketsOf(endpoint: string): S3 {
  useCredentials()
  return new S3({ endpoint, region: REGION, forcePathStyle: true })
}

export interface BucketWithQueue {
  readonly bucket: string
  readonly url: string
  readonly arn: string
}

/** Makes a bucket that sends its notifications to a queue of its own. */
export async function makeBucket(s3: S3, sqs: SQS): Promise<BucketWithQueue> {
  const name = `b-${crypto.randomUUID()}`
  const url = await makeQueue(sqs, name)
  const { Attributes } = await sqs.getQueueAttributes({ QueueUrl: url, AttributeNames: ['All'] })
  const arn = Attributes?.QueueArn ?? ''
  await s3.createBucket({ Bucket: name })
  await s3.putBucketNotificationConfiguration({
    Bucket: name,
    NotificationConfiguration: {
      QueueConfigurations: [{ QueueArn: arn, Events: ['s3:ObjectCreated:*', 's3:ObjectRemoved:*'] }],
    },
  })
  return { bucket: name, url, arn }
}

/** The harness of a bucket on a server that speaks S3 and SQS. */
export const bucketHarness = (server: string): SourceHarness => ({
  connector,
  open: () => openBucket(server),
  unreachable: async () => {
    useCredentials()
    const bucket = `missing-${crypto.randomUUID()}`
    return { config: { s3: { bucket, region: REGION, endpoint: server } }, names: `bucket "${bucket}"` }
  },
  deadlineMs: 30_000,
})

async function openBucket(server: string): Promise<Upstream> {
  const [s3, sqs] = [bucketsOf(server), clientOf(server)]
  const { bucket, url } = await makeBucket(s3, sqs)
  const relay = await Relay.open(server)
  return {
    config: {
      s3: { bucket, region: REGION, endpoint: `http://${relay.address}`, visibility: '3s', wait: '1s' },
      fetch: true,
    },
    async send(samples) {
      for (const { data, subject } of samples)
        await s3.putObject({ Bucket: bucket, Key: `in/${files++} ${subject}`, Body: data })
      return samples.map(() => 'accepted' as const)
    },
    unacknowledged: () => heldBy(sqs, url),
    interrupt: async () => relay.cut(),
    async [Symbol.asyncDispose]() {
      await relay.close()
      await sqs.deleteQueue({ QueueUrl: url })
      s3.destroy()
      sqs.destroy()
    },
  }
}

export const TOKEN = 't0ken-of-conformance'

/** A notification as MinIO posts it, of a key that carries what a test sends. */
export const minioNotification = (key: string, sequencer: string): object => ({
  EventName: 's3:ObjectCreated:Put',
  Key: `uploads/${key}`,
  Records: [
    {
      eventVersion: '2.0',
      eventSource: 'minio:s3',
      awsRegion: '',
      eventTime: '2026-01-31T12:00:00.000Z',
      eventName: 's3:ObjectCreated:Put',
      userIdentity: { principalId: 'minioadmin' },
      responseElements: {
        'x-amz-request-id': sequencer,
        'x-amz-id-2': 'dd9025bab4ad464b',
        'x-minio-deployment-id': 'd',
      },
      s3: {
        s3SchemaVersion: '1.0',
        configurationId: 'Config',
        bucket: { name: 'uploads', ownerIdentity: { principalId: 'minioadmin' }, arn: 'arn:aws:s3:::uploads' },
        object: { key: encodeURIComponent(key).replaceAll('%20', '+'), size: 7, eTag: 'e', sequencer },
      },
      source: { host: '127.0.0.1', port: '', userAgent: 'MinIO' },
    },
  ],
})

/** The harness of a webhook: MinIO's part is played by requests of the form that it sends. */
export function webhookHarness(): SourceHarness {
  const { source, ...others } = connector
  if (!source) throw new Error('storage: declares no source')
  return {
    // A webhook tells MinIO what it did not take; what MinIO does then is MinIO's affair.
    connector: defineConnector({
      ...others,
      source: { ...source, guarantees: { rejected: 'reported', order: 'none', catchesUp: false } },
    }),
    open: openWebhook,
    samples: (count, from): readonly Sample[] =>
      Array.from({ length: count }, (_, at) => ({ subject: 's', data: Buffer.from(`in/${from + at} é.txt`) })),
    content: (event) => Buffer.from(event.subject ?? ''),
    exempt: {
      S8: 'its connections are those of the HTTP face',
      S10: 'there is nothing to reach; a path that another source has is refused by the gateway',
      S9: 'a key is text, and what is no notification is refused with 400',
    },
  }
}

async function openWebhook(): Promise<Upstream> {
  const hooks = new MemoryHooks()
  let open = 0
  const post = async ({ data }: Sample) => {
    open += 1
    const status = await notify(hooks, minioNotification(Buffer.from(data).toString(), `S${files++}`))
    open -= 1
    return status === 200 ? ('accepted' as const) : ('refused' as const)
  }
  return {
    config: { webhook: { token: TOKEN } },
    context: { hooks },
    send: (samples) => Promise.all(samples.map(post)),
    unacknowledged: async () => open,
    async [Symbol.asyncDispose]() {},
  }
}

/** Hands a request to whoever has a path, as the HTTP face does; resolves with the status. */
export async function notify(
  hooks: MemoryHooks,
  body: unknown,
  { authorization = `Bearer ${TOKEN}`, method = 'POST', path = '/storage/under-test' } = {},
): Promise<number> {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  const answer = await hooks.find(path)?.({ method, headers: { authorization }, body: Buffer.from(text) })
  return answer?.status ?? 404
}

/** The harness that the universal suite runs the sink of a bucket with. */
export const bucketSinkHarness = (server: string): SinkHarness => ({ connector, open: () => openPut(server) })

async function openPut(server: string): Promise<Downstream> {
  const s3 = bucketsOf(server)
  const bucket = `b-${crypto.randomUUID()}`
  await s3.createBucket({ Bucket: bucket })
  const door = await HttpDoor.open({ server, read: put, refuse })
  return Object.assign(door, {
    config: { s3: { bucket, region: REGION, endpoint: door.address } },
    secrets: [CREDENTIALS.AWS_SECRET_ACCESS_KEY],
    async [Symbol.asyncDispose]() {
      await door.leave()
      s3.destroy()
    },
  })
}

const put = ({ method, url = '' }: IncomingMessage, body: Buffer): Arrival | undefined =>
  method === 'PUT' ? { event: parseJsonEvent(body), key: url.split('?')[0] } : undefined

/** As S3 refuses. The key that requests are signed with never reaches it, so it has no secret to tell. */
function refuse(response: ServerResponse, how: Refusal): void {
  const answer = (status: number, code: string, headers = {}) =>
    response
      .writeHead(status, { 'content-type': 'application/xml', ...headers })
      .end(`<?xml version="1.0"?><Error><Code>${code}</Code><Message>refused on purpose</Message></Error>`)
  if (how === 'reject') answer(400, 'InvalidArgument')
  else if (how === 'retry') answer(500, 'InternalError')
  else answer(503, 'SlowDown', { 'retry-after': String(how.retryAfterMs / 1_000) })
}

const UNHOLDABLE = 'a file system answers by itself'

/** The harness of the sink of a directory: what arrived are the files that are there. */
export const directorySinkHarness: SinkHarness = {
  connector,
  open: openFolder,
  exempt: {
    K1: UNHOLDABLE,
    K2: UNHOLDABLE,
    K3: UNHOLDABLE,
    K4: UNHOLDABLE,
    K6: UNHOLDABLE,
    K7: UNHOLDABLE,
    K9: UNHOLDABLE,
  },
}

async function openFolder(): Promise<Downstream> {
  const directory = makeDirectory()
  const root = join(directory.path, 'out')
  const files = () =>
    readdirSync(root).map((name) => ({ name, at: statSync(join(root, name), { bigint: true }).mtimeNs }))
  const none = () => {}
  return {
    config: { directory: root },
    secrets: [],
    arrived: () =>
      files()
        .toSorted((a, b) => Number(a.at - b.at))
        .map(({ name }) => ({ event: parseJsonEvent(readFileSync(join(root, name))), key: name })),
    hold: none,
    release: none,
    refuse: none,
    // A file stands where the directory was.
    leave: async () => {
      renameSync(root, `${root}.away`)
      writeFileSync(root, '')
    },
    comeBack: async () => {
      rmSync(root)
      renameSync(`${root}.away`, root)
    },
    connections: () => 0,
    [Symbol.asyncDispose]: async () => directory[Symbol.dispose](),
  }
}
