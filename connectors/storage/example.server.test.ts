/** The example in config/examples, and a router's file in the `event_sources` form, on a real server. */

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { CREDENTIALS } from '../../test/services/elasticmq.ts'
import { eventually } from '../../test/services/eventually.ts'
import { startGateway } from '../../test/services/gateway.ts'
import { MOTO } from '../../test/services/moto.ts'
import { describeServers } from '../../test/services/server.ts'
import { clientOf, heldBy } from '../sqs/harness.ts'
import { bucketsOf, makeBucket, makeDirectory, minioNotification, TOKEN } from './harness.ts'

const ROOT = join(import.meta.dirname, '../..')
const LONG = { timeout: 120_000 }
const PATIENT = { withinMs: 30_000, everyMs: 100 }
const order = (orderId: number) => JSON.stringify({ orderId, items: [{ price: 2, quantity: 3 }] })

await describeServers([MOTO], 'storage, as it is configured', ({ address }) => {
  const [s3, sqs] = [bucketsOf(address), clientOf(address)]
  const env = { ...CREDENTIALS, AWS_ENDPOINT_URL: address, HEADGATE_FUNCTIONS: join(ROOT, 'functions') }

  test('config/examples/storage.yaml: files and objects become summaries in a bucket', LONG, async () => {
    const { bucket, url } = await makeBucket(s3, sqs)
    const out = `out-${crypto.randomUUID()}`
    await s3.createBucket({ Bucket: out })
    const config = readFileSync(join(ROOT, 'config/examples/storage.yaml'), 'utf8')
      .replaceAll('../../functions', 'FUNCTIONS')
      .replace('directory: ./uploads', 'directory: DATA/uploads')
      .replace('bucket: order-summaries,', `bucket: ${out}, endpoint: "${address}",`)
      .replace('bucket: orders,', `bucket: ${bucket}, endpoint: "${address}",`)
    using directory = makeDirectory()
    mkdirSync(join(directory.path, 'uploads'))
    await using gateway = await startGateway({ config, env, data: directory.path })
    writeFileSync(join(directory.path, 'uploads/1.json'), order(1))
    await s3.putObject({ Bucket: bucket, Key: 'in/a b.json', Body: order(2) })
    await s3.putObject({ Bucket: bucket, Key: 'in/left-out.txt', Body: 'no order' })
    const keys = async () => (await s3.listObjectsV2({ Bucket: out })).Contents ?? []
    await eventually(async () => (await keys()).length === 2, {
      what: 'two summaries',
      detail: () => gateway.output(),
      ...PATIENT,
    })
    const bodies = (await keys()).map(async ({ Key }) => {
      expect(Key).toMatch(/^order\.accepted\/.+\.json$/)
      const { Body } = await s3.getObject({ Bucket: out, Key })
      return JSON.parse((await Body?.transformToString()) ?? '').orderId
    })
    expect((await Promise.all(bodies)).toSorted()).toEqual([1, 2])
    // The test event, the notification that no suffix lets through, and the one that was taken.
    await eventually(async () => (await heldBy(sqs, url)) === 0, { what: 'the queue is empty', ...PATIENT })
  })

  test('event_sources: each bucket has its function, its events and its filters', LONG, async () => {
    const { bucket, url } = await makeBucket(s3, sqs)
    const config = `
event_sources:
  - type: storage
    config:
      provider: aws_s3
      region: us-east-1
      buckets:
        - name: ${bucket}
          events: [object.created]
          target_function: echo
          filters: [{ suffix: .jpg }, { prefix: avatars/ }]
`
    await using gateway = await startGateway({ config, env })
    for (const Key of ['a.jpg', 'avatars/b', 'c.txt']) await s3.putObject({ Bucket: bucket, Key, Body: 'x' })
    await s3.deleteObject({ Bucket: bucket, Key: 'a.jpg' })
    const wanted = [
      `headgate_deliveries_total{route="${bucket}",outcome="done"} 2`,
      `headgate_events_unmatched_total{source="${bucket}"} 1`,
    ]
    const metrics = async () => (await fetch(`http://127.0.0.1:${gateway.admin}/metrics`)).text()
    const has = async () => {
      const text = await metrics()
      return wanted.every((line) => text.includes(line))
    }
    await eventually(has, { what: wanted.join(), detail: () => gateway.output(), ...PATIENT })
    await eventually(async () => (await heldBy(sqs, url)) === 0, { what: 'the queue is empty', ...PATIENT })
  })

  test("MinIO's webhook is a path of the HTTP face, with its token, whatever routes there are", LONG, async () => {
    const config = `
sources:
  images:
    storage: { webhook: { token: "${TOKEN}" }, suffix: [.jpg] }
functions:
  echo: FUNCTIONS/echo/echo.wasm
routes:
  images: { from: images, to: echo }
  others: { from: "http:* /storage/*", to: echo }
`
    await using gateway = await startGateway({ config })
    const post = async (token: string, body: object) => {
      const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
      const url = `http://127.0.0.1:${gateway.http}/storage/images`
      return (await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) })).status
    }
    expect(await post('another-token', minioNotification('a.jpg', 'S1'))).toBe(401)
    expect(await post(TOKEN, minioNotification('a.jpg', 'S1'))).toBe(200)
    expect(await post(TOKEN, minioNotification('a.jpg', 'S1'))).toBe(200)
    expect(await post(TOKEN, { any: 'thing' })).toBe(400)
    const metrics = async () => (await fetch(`http://127.0.0.1:${gateway.admin}/metrics`)).text()
    const done = 'headgate_deliveries_total{route="images",outcome="done"} 1'
    await eventually(async () => (await metrics()).includes(done), { what: done, ...PATIENT })
    expect(await metrics()).toContain('headgate_duplicates_total{source="images"} 1')
  })
})
