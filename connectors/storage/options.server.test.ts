/** Options of buckets whose effect shows in the requests that S3 and SQS get: each changes what it says. */

import { expect, test, vi } from 'vitest'
import { memoryContext } from '#conformance'
import { ELASTICMQ } from '../../test/services/elasticmq.ts'
import { MOTO } from '../../test/services/moto.ts'
import { Relay } from '../../test/services/relay.ts'
import { describeServers } from '../../test/services/server.ts'
import { Wire } from '../../test/services/wire.ts'
import { clientOf, makeQueue } from '../sqs/harness.ts'
import { storageConfig, storageSinkConfig } from './config.ts'
import { bucketsOf } from './harness.ts'
import { StorageSink } from './sink.ts'
import { createSource } from './source.ts'

const PATIENT = { timeout: 30_000, interval: 20 }
const REGION = 'us-east-1'

await describeServers([ELASTICMQ], 'storage, options of notifications', ({ address }) => {
  test('visibility and wait are what the queue is asked with', async () => {
    const sqs = clientOf(address)
    using _ = { [Symbol.dispose]: () => sqs.destroy() }
    const bucket = `o-${crypto.randomUUID()}`
    await makeQueue(sqs, bucket)
    const wire = new Wire()
    await using relay = await Relay.open(address, { between: wire.between })
    const s3 = { bucket, queue: bucket, region: REGION, endpoint: `http://${relay.address}` }
    const config = storageConfig.parse({ s3: { ...s3, visibility: '42s', wait: '3s' } })
    const source = createSource(config, memoryContext({ name: 'files' }))
    await source.start(async ({ id }) => ({ callId: id, duplicate: false, routes: [] }), AbortSignal.timeout(20_000))
    await vi.waitFor(() => expect(wire.numbers('WaitTimeSeconds')).toContain(3), PATIENT)
    expect(new Set(wire.numbers('VisibilityTimeout'))).toEqual(new Set([42]))
    await source.stop()
  })
})

await describeServers([MOTO], 'storage, options of a sink', ({ address }) => {
  test('timeout ends a put that is not answered; path and mode are what is put', async () => {
    const client = bucketsOf(address)
    using _ = { [Symbol.dispose]: () => client.destroy() }
    const bucket = `o-${crypto.randomUUID()}`
    await client.createBucket({ Bucket: bucket })
    const wire = new Wire()
    await using relay = await Relay.open(address, { between: wire.between })
    const s3 = { bucket, region: REGION, endpoint: `http://${relay.address}` }
    const config = storageSinkConfig.parse({ s3, path: '{type}/{id}.txt', mode: 'data', timeout: '1s' })
    const sink = new StorageSink(config, memoryContext({ name: 'files' }))
    await sink.start(AbortSignal.timeout(10_000))
    const event = { specversion: '1.0', id: '7', source: '/s', type: 't', data: Buffer.from('hello') } as const
    await sink.deliver(event, AbortSignal.timeout(10_000))
    const { Body } = await client.getObject({ Bucket: bucket, Key: 't/7.txt' })
    expect(await Body?.transformToString()).toBe('hello')
    wire.isSilent = true
    const began = performance.now()
    await expect(sink.deliver(event, AbortSignal.timeout(40_000))).rejects.toMatchObject({ code: 'SINK_UNAVAILABLE' })
    expect(performance.now() - began).toBeLessThan(15_000)
    await sink.stop()
  })
})
