/** A real MinIO posts what happens in its bucket to a gateway, and keeps it while the gateway is away. */

import { expect, test } from 'vitest'
import { eventually } from '../../test/services/eventually.ts'
import { startGateway } from '../../test/services/gateway.ts'
import { minio, WEBHOOK_ARN } from '../../test/services/minio.ts'
import { describeServers, startOwn } from '../../test/services/server.ts'
import { follow } from '../../test/services/tail.ts'
import { bucketsOf, TOKEN } from './harness.ts'

const PATIENT = { withinMs: 60_000, everyMs: 100 }

/** Only to see that there is one: where it posts to is settled before it starts. */
const ANY = minio({ endpoint: 'http://127.0.0.1:1/', token: 'none' })

await describeServers([ANY], 'storage, MinIO', () => {
  test('objects that come and go are events; those of a time without a gateway come later', {
    timeout: 120_000,
  }, async () => {
    const path = '/storage/images'
    const config = `
sources:
  images:
    storage: { webhook: { token: "${TOKEN}" }, suffix: [.jpg] }
routes:
  images: { from: images, to: "mqtt:images/seen" }
`
    await using gateway = await startGateway({ config })
    const endpoint = `http://127.0.0.1:${gateway.http}${path}`
    await using server = await startOwn(minio({ endpoint, token: TOKEN }))
    const s3 = bucketsOf(server.address)
    await s3.createBucket({ Bucket: 'images' })
    const Events = ['s3:ObjectCreated:*' as const, 's3:ObjectRemoved:*' as const]
    const QueueConfigurations = [{ QueueArn: WEBHOOK_ARN, Events }]
    await s3.putBucketNotificationConfiguration({
      Bucket: 'images',
      NotificationConfiguration: { QueueConfigurations },
    })
    const put = (Key: string) => s3.putObject({ Bucket: 'images', Key, Body: 'x' })
    const accepted = async (count: number) => {
      const url = `http://127.0.0.1:${gateway.admin}/metrics`
      const line = `headgate_events_accepted_total{source="images"} ${count}`
      const has = async () => (await (await fetch(url)).text()).includes(line)
      await eventually(has, { what: line, detail: () => gateway.output(), ...PATIENT })
    }
    {
      using tail = await follow(gateway)
      await put('2026/a b.jpg')
      await put('left-out.txt')
      await s3.deleteObject({ Bucket: 'images', Key: '2026/a b.jpg' })
      await accepted(2)
      const told = () => tail.lines.filter(({ kind }) => kind === 'accepted').map(({ event }) => event)
      await eventually(() => told().length === 2, { what: 'two lines', ...PATIENT })
      expect(told()).toMatchObject([
        { type: 'com.amazonaws.s3.ObjectCreated:Put', source: 'minio:s3.images', subject: '2026/a b.jpg' },
        { type: 'com.amazonaws.s3.ObjectRemoved:Delete', source: 'minio:s3.images', subject: '2026/a b.jpg' },
      ])
    }
    await gateway.kill()
    await put('meanwhile.jpg')
    await gateway.restart()
    // Counted since the start.
    await accepted(1)
    s3.destroy()
  })
})
