/** config/examples/event-sources.yaml on real servers: each type that it shows takes what comes, and what cannot be done goes where it says. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { Face } from '../../../connectors/kafka/face.ts'
import { Topic } from '../../../connectors/kafka/harness.ts'
import { clientOf, heldBy, makeQueue } from '../../../connectors/sqs/harness.ts'
import { bucketsOf, makeBucket } from '../../../connectors/storage/harness.ts'
import { CREDENTIALS } from '../../services/elasticmq.ts'
import { eventually } from '../../services/eventually.ts'
import { ROOT, startGateway } from '../../services/gateway.ts'
import { KAFKA } from '../../services/kafka.ts'
import { MOTO } from '../../services/moto.ts'
import { POSTGRES } from '../../services/postgres.ts'
import { Database } from '../../services/postgres-database.ts'
import { describeServers } from '../../services/server.ts'
import { post, request } from './client.ts'

const order = (orderId: number, more: object = {}): string =>
  JSON.stringify({ orderId, items: [{ price: 2, quantity: 3 }], ...more })

await describeServers([KAFKA, MOTO, POSTGRES], 'config/examples/event-sources.yaml', (kafka, aws, postgres) => {
  test('each type', { timeout: 180_000 }, async () => {
    await using orders = await Topic.open(kafka.address, 1)
    await using dead = await Topic.open(kafka.address, 1)
    await using database = await Database.open(postgres.address)
    await database.query('create table users (id int primary key)')
    const [s3, sqs] = [bucketsOf(aws.address), clientOf(aws.address)]
    using _ = { [Symbol.dispose]: () => void [s3.destroy(), sqs.destroy()] }
    const { bucket } = await makeBucket(s3, sqs)
    const [queue, letters] = [`q-${crypto.randomUUID()}`, `d-${crypto.randomUUID()}`]
    const [url, lettersUrl] = [await makeQueue(sqs, queue), await makeQueue(sqs, letters)]
    const config = readFileSync(join(ROOT, 'config/examples/event-sources.yaml'), 'utf8')
      .replaceAll('../../functions', 'FUNCTIONS')
      .replace('localhost:9092', kafka.address)
      .replace('consumer_group: event-router', `consumer_group: ${orders.group}`)
      .replace('topic: orders\n', `topic: ${orders.name}\n`)
      .replace('dead_letter_topic: orders.dlq', `dead_letter_topic: ${dead.name}`)
      .replace('name: order-queue\n', `name: ${queue}\n`)
      .replace('dead_letter_queue: order-queue-dlq', `dead_letter_queue: ${letters}`)
      .replace('name: user-uploads', `name: ${bucket}`)
      .replace('"0 2 * * *"', '"* * * * * *"')
    const env = { ...CREDENTIALS, AWS_ENDPOINT_URL: aws.address, DATABASE_URL: database.url }
    await using gateway = await startGateway({ config, env })
    const done = async (route: string, count: number): Promise<void> => {
      const line = new RegExp(`^headgate_deliveries_total{route="${route}",outcome="done"} (\\d+)$`, 'm')
      const seen = async () => Number(line.exec((await request(gateway.admin, '/metrics')).text)?.[1] ?? 0)
      await eventually(async () => (await seen()) >= count, {
        what: `${count} of route ${route}`,
        withinMs: 60_000,
        everyMs: 100,
        detail: gateway.output,
      })
    }

    const answer = await post(gateway.http, '/api/v1/orders', JSON.parse(order(1)))
    expect(answer).toMatchObject({ status: 200, json: { orderId: 1, units: 3 } })

    const values = [order(2, { event_type: 'order.placed' }), order(3), '{"event_type":"order.placed"}']
    await orders.producer.send({ topic: orders.name, messages: values.map((value) => ({ value })) })
    // One order, and the copy of the one that is none; the filter leaves the third alone.
    await done(orders.name, 2)
    await using given = await Face.begin({ brokers: [kafka.address], group: crypto.randomUUID(), topic: dead.name })
    await given.has(1)
    expect(given.accepted).toEqual(['{"event_type":"order.placed"}'])

    for (const MessageBody of [order(4), 'no order']) await sqs.sendMessage({ QueueUrl: url, MessageBody })
    await done(queue, 2)
    expect([await heldBy(sqs, url), await heldBy(sqs, lettersUrl)]).toEqual([0, 1])

    for (const Key of ['avatars/a.png', 'b.jpg', 'avatars/c.jpg'])
      await s3.putObject({ Bucket: bucket, Key, Body: 'x' })
    await done(bucket, 1)

    await database.query('insert into users values (1); update users set id = 2; delete from users')
    await done('users', 2)
    await done('nightly', 2)
  })
})
