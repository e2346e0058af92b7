/** Options whose effect shows on the wire, or in what the broker knows: each changes what it says. */

import { expect, test, vi } from 'vitest'
import { memoryContext } from '#conformance'
import type { CloudEvent } from '#connector'
import { KAFKA, KAFKA_USER, kafkaFiles } from '../../test/services/kafka.ts'
import { KafkaAnswers, openKafkaDoor } from '../../test/services/kafka-door.ts'
import { describeServers } from '../../test/services/server.ts'
import { Wire } from '../../test/services/wire.ts'
import { Face, PATIENT } from './face.ts'
import { Topic } from './harness.ts'
import { KafkaSink } from './sink.ts'
import { kafkaSinkConfig } from './sink-config.ts'

const LONG = { timeout: 60_000 }
const event: CloudEvent = {
  ...{ specversion: '1.0', id: '1', source: '/s', type: 't', subject: 'seven' },
  data: Buffer.alloc(100_000, 'x'),
}
const int32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

await describeServers([KAFKA], 'kafka, options', (server) => {
  const { address, more = {} } = server

  test('client_id of a source is what the group knows it by', LONG, async () => {
    await using topic = await Topic.open(address, 1)
    await using _ = await Face.begin({
      ...{ brokers: [address], group: topic.group, topic: topic.name },
      client_id: 'who-reads',
    })
    const { groups } = await topic.admin.describeGroups([topic.group])
    expect(groups[0]?.members.map(({ clientId }) => clientId)).toEqual(['who-reads'])
  })

  test('session_timeout is what the group is asked for', LONG, async () => {
    await using topic = await Topic.open(address, 1)
    const wire = new Wire()
    await using door = await openKafkaDoor(server, wire)
    await using _ = await Face.begin({
      ...{ brokers: [door.address], group: topic.group, topic: topic.name },
      session_timeout: '7777ms',
    })
    // A request to join: the group, then how long it waits for a member.
    expect(wire.sent.includes(Buffer.concat([Buffer.from(topic.group), int32(7_777)]))).toBe(true)
  })

  /** All that a sink sends to deliver one event. */
  const sentWith = async (options: object): Promise<Buffer> => {
    await using topic = await Topic.open(address, 1)
    const wire = new Wire()
    await using door = await openKafkaDoor(server, wire)
    const config = kafkaSinkConfig.parse({ brokers: [door.address], topic: topic.name, ...options })
    const sink = new KafkaSink(config, memoryContext())
    await sink.start(AbortSignal.timeout(10_000))
    await sink.deliver(event, AbortSignal.timeout(10_000)).finally(() => sink.stop())
    return wire.sent
  }

  test.each<[string, object, (sent: Buffer) => boolean]>([
    ['client_id', { client_id: 'who-writes' }, (sent) => sent.includes('who-writes')],
    ['key', { key: 'key-of-{subject}' }, (sent) => sent.includes('key-of-seven')],
    ['mode', { mode: 'structured' }, (sent) => sent.includes('application/cloudevents+json')],
    ['compression', { compression: 'gzip' }, (sent) => sent.length < 20_000],
  ])('%s of a sink is in what it sends, and is not without it', LONG, async (_, options, shows) => {
    expect(shows(await sentWith(options))).toBe(true)
    expect(shows(await sentWith({}))).toBe(false)
  })

  test('timeout ends an attempt of a sink that is not answered', LONG, async () => {
    await using topic = await Topic.open(address, 1)
    const answers = new KafkaAnswers()
    await using door = await openKafkaDoor(server, answers)
    const config = kafkaSinkConfig.parse({ brokers: [door.address], topic: topic.name, timeout: '1s' })
    const sink = new KafkaSink(config, memoryContext())
    await sink.start(AbortSignal.timeout(10_000))
    answers.isHolding = true
    const began = performance.now()
    await expect(sink.deliver(event, AbortSignal.timeout(30_000))).rejects.toMatchObject({ code: 'SINK_UNAVAILABLE' })
    expect(performance.now() - began).toBeLessThan(10_000)
    answers.release()
    await sink.stop()
  })

  test('server_name is what the certificates must be for, and what they are asked with', LONG, async () => {
    const tls = { ca: kafkaFiles(more['folder'] ?? '').ca }
    const sasl = { mechanism: 'plain', ...KAFKA_USER }
    await using topic = await Topic.open(address, 1)
    const options = { brokers: [more['tls'] ?? ''], group: topic.group, topic: topic.name, sasl }
    const face = new Face({ ...options, tls: { ...tls, server_name: 'another.example' } })
    await expect(face.start()).rejects.toThrow(/another\.example/)
    const { group: _, ...both } = options
    const config = kafkaSinkConfig.parse({ ...both, tls: { ...tls, server_name: 'another.example' } })
    const sink = new KafkaSink(config, memoryContext())
    // A sink whose broker is away starts, and is tried again: what it delivers says why it cannot.
    await sink.start(AbortSignal.timeout(10_000))
    await expect(sink.deliver(event, AbortSignal.timeout(30_000))).rejects.toThrow(/another\.example/)
    await sink.stop()
    await using other = await Face.begin({ ...options, tls: { ...tls, server_name: 'localhost' } })
    await topic.send([{ subject: 'a', data: Buffer.from('hello') }])
    await vi.waitFor(() => expect(other.accepted).toEqual(['hello']), PATIENT)
  })
})
