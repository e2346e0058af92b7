/** The example in config/examples, and a router's file in the `event_sources` form, on a real broker. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { startGateway } from '../../test/services/gateway.ts'
import { KAFKA } from '../../test/services/kafka.ts'
import { describeServers } from '../../test/services/server.ts'
import { Face, PATIENT } from './face.ts'
import { Topic } from './harness.ts'

const LONG = { timeout: 120_000 }
const order = (orderId: number) => JSON.stringify({ orderId, items: [{ price: 2, quantity: 3 }] })

await describeServers([KAFKA], 'kafka, as it is configured', ({ address }) => {
  /** Reads a topic from its beginning, as events. */
  const reader = ({ name }: Topic) => Face.begin({ brokers: [address], group: crypto.randomUUID(), topic: name })
  const metricsOf = async (admin: number) => {
    const text = await (await fetch(`http://127.0.0.1:${admin}/metrics`)).text()
    return text.split('\n').filter((line) => /^headgate_(events|deliveries|source)/.test(line))
  }

  test(
    'config/examples/kafka.yaml: orders become summaries, and what is no order becomes a dead letter',
    LONG,
    async () => {
      await using orders = await Topic.open(address)
      await using summaries = await Topic.open(address)
      await using dead = await Topic.open(address)
      const config = readFileSync(join(import.meta.dirname, '../../config/examples/kafka.yaml'), 'utf8')
        .replaceAll('../../functions', 'FUNCTIONS')
        .replaceAll('localhost:9092', address)
        .replace('group: headgate', `group: ${orders.group}`)
        .replace('[orders]', `[${orders.name}]`)
        .replace('topic: orders.summaries', `topic: ${summaries.name}`)
        .replace('topic: orders.dead', `topic: ${dead.name}`)
      await using gateway = await startGateway({ config })
      const value = ['a', 'b'].map((key, at) => ({ key, value: order(at) }))
      await orders.producer.send({ topic: orders.name, messages: [...value, { key: 'c', value: 'no order' }] })
      await using written = await reader(summaries)
      await written.has(2)
      expect(written.offered.map(({ type }) => type)).toEqual(['order.accepted', 'order.accepted'])
      expect(written.accepted.map((text) => JSON.parse(text).orderId).toSorted()).toEqual([0, 1])
      await using given = await reader(dead)
      await given.has(1)
      expect(given.accepted).toEqual(['no order'])
      expect(given.offered[0]).toMatchObject({
        source: `/kafka/orders#${orders.name}`,
        type: 'dev.knative.kafka.event',
        extensions: { partitionkey: 'c', deadletterroute: 'orders' },
      })
      const lag = () => metricsOf(gateway.admin)
      await vi.waitFor(
        async () => expect(await lag()).toContain('headgate_source_lag_messages{source="orders"} 0'),
        PATIENT,
      )
    },
  )

  test('README.md: the configuration that puts a function in front of a Kafka', LONG, async () => {
    await using orders = await Topic.open(address, 2)
    await using summaries = await Topic.open(address, 2)
    const readme = readFileSync(join(import.meta.dirname, '../../README.md'), 'utf8')
    const [, section = ''] = readme.split('### Put a function in front of your Kafka')
    const [, yaml = ''] = /<< 'YAML'\n([\s\S]*?)\nYAML/.exec(section) ?? []
    const config = yaml
      .replaceAll('localhost:9092', address)
      .replace('group: headgate', `group: ${orders.group}`)
      .replace('[orders]', `[${orders.name}]`)
      .replace('orders.summaries', summaries.name)
      .replace('functions/', 'FUNCTIONS/')
    // The records were there before: the group begins at the first one.
    await orders.producer.send({ topic: orders.name, messages: [{ key: 'a', value: order(1) }] })
    await using _gateway = await startGateway({ config })
    await using written = await reader(summaries)
    await written.has(1)
    expect(written.offered).toMatchObject([{ type: 'order.accepted' }])
  })

  test('as: what a record is called that is no CloudEvent; one that is one keeps its own name', LONG, async () => {
    await using orders = await Topic.open(address, 1)
    await using seen = await Topic.open(address, 1)
    const config = `
sources:
  orders:
    kafka: { brokers: ["${address}"], group: ${orders.group}, topics: [${orders.name}] }
    as: { type: '"order." + data.kind', subject: partitionkey, dataschema: data.schema }
sinks:
  seen: { kafka: { brokers: ["${address}"], topic: ${seen.name} } }
routes:
  all: { from: orders, to: seen, order_by: source }
`
    await using gateway = await startGateway({ config })
    const headers = { ce_specversion: '1.0', ce_id: 'own', ce_source: '/own', ce_type: 'own' }
    await orders.producer.send({
      topic: orders.name,
      messages: [
        { key: 'ada', value: '{"kind":"placed"}' },
        { key: 'bob', value: 'no JSON' },
        { key: 'eve', value: '{"kind":"own"}', headers },
      ],
    })
    await using written = await reader(seen)
    await written.has(3)
    const made = (type: string, subject: string, offset: number) => ({
      source: `/kafka/orders#${orders.name}`,
      id: `partition:0/offset:${offset}`,
      type,
      subject,
    })
    const byId = written.offered.toSorted((a, b) => (a.id < b.id ? -1 : 1))
    expect(byId).toMatchObject([
      { source: '/own', id: 'own', type: 'own' },
      made('order.placed', 'ada', 0),
      made('dev.knative.kafka.event', 'bob', 1),
    ])
    expect(byId[0]).not.toHaveProperty('subject')
    expect(byId.some((event) => 'dataschema' in event)).toBe(false)
    expect(gateway.output()).toMatch(/"attribute":"type".*its as gave no value/)
  })

  test('event_sources: each topic has its function, its filter and its dead-letter topic', LONG, async () => {
    await using users = await Topic.open(address, 2)
    await using others = await Topic.open(address, 2)
    await using dead = await Topic.open(address, 1)
    const config = `
event_sources:
  - type: kafka
    config:
      brokers: ["${address}"]
      consumer_group: ${users.group}
      topics:
        - topic: ${users.name}
          target_function: order-summary
          filter: event_type == 'user.created' || event_type == 'user.updated'
          dead_letter_topic: ${dead.name}
          retry_attempts: 0
        - topic: ${others.name}
          target_function: echo
`
    await using gateway = await startGateway({
      config,
      env: { HEADGATE_FUNCTIONS: join(import.meta.dirname, '../../functions') },
    })
    const event = (type: string, value: string) => ({
      value,
      headers: { ce_specversion: '1.0', ce_id: crypto.randomUUID(), ce_source: '/users', ce_type: type },
    })
    const messages = [event('user.created', order(1)), event('user.deleted', order(2)), event('user.updated', 'none')]
    await users.producer.send({ topic: users.name, messages })
    await users.producer.send({ topic: others.name, messages: [{ value: 'any' }] })
    await using given = await reader(dead)
    await given.has(1)
    expect(given.accepted).toEqual(['none'])
    const done = ({ name }: Topic, count: number) =>
      `headgate_deliveries_total{route="${name}",outcome="done"} ${count}`
    await vi.waitFor(async () => {
      const metrics = await metricsOf(gateway.admin)
      // Of the first route: the one that its filter takes and the function can do, and the copy of the dead letter.
      expect(metrics).toEqual(expect.arrayContaining([done(users, 2), done(others, 1)]))
      expect(metrics).toContain('headgate_events_unmatched_total{source="kafka"} 1')
    }, PATIENT)
  })
})
