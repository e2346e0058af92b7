/** Opens one topic of a real server, with a producer; and a topic behind a door at which a test holds and refuses records. */

import type { Admin, Consumer, Kafka, Producer } from 'kafkajs'
import type { Arrival, Downstream, Refusal, Sample, SinkHarness, SourceHarness, Upstream } from '#conformance'
import type { CloudEvent } from '#connector'
import { eventually } from '../../test/services/eventually.ts'
import { KafkaAnswers, openKafkaDoor } from '../../test/services/kafka-door.ts'
import type { Running } from '../../test/services/server.ts'
import { loadKafka } from './client.ts'
import connector from './index.ts'
import { normalize } from './normalize.ts'

const DEADLINE_MS = 30_000

/** A client of the tests' own, that says nothing. */
export async function clientOf(address: string): Promise<Kafka> {
  const { Kafka, logLevel } = await loadKafka()
  return new Kafka({ brokers: [address], logLevel: logLevel.NOTHING })
}

/** Connected clients of a server, and a topic of its own. */
export class Topic implements AsyncDisposable {
  readonly name = `t-${crypto.randomUUID()}`
  readonly group = `g-${crypto.randomUUID()}`
  readonly admin: Admin
  readonly producer: Producer
  readonly kafka: Kafka

  private constructor(kafka: Kafka, admin: Admin, producer: Producer) {
    this.kafka = kafka
    this.admin = admin
    this.producer = producer
  }

  static async open(address: string, partitions = 12, config: Readonly<Record<string, string>> = {}): Promise<Topic> {
    const kafka = await clientOf(address)
    const { Partitioners } = await loadKafka()
    const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner })
    const topic = new Topic(kafka, kafka.admin(), producer)
    await Promise.all([topic.admin.connect(), producer.connect()])
    const configEntries = Object.entries(config).map(([name, value]) => ({ name, value }))
    await topic.admin.createTopics({
      topics: [{ topic: topic.name, numPartitions: partitions, configEntries }],
      waitForLeaders: false,
    })
    // Kafkajs takes a partition for led as soon as its leader is named, or fails when it is not: the leader is asked.
    const isLed = () =>
      topic.admin.fetchTopicOffsets(topic.name).then(
        () => true,
        () => false,
      )
    await eventually(isLed, { what: `topic ${topic.name} has its leaders` })
    return topic
  }

  /** Sends in order; what has one subject stays in order. */
  async send(samples: readonly Sample[]): Promise<void> {
    const messages = samples.map(({ data, subject }) => ({ key: subject, value: Buffer.from(data) }))
    await this.producer.send({ topic: this.name, messages })
  }

  /** Records that the group has not committed. */
  async lag(group = this.group): Promise<number> {
    const ends = await this.admin.fetchTopicOffsets(this.name)
    const [held] = await this.admin.fetchOffsets({ groupId: group, topics: [this.name] })
    return ends.reduce((sum, { high, partition }) => {
      const committed = Number(held?.partitions.find((each) => each.partition === partition)?.offset ?? -1)
      return sum + Number(high) - Math.max(0, committed)
    }, 0)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.admin.deleteTopics({ topics: [this.name] }).catch(() => {})
    await Promise.all([this.admin.disconnect(), this.producer.disconnect()])
  }
}

/** The harness that the universal suite runs the source with. */
export const kafkaHarness = (server: Running): SourceHarness => ({
  connector,
  open: () => openTopic(server),
  unreachable: async () => ({
    config: { brokers: [server.address], group: 'g', topics: ['there-is-no-such-topic'] },
    names: '"there-is-no-such-topic"',
  }),
  deadlineMs: DEADLINE_MS,
})

async function openTopic(server: Running): Promise<Upstream> {
  const topic = await Topic.open(server.address)
  // Every connection that the tests' own clients need is open before the source has one.
  await topic.lag()
  const door = await openKafkaDoor(server)
  return {
    config: { brokers: [door.address], group: topic.group, topics: [topic.name], session_timeout: '6s' },
    async send(samples) {
      await topic.send(samples)
      return samples.map(() => 'accepted' as const)
    },
    unacknowledged: () => topic.lag(),
    interrupt: async () => door.cut(),
    async [Symbol.asyncDispose]() {
      await door.close()
      await topic[Symbol.asyncDispose]()
    },
  }
}

/** The harness that the universal suite runs the sink with, in one of its modes. */
export const kafkaSinkHarness = (server: Running, mode: 'binary' | 'structured'): SinkHarness => ({
  connector,
  open: () => openReader(server, mode),
  exempt: {
    K6: 'an idempotent producer has one batch under way: one answer for all of it. That a refused record does not take others with it has a test of its own',
  },
  saysWhen: false,
  deadlineMs: DEADLINE_MS,
})

async function openReader(server: Running, mode: 'binary' | 'structured'): Promise<Downstream> {
  const topic = await Topic.open(server.address, 1)
  const arrivals: Arrival[] = []
  const consumer = await read(topic, (arrival) => arrivals.push(arrival))
  const answers = new KafkaAnswers()
  const door = await openKafkaDoor(server, answers)
  return {
    config: { brokers: [door.address], topic: topic.name, mode, timeout: '5s' },
    secrets: [],
    arrived: () => arrivals,
    hold: (which) => {
      answers.isHolding = which(ANY)
    },
    release: () => answers.release(),
    refuse: (how) => {
      answers.error = errorOf(how(ANY))
    },
    leave: () => door.close(),
    comeBack: () => door.listen(),
    connections: () => door.connections,
    async [Symbol.asyncDispose]() {
      await door.close()
      await consumer.disconnect()
      await topic[Symbol.asyncDispose]()
    },
  }
}

const ANY: CloudEvent = { specversion: '1.0', id: '1', source: '/any', type: 'any' }

const errorOf = (refusal: Refusal | undefined): 10 | 19 | undefined => {
  if (refusal === undefined) return undefined
  return refusal === 'reject' ? 10 : 19
}

/** Resolves once everything that is in the topic, and comes into it, is told. */
async function read(topic: Topic, arrived: (arrival: Arrival) => void): Promise<Consumer> {
  const consumer = topic.kafka.consumer({ groupId: topic.group, maxWaitTimeInMs: 50 })
  const fetched = new Promise<void>((resolve) => consumer.on(consumer.events.FETCH, () => resolve()))
  await consumer.connect()
  await consumer.subscribe({ topic: topic.name, fromBeginning: true })
  await consumer.run({
    eachMessage: async ({ message, partition }) => {
      const { event } = normalize(message, { name: 'reader', topic: topic.name, partition })
      arrived({ event, key: `${event.source} ${event.id}` })
    },
  })
  await fetched
  return consumer
}
