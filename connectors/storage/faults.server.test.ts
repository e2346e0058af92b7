/** The source of a bucket when something goes wrong, and a directory with 100,000 files. */

import { mkdirSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { MemoryLog, MemoryMeter, memoryContext } from '#conformance'
import type { CloudEvent, Emit, Source } from '#connector'
import { MOTO, MOTO_WITH_RULES } from '../../test/services/moto.ts'
import { Relay } from '../../test/services/relay.ts'
import { describeServers, startOwn } from '../../test/services/server.ts'
import { clientOf, heldBy, makeQueue } from '../sqs/harness.ts'
import { storageConfig } from './config.ts'
import { bucketsOf, makeBucket, makeDirectory, TestCursor } from './harness.ts'
import { createSource } from './source.ts'

const PATIENT = { timeout: 30_000, interval: 50 }
const LONG = { timeout: 300_000 }

class Bench implements AsyncDisposable {
  readonly log = new MemoryLog()
  readonly meter = new MemoryMeter()
  readonly events: CloudEvent[] = []
  readonly source: Source

  constructor(options: object, cursor = new TestCursor()) {
    const context = memoryContext({ name: 'files', log: this.log, meter: this.meter, cursor, maxInFlight: 1_024 })
    this.source = createSource(storageConfig.parse(options), context)
  }

  emit: Emit = async (event) => {
    this.events.push(event)
    return { callId: event.id, duplicate: false, routes: [] }
  }

  start = (): Promise<void> => this.source.start(this.emit, AbortSignal.timeout(20_000))
  async has(...subjects: readonly (string | undefined)[]): Promise<void> {
    await vi.waitFor(() => expect(this.events.map(({ subject }) => subject)).toEqual(subjects), PATIENT)
  }
  async [Symbol.asyncDispose](): Promise<void> {
    await this.source.stop()
  }
}

await describeServers([MOTO], 'storage, a bucket', ({ address }) => {
  const [s3, sqs] = [bucketsOf(address), clientOf(address)]
  const s3Options = (bucket: string, more: object = {}) => ({
    s3: { bucket, region: 'us-east-1', endpoint: address, visibility: '3s', wait: '1s', ...more },
  })
  const empty = (url: string) => vi.waitFor(async () => expect(await heldBy(sqs, url)).toBe(0), PATIENT)

  test(
    'what is written, deleted, and the test event before it: each is acknowledged, and told of once',
    LONG,
    async () => {
      const { bucket, url } = await makeBucket(s3, sqs)
      await using bench = new Bench(s3Options(bucket))
      await bench.start()
      await s3.putObject({ Bucket: bucket, Key: 'in/a b.txt', Body: 'hello' })
      await bench.has('in/a b.txt')
      await s3.deleteObject({ Bucket: bucket, Key: 'in/a b.txt' })
      await bench.has('in/a b.txt', 'in/a b.txt')
      expect(bench.events.map(({ type }) => type)).toEqual([
        'com.amazonaws.s3.ObjectCreated:Put',
        'com.amazonaws.s3.ObjectRemoved:Delete',
      ])
      await empty(url)
    },
  )

  test('a connection that is cut while the server is away: the source goes on by itself', LONG, async () => {
    const { bucket, url } = await makeBucket(s3, sqs)
    await using relay = await Relay.open(address)
    await using bench = new Bench(s3Options(bucket, { endpoint: `http://${relay.address}` }))
    await bench.start()
    await relay.close()
    await s3.putObject({ Bucket: bucket, Key: 'meanwhile', Body: 'x' })
    await vi.waitFor(() => expect(bench.meter.troubles).toBeGreaterThan(1), PATIENT)
    await relay.listen()
    await bench.has('meanwhile')
    expect(bench.meter.reconnects).toBeGreaterThan(0)
    await empty(url)
  })

  test(
    'a message that is no notification is passed on as it is; one of another bucket stays, and is told of',
    LONG,
    async () => {
      const { arn, bucket, url } = await makeBucket(s3, sqs)
      await using bench = new Bench(s3Options(bucket, { queue: arn }))
      await bench.start()
      await sqs.sendMessage({ QueueUrl: url, MessageBody: 'hello' })
      await bench.has(undefined)
      expect(bench.events[0]).toMatchObject({ type: 'com.amazon.sqs.message', data: Buffer.from('hello') })
      const other = { Records: [{ eventVersion: '2.1', eventSource: 'aws:s3', eventName: 'ObjectCreated:Put' }] }
      const s3Part = { bucket: { name: 'another' }, object: { key: 'k' } }
      const body = JSON.stringify({ Records: [{ ...other.Records[0], s3: s3Part }] })
      await sqs.sendMessage({ QueueUrl: url, MessageBody: body })
      const told = () => bench.log.lines.map(({ message }) => message).join()
      await vi.waitFor(() => expect(told()).toContain('has notifications of bucket "another" as well'), PATIENT)
      expect(bench.events).toHaveLength(1)
      expect(await heldBy(sqs, url)).toBe(1)
    },
  )

  test('an object that is too large, or gone before it is fetched, is told of with where it lay', LONG, async () => {
    const { bucket, url } = await makeBucket(s3, sqs)
    await s3.putObject({ Bucket: bucket, Key: 'gone', Body: 'x' })
    await s3.deleteObject({ Bucket: bucket, Key: 'gone' })
    await s3.putObject({ Bucket: bucket, Key: 'large', Body: '12345' })
    await s3.putObject({ Bucket: bucket, Key: 'small.json', Body: '1234' })
    await using bench = new Bench({ ...s3Options(bucket), fetch: true, fetch_limit: '4B', events: ['created'] })
    await bench.start()
    await vi.waitFor(() => expect(bench.events).toHaveLength(3), PATIENT)
    const of = (key: string) => bench.events.find(({ subject }) => subject === key)
    for (const key of ['gone', 'large']) expect(of(key)?.extensions?.['dataref']).toBe(`s3://${bucket}/${key}`)
    expect(of('small.json')?.datacontenttype).toBe('application/json')
    expect(Buffer.from(of('small.json')?.data ?? []).toString()).toBe('1234')
    await empty(url)
  })

  test('a bucket that sends to no queue, and a queue that is missing, fail the start by name', LONG, async () => {
    const bucket = `b-${crypto.randomUUID()}`
    await s3.createBucket({ Bucket: bucket })
    const start = (more: object = {}) => new Bench(s3Options(bucket, more)).start()
    await expect(start()).rejects.toThrow(`bucket "${bucket}" sends its notifications to no queue`)
    await expect(start({ queue: 'nowhere' })).rejects.toThrow('there is no queue "nowhere"')
    const url = await makeQueue(sqs, `q-${bucket}`)
    await using bench = new Bench(s3Options(bucket, { queue: url }))
    await bench.start()
  })
})

await describeServers([MOTO], 'storage, a server of its own', () => {
  test('credentials that are not accepted fail the start by name', LONG, async () => {
    await using server = await startOwn(MOTO_WITH_RULES)
    clientOf(server.address).destroy()
    const bench = new Bench({ s3: { bucket: 'uploads', region: 'us-east-1', endpoint: server.address } })
    await expect(bench.start()).rejects.toThrow(
      /^files \(storage\): connecting: the credentials for bucket "uploads" are not accepted/,
    )
  })
})

await describeServers([], 'storage, a directory', () => {
  test(
    'a directory of 100,000 files: each is told of once, and a restart tells of none but what changed',
    LONG,
    async () => {
      const FILES = 100_000
      using directory = makeDirectory()
      for (let folder = 0; folder < 100; folder += 1) {
        mkdirSync(join(directory.path, `d${folder}`))
        for (let file = 0; file < FILES / 100; file += 1)
          writeFileSync(join(directory.path, `d${folder}`, `f${file}.txt`), 'x')
      }
      const cursor = new TestCursor()
      const options = { directory: directory.path, stable: '10ms' }
      const began = performance.now()
      {
        await using bench = new Bench(options, cursor)
        await bench.start()
        await vi.waitFor(() => expect(bench.events.length).toBe(FILES), { timeout: 120_000, interval: 100 })
        expect(new Set(bench.events.map(({ id }) => id)).size).toBe(FILES)
      }
      const told = performance.now()
      await rm(join(directory.path, 'd0/f0.txt'))
      writeFileSync(join(directory.path, 'd1/f1.txt'), 'anew')
      writeFileSync(join(directory.path, 'new.txt'), 'x')
      await using bench = new Bench(options, cursor)
      await bench.start()
      await vi.waitFor(() => expect(bench.events.length).toBe(3), { timeout: 120_000, interval: 100 })
      console.log(
        JSON.stringify({
          source: 'storage',
          files: FILES,
          toldMs: Math.round(told - began),
          restartMs: Math.round(performance.now() - told),
          cursorBytes: cursor.value?.length,
        }),
      )
      const what = bench.events.map(({ subject, type }) => `${type.split('.').at(-1)} ${subject}`)
      expect(what.toSorted()).toEqual(['created d1/f1.txt', 'created new.txt', 'deleted d0/f0.txt'])
    },
  )
})
