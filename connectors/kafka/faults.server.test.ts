/** The Kafka source and sink when something goes wrong: their broker, their topics, their records. */

import { expect, test, vi } from 'vitest'
import { memoryContext } from '#conformance'
import { type CloudEvent, GatewayError } from '#connector'
import { KAFKA } from '../../test/services/kafka.ts'
import { KafkaAnswers, openKafkaDoor } from '../../test/services/kafka-door.ts'
import { describeServers, startOwn } from '../../test/services/server.ts'
import { Face, PATIENT } from './face.ts'
import { Topic } from './harness.ts'
import { KafkaSink } from './sink.ts'
import { kafkaSinkConfig } from './sink-config.ts'

const LONG = { timeout: 120_000 }
const samples = (count: number, from = 0) =>
  Array.from({ length: count }, (_, at) => ({ subject: `k${(from + at) % 7}`, data: Buffer.from(`n${from + at}`) }))
const signal = () => AbortSignal.timeout(30_000)
const event = (id: string, data: Uint8Array): CloudEvent => ({ specversion: '1.0', id, source: '/s', type: 't', data })

async function sinkTo(address: string, topic: string, more: object = {}) {
  const sink = new KafkaSink(kafkaSinkConfig.parse({ brokers: [address], topic, ...more }), memoryContext())
  await sink.start(signal())
  return Object.assign(sink, { [Symbol.asyncDispose]: () => sink.stop() })
}

await describeServers([KAFKA], 'kafka, faults', (server) => {
  const { address } = server
  const on = (topic: Topic, more: object = {}) => ({
    brokers: [address],
    group: topic.group,
    topics: [topic.name],
    ...more,
  })

  test('a broker that is stopped and started again: told once, and nothing is lost', LONG, async () => {
    await using own = await startOwn(KAFKA)
    await using topic = await Topic.open(own.address, 3)
    await using face = await Face.begin({ ...on(topic), brokers: [own.address] })
    await topic.send(samples(20))
    await face.has(20)
    await own.stop()
    await vi.waitFor(() => expect(face.told('warn')).toHaveLength(1), PATIENT)
    expect(face.told('warn')[0]).toMatch(
      /^orders \(kafka\): consuming "t-.*" at 127\.0\.0\.1:\d+: .*; joining again until that works$/,
    )
    await own.start()
    await topic.send(samples(20, 20))
    await face.has(40)
    expect(face.told('warn')).toHaveLength(1)
    expect(face.meter.troubles).toBeGreaterThan(0)
    expect(face.meter.reconnects).toBe(1)
    await vi.waitFor(async () => expect(await topic.lag()).toBe(0), PATIENT)
  })

  test('a broker that is away does not keep a source or a sink from stopping', LONG, async () => {
    await using own = await startOwn(KAFKA)
    await using topic = await Topic.open(own.address, 3)
    await using face = await Face.begin({ ...on(topic), brokers: [own.address] })
    await using sink = await sinkTo(own.address, topic.name)
    await sink.deliver(event('1', Buffer.from('x')), signal())
    await face.has(1)
    await own.stop('SIGKILL')
    const began = performance.now()
    await Promise.all([face.source.stop(), sink.stop()])
    // Of the 9 s that the gateway gives a part.
    expect(performance.now() - began).toBeLessThan(8_500)
  })

  test('connections that are cut again and again: every record comes', LONG, async () => {
    await using topic = await Topic.open(address, 3)
    await using door = await openKafkaDoor(server)
    await using face = await Face.begin({ ...on(topic), brokers: [door.address] })
    for (let round = 0; round < 5; round++) {
      await topic.send(samples(100, round * 100))
      await face.has(round * 100 + 50)
      door.cut()
    }
    await face.has(500)
  })

  test('a broker that nobody is at refuses the start, and names it', LONG, async () => {
    const face = new Face({ brokers: ['127.0.0.1:1'], group: 'g', topics: ['a'] })
    const error = await face.start().catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(GatewayError)
    expect(`${error}`).toContain('orders (kafka): consuming "a" at 127.0.0.1:1: ')
    expect(`${error}`).toContain('ECONNREFUSED')
  })

  test('a record that is a bad event is a plain one', LONG, async () => {
    await using topic = await Topic.open(address, 1)
    await using face = await Face.begin(on(topic))
    const headers = { ce_specversion: '1.0', ce_type: 'order' }
    await topic.producer.send({
      topic: topic.name,
      messages: [
        { value: 'bad', headers },
        { key: 'k', value: null },
      ],
    })
    await face.has(2)
    expect(face.accepted).toEqual(['bad', ''])
    expect(face.offered[0]).toMatchObject({ type: 'dev.knative.kafka.event', id: 'partition:0/offset:0' })
    expect(face.offered[1]).not.toHaveProperty('data')
    expect(face.offers.every((offer) => offer?.address === topic.name)).toBe(true)
    await vi.waitFor(async () => expect(await topic.lag()).toBe(0), PATIENT)
  })

  test('a partition whose records are refused for now holds up no other, and keeps its order', LONG, async () => {
    await using topic = await Topic.open(address, 2)
    await using face = new Face(on(topic, { buffer: '128KiB' }))
    let isOpen = false
    face.decide = (_, { id }) => {
      if (id.startsWith('partition:0/') && !isOpen)
        throw new GatewayError('OVERLOADED', 'work: the breaker is open', { retryAfterMs: 50 })
    }
    await face.start()
    const big = (n: number) => Buffer.from(`n${n} ${'x'.repeat(1_000)}`)
    for (let from = 0; from < 1_000; from += 100) {
      const messages = Array.from({ length: 100 }, (_, at) => ({ value: big(from + at), partition: at % 2 }))
      await topic.producer.send({ topic: topic.name, messages })
    }
    await face.has(500)
    isOpen = true
    await face.has(1_000)
    const numbers = face.accepted.map((text) => Number(text.slice(1, text.indexOf(' '))))
    for (const partition of [0, 1]) {
      const own = numbers.filter((n) => n % 2 === partition)
      expect(own).toEqual(own.toSorted((a, b) => a - b))
    }
  })

  test(
    'without credit nothing is offered, little is held, and the group goes on hearing from the member',
    LONG,
    async () => {
      await using topic = await Topic.open(address, 3)
      await using face = new Face(on(topic, { buffer: '192KiB' }))
      face.credit.close()
      await face.start()
      for (let from = 0; from < 500; from += 50) {
        const messages = Array.from({ length: 50 }, (_, at) => ({ key: `${from + at}`, value: Buffer.alloc(10_000) }))
        await topic.producer.send({ topic: topic.name, messages })
      }
      await vi.waitFor(() => expect(face.meter.standing.inFlight).toBeGreaterThan(0), PATIENT)
      const begun = Date.now()
      // Twice the session: a member that is not heard of would have lost its place.
      await vi.waitFor(() => expect(Date.now() - begun).toBeGreaterThan(6_000), PATIENT)
      await vi.waitFor(() => expect(face.meter.standing.lag).toBe(500), PATIENT)
      expect(face.offered).toEqual([])
      expect(face.meter.standing.inFlight).toBeLessThan(400)
      expect(face.told('info').filter((line) => line.includes('joined the group'))).toHaveLength(1)
      expect(face.meter.standing.oldest).toBeGreaterThan(Date.now() - 60_000)
      face.credit.open()
      await vi.waitFor(() => expect(face.accepted).toHaveLength(500), PATIENT)
      await vi.waitFor(() => expect(face.meter.standing).toMatchObject({ lag: 0, inFlight: 0, oldest: null }), PATIENT)
    },
  )

  test(
    'from the end: what was there before the first start does not come, what comes later does, restarts included',
    LONG,
    async () => {
      await using topic = await Topic.open(address, 3)
      await topic.send(samples(10))
      const first = await Face.begin(on(topic, { from: 'end' }))
      await first[Symbol.asyncDispose]()
      expect(first.accepted).toEqual([])
      await topic.send(samples(10, 10))
      await using second = await Face.begin(on(topic, { from: 'end' }))
      await second.has(10)
      await topic.send(samples(1, 20))
      await second.has(11)
      expect(new Set(second.accepted)).toEqual(new Set(samples(11, 10).map(({ data }) => String(data))))
    },
  )

  test.each(['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const)(
    'written and read with %s',
    LONG,
    async (compression) => {
      await using topic = await Topic.open(address, 1)
      await using sink = await sinkTo(address, topic.name, { compression })
      const data = Array.from({ length: 50 }, (_, at) => Buffer.from(`${at} ${'grüße '.repeat(at * 200)}`))
      await Promise.all(data.map((each, at) => sink.deliver(event(`${at}`, each), signal())))
      await using face = await Face.begin(on(topic))
      await face.has(50)
      expect(face.accepted).toEqual(data.map(String))
    },
  )

  test('a record that is too large is refused, and those that went with it are written', LONG, async () => {
    await using topic = await Topic.open(address, 1, { 'max.message.bytes': '20000' })
    await using sink = await sinkTo(address, topic.name)
    const sizes = Array.from({ length: 24 }, (_, at) => (at % 8 === 3 ? 30_000 : 1_000))
    const ends = await Promise.allSettled(
      sizes.map((size, at) => sink.deliver(event(`${at}`, Buffer.alloc(size, `${at} `)), signal())),
    )
    expect(ends.map(({ status }) => status)).toEqual(sizes.map((size) => (size > 20_000 ? 'rejected' : 'fulfilled')))
    const [refused] = ends.flatMap((end) => (end.status === 'rejected' ? [end.reason] : []))
    expect(refused).toMatchObject({
      code: 'SINK_REJECTED',
      message: expect.stringContaining('larger than the topic takes'),
    })
    await using face = await Face.begin(on(topic))
    await face.has(21)
  })

  test('a topic that is not there is refused, and holds up no other', LONG, async () => {
    await using topic = await Topic.open(address, 1)
    await using sink = await sinkTo(address, '{subject}')
    const to = (subject: string) => sink.deliver({ ...event('1', Buffer.from('x')), subject }, signal())
    const [missing, wrong, fine] = await Promise.allSettled([to('no-such-topic'), to('not a topic'), to(topic.name)])
    expect(fine?.status).toBe('fulfilled')
    expect(missing).toMatchObject({
      reason: { code: 'SINK_REJECTED', message: expect.stringContaining('"no-such-topic"') },
    })
    expect(wrong).toMatchObject({
      reason: { code: 'SINK_REJECTED', message: expect.stringContaining('"not a topic"') },
    })
  })

  test('a batch that failed although it was written does not swallow the next one of its size', LONG, async () => {
    await using topic = await Topic.open(address, 1)
    const answers = new KafkaAnswers()
    await using door = await openKafkaDoor(server, answers)
    await using sink = await sinkTo(door.address, topic.name, { timeout: '5s' })
    await sink.deliver(event('0', Buffer.from('n0')), signal())
    answers.error = 19
    const refused = sink.deliver(event('1', Buffer.from('n1')), signal())
    await expect(refused).rejects.toMatchObject({ code: 'SINK_UNAVAILABLE' })
    answers.error = undefined
    await sink.deliver(event('2', Buffer.from('n2')), signal())
    await using face = await Face.begin(on(topic))
    await face.has(3)
    expect(face.accepted).toEqual(['n0', 'n1', 'n2'])
  })

  test(
    'answers that are lost: what is delivered again is there, and every delivery that was told done is',
    LONG,
    async () => {
      await using topic = await Topic.open(address, 1)
      const answers = new KafkaAnswers()
      await using door = await openKafkaDoor(server, answers)
      await using sink = await sinkTo(door.address, topic.name, { timeout: '5s' })
      const done = new Set<string>()
      const deliver = async (id: string): Promise<void> => {
        for (;;) {
          const ok = await sink.deliver(event(id, Buffer.from(id)), signal()).then(
            () => true,
            () => false,
          )
          if (ok) return void done.add(id)
        }
      }
      for (let round = 0; round < 6; round++) {
        // Written by the broker, and never answered.
        answers.isHolding = true
        const deliveries = Array.from({ length: 5 }, (_, at) => deliver(`${round}-${at}`))
        await new Promise((resolve) => setTimeout(resolve, 100))
        answers.isHolding = false
        door.cut()
        await Promise.all(deliveries)
      }
      await using face = await Face.begin(on(topic))
      await face.has(30)
      expect(new Set(face.accepted)).toEqual(done)
    },
  )
})
