/** The SQS source when something goes wrong: its server, its credentials, its messages. */

import { expect, test, vi } from 'vitest'
import { MemoryLog, MemoryMeter, memoryContext } from '#conformance'
import { type CloudEvent, type Emit, GatewayError, type Source } from '#connector'
import { ELASTICMQ, ELASTICMQ_ON_DISK } from '../../test/services/elasticmq.ts'
import { MOTO, MOTO_WITH_RULES } from '../../test/services/moto.ts'
import { describeServers, startOwn } from '../../test/services/server.ts'
import { sqsConfig } from './config.ts'
import { clientOf, heldBy, makeQueue, sendAll, useCredentials } from './harness.ts'
import { normalize } from './normalize.ts'
import { createSource } from './source.ts'

const REGION = 'us-east-1'
const PATIENT = { timeout: 30_000, interval: 20 }
const samples = (...texts: readonly string[]) =>
  texts.map((text) => ({ subject: text.charAt(0), data: Buffer.from(text) }))

/** A source that runs for as long as the scope, and what it emitted. */
class Bench implements AsyncDisposable {
  readonly log = new MemoryLog()
  readonly meter = new MemoryMeter()
  readonly offered: string[] = []
  readonly accepted: string[] = []
  readonly source: Source
  /** What the gateway says to an event; throws what it refuses it with. */
  decide: (text: string, event: CloudEvent) => void | Promise<void> = () => {}

  constructor(options: object) {
    const context = memoryContext({ name: 'jobs', log: this.log, meter: this.meter })
    this.source = createSource(sqsConfig.parse({ region: REGION, visibility: '3s', wait: '1s', ...options }), context)
  }

  emit: Emit = async (event) => {
    const text = Buffer.from(event.data ?? []).toString()
    this.offered.push(text)
    await this.decide(text, event)
    this.accepted.push(text)
    return { callId: event.id, duplicate: false, routes: [] }
  }

  start = (): Promise<void> => this.source.start(this.emit, AbortSignal.timeout(20_000))
  async has(...texts: readonly string[]): Promise<void> {
    await vi.waitFor(() => expect(new Set(this.accepted)).toEqual(new Set(texts)), PATIENT)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.source.stop()
  }
}

async function queueOn(address: string, name: string, attributes: Record<string, string> = {}) {
  const sqs = clientOf(address)
  const url = await makeQueue(sqs, name, attributes)
  return {
    sqs,
    url,
    send: (...texts: readonly string[]) => sendAll(sqs, url, samples(...texts)),
    empty: () => vi.waitFor(async () => expect(await heldBy(sqs, url)).toBe(0), PATIENT),
    [Symbol.dispose]: () => sqs.destroy(),
  }
}

await describeServers([ELASTICMQ], 'sqs, a server that is there', ({ address }) => {
  const fresh = (suffix = '') => `f-${crypto.randomUUID()}${suffix}`

  test('a message whose event takes longer than its visibility stays hidden, and is taken once', async () => {
    const name = fresh()
    using queue = await queueOn(address, name)
    await using bench = new Bench({ endpoint: address, queue: name, visibility: '2s' })
    bench.decide = () => new Promise((resolve) => setTimeout(resolve, 7_000))
    await bench.start()
    await queue.send('slow')
    await bench.has('slow')
    await queue.empty()
    expect(bench.offered).toEqual(['slow'])
  })

  test('of a FIFO queue, what comes after a refused message waits for it, and other groups do not', async () => {
    const name = fresh('.fifo')
    using queue = await queueOn(address, name)
    await using bench = new Bench({ endpoint: address, queue: name })
    let refusals = 0
    bench.decide = (text) => {
      if (text === 'a1' && refusals++ < 2) throw new Error('refused on purpose')
    }
    await queue.send('a1', 'a2', 'b1', 'a3', 'b2')
    await bench.start()
    await bench.has('a1', 'a2', 'a3', 'b1', 'b2')
    expect(bench.accepted.filter((text) => text.startsWith('a'))).toEqual(['a1', 'a2', 'a3'])
    expect(bench.accepted.slice(0, 2)).toEqual(['b1', 'b2'])
    await queue.empty()
  })

  test('poison goes to dead_letter with its reason, at once or after max_receives, and the others go on', async () => {
    const [name, dead] = [fresh(), fresh()]
    using letters = await queueOn(address, dead)
    using queue = await queueOn(address, name)
    await using bench = new Bench({ endpoint: address, queue: name, dead_letter: dead, max_receives: 2 })
    bench.decide = (text) => {
      if (text === 'never') throw new GatewayError('EVENT_INVALID', 'gateway: accepting: on purpose')
      if (text === 'tries') throw new Error('on purpose')
    }
    await queue.send('never', 'good', 'tries', 'fine')
    await bench.start()
    await bench.has('good', 'fine')
    await queue.empty()
    expect(bench.offered.toSorted()).toEqual(['fine', 'good', 'never', 'tries', 'tries'])
    const events: CloudEvent[] = []
    await vi.waitFor(async () => {
      const asked = { QueueUrl: letters.url, MaxNumberOfMessages: 10, MessageAttributeNames: ['All'] }
      const { Messages = [] } = await letters.sqs.receiveMessage(asked)
      events.push(...Messages.map((message) => normalize(message, 'arn')))
      expect(events).toHaveLength(2)
    }, PATIENT)
    const told = events.map(({ data, extensions, type }) => [Buffer.from(data ?? []).toString(), type, extensions])
    const extensions = (deadlettercode: string, deadletterattempts: number) =>
      expect.objectContaining({ deadlettercode, deadletterattempts, deadlettersource: 'jobs' })
    expect(told.toSorted()).toEqual([
      ['never', 'com.amazon.sqs.message', extensions('EVENT_INVALID', 1)],
      ['tries', 'com.amazon.sqs.message', extensions('INTERNAL', 2)],
    ])
  })

  test("a redrive policy that would be first is told of, and what it takes is the queue's own affair", async () => {
    const [name, dead] = [fresh(), fresh()]
    using letters = await queueOn(address, dead)
    const { Attributes } = await letters.sqs.getQueueAttributes({ QueueUrl: letters.url, AttributeNames: ['All'] })
    const policy = JSON.stringify({ deadLetterTargetArn: Attributes?.QueueArn, maxReceiveCount: 2 })
    using _ = await queueOn(address, name, { RedrivePolicy: policy })
    await using bench = new Bench({ endpoint: address, queue: name, dead_letter: dead, max_receives: 5 })
    await bench.start()
    expect(bench.log.lines.map(({ message }) => message)).toEqual([
      expect.stringMatching(/the redrive policy of queue "f-\S+" takes a message after 2 receives/),
    ])
  })

  test('a queue is found by its URL and by its ARN', async () => {
    const name = fresh()
    using queue = await queueOn(address, name)
    for (const given of [queue.url, `arn:aws:sqs:${REGION}:000000000000:${name}`]) {
      await using bench = new Bench({ endpoint: address, queue: given })
      await bench.start()
      await queue.send(given)
      await bench.has(given)
    }
  })

  test('tells how far it is behind', async () => {
    const name = fresh()
    using queue = await queueOn(address, name)
    await queue.send('1', '2', '3')
    const held = Promise.withResolvers<void>()
    const bench = new Bench({ endpoint: address, queue: name })
    bench.decide = () => held.promise
    try {
      await bench.start()
      await vi.waitFor(() => expect(bench.meter.standing).toMatchObject({ lag: 3 }), PATIENT)
    } finally {
      held.resolve()
      await bench[Symbol.asyncDispose]()
    }
    expect(bench.meter.standing).toEqual({})
  })
})

await describeServers([ELASTICMQ, MOTO], 'sqs, a server of its own', () => {
  test('stopped, and started again: the source goes on by itself, and says each once', async () => {
    await using server = await startOwn(ELASTICMQ_ON_DISK)
    using queue = await queueOn(server.address, 'jobs')
    await using bench = new Bench({ endpoint: server.address, queue: 'jobs' })
    await bench.start()
    await queue.send('before')
    await bench.has('before')
    await server.stop()
    await vi.waitFor(() => expect(bench.meter.troubles).toBeGreaterThan(2), PATIENT)
    await server.start()
    await queue.send('after')
    await bench.has('before', 'after')
    expect(bench.meter.reconnects).toBeGreaterThanOrEqual(1)
    const told = bench.log.lines.map(({ message }) => message)
    expect(told[0]).toMatch(/^jobs \(sqs\): \S.+: no answer for queue "jobs" at "http:\/\/127[^"]+": .*; trying again$/)
    expect(told).toContain('jobs (sqs): receiving again')
    expect(told.length).toBeLessThanOrEqual(2 * bench.meter.reconnects)
  })

  test('credentials that are not accepted, or are not there, fail the start by name', async () => {
    await using server = await startOwn(MOTO_WITH_RULES)
    useCredentials()
    const start = (queue: string) => new Bench({ endpoint: server.address, queue }).start()
    await expect(start('jobs')).rejects.toMatchObject({
      code: 'SOURCE_UNAVAILABLE',
      message: expect.stringMatching(/^jobs \(sqs\): connecting: the credentials for queue "jobs" are not accepted/),
    })
    vi.stubEnv('AWS_ACCESS_KEY_ID', undefined)
    vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', '/dev/null')
    vi.stubEnv('AWS_CONFIG_FILE', '/dev/null')
    try {
      await expect(start('jobs')).rejects.toThrow(/there are no credentials for queue "jobs"; set AWS_ACCESS_KEY_ID/)
    } finally {
      vi.unstubAllEnvs()
    }
  })
})
