/** Kafka for the `connectors` bench: one topic, read from its beginning by a group of its own each time. */

import { createRequire } from 'node:module'
import kafkajs, { type Kafka } from 'kafkajs'
import { mendRequestQueue } from '../../../connectors/kafka/request-queue.ts'
import { eventually } from '../../services/eventually.ts'
import { KAFKA } from '../../services/kafka.ts'
import { startOwn } from '../../services/server.ts'
import { payload, type Upstream, type UpstreamKind } from './upstream.ts'

const PARTITIONS = 6
const BATCH = 500

export const kafka: UpstreamKind = { name: 'kafka', client: 'kafkajs, eachBatch', open }

async function open(): Promise<Upstream> {
  mendRequestQueue(createRequire(import.meta.url))
  const server = await startOwn(KAFKA)
  const client = new kafkajs.Kafka({ brokers: [server.address], logLevel: kafkajs.logLevel.NOTHING })
  /** Topics by the number of their records: they can be read any number of times. */
  const topics = new Map<number, string>()
  return {
    async fill(messages) {
      const topic = topics.get(messages) ?? `backlog-${messages}`
      if (!topics.has(messages)) await produce(client, topic, messages)
      topics.set(messages, topic)
      const group = `bench-${crypto.randomUUID()}`
      return {
        source: { kafka: { brokers: [server.address], group, topics: [topic] } },
        bare: [new URL('./kafka.bare.ts', import.meta.url).pathname, server.address, topic, group, `${messages}`],
      }
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}

async function produce(client: Kafka, topic: string, count: number): Promise<void> {
  const admin = client.admin()
  await admin.connect()
  await admin.createTopics({ topics: [{ topic, numPartitions: PARTITIONS }], waitForLeaders: false })
  // A record that is sent again as a leader was not ready would be there twice.
  const isLed = () =>
    admin.fetchTopicOffsets(topic).then(
      () => true,
      () => false,
    )
  await eventually(isLed, { what: `topic ${topic} has its leaders` })
  await admin.disconnect()
  const producer = client.producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner })
  await producer.connect()
  for (let from = 0; from < count; from += BATCH) {
    const messages = Array.from({ length: Math.min(BATCH, count - from) }, (_, at) => ({
      key: `k${(from + at) % 1_000}`,
      value: payload(from + at),
    }))
    await producer.send({ topic, messages })
  }
  await producer.disconnect()
}
