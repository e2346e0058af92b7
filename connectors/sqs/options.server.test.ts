/** Options whose effect shows in the requests that SQS gets: each changes what it says. */

import { expect, test, vi } from 'vitest'
import { memoryContext } from '#conformance'
import type { CloudEvent, Emit } from '#connector'
import { ELASTICMQ } from '../../test/services/elasticmq.ts'
import { Relay } from '../../test/services/relay.ts'
import { describeServers } from '../../test/services/server.ts'
import { Wire } from '../../test/services/wire.ts'
import { sqsConfig, sqsSinkConfig } from './config.ts'
import { clientOf, makeQueue, sendAll } from './harness.ts'
import { SqsSink } from './sink.ts'
import { createSource } from './source.ts'

const PATIENT = { timeout: 30_000, interval: 20 }
const REGION = 'us-east-1'
const event: CloudEvent = {
  specversion: '1.0',
  id: '1',
  source: '/s',
  type: 't',
  subject: 'seven',
  data: Buffer.from('x'),
}
const accept: Emit = async ({ id }) => ({ callId: id, duplicate: false, routes: [] })

await describeServers([ELASTICMQ], 'sqs, options', ({ address }) => {
  /** A queue, and a way to it on which everything is seen. */
  async function queueOf(count: number, suffix = '') {
    const sqs = clientOf(address)
    const name = `o-${crypto.randomUUID()}${suffix}`
    const url = await makeQueue(sqs, name)
    await sendAll(
      sqs,
      url,
      Array.from({ length: count }, (_, at) => ({ subject: 'a', data: Buffer.from(`n${at}`) })),
    )
    const wire = new Wire()
    const relay = await Relay.open(address, { between: wire.between })
    const at = { region: REGION, endpoint: `http://${relay.address}`, queue: name }
    return {
      at,
      wire,
      async [Symbol.asyncDispose]() {
        await relay.close()
        sqs.destroy()
      },
    }
  }

  async function reading(options: object, emit: Emit = accept) {
    const source = createSource(sqsConfig.parse(options), memoryContext({ name: 'jobs', maxInFlight: 64 }))
    await source.start(emit, AbortSignal.timeout(20_000))
    return { [Symbol.asyncDispose]: () => source.stop() }
  }

  test('batch, visibility and wait of a source are what it asks with', async () => {
    await using queue = await queueOf(1)
    await using _ = await reading({ ...queue.at, batch: 3, visibility: '42s', wait: '7s' })
    await vi.waitFor(() => expect(queue.wire.numbers('WaitTimeSeconds')).toContain(7), PATIENT)
    expect(new Set(queue.wire.numbers('MaxNumberOfMessages'))).toEqual(new Set([3]))
    expect(new Set(queue.wire.numbers('VisibilityTimeout'))).toEqual(new Set([42]))
  })

  test.each([
    [1, false],
    [4, true],
  ])('with receivers: %i others help while there is a backlog: %s', async (receivers, helped) => {
    await using queue = await queueOf(200)
    let taken = 0
    const emit: Emit = async (one) => {
      taken += 1
      return accept(one)
    }
    await using _ = await reading({ ...queue.at, receivers, wait: '1s' }, emit)
    await vi.waitFor(() => expect(taken).toBe(200), PATIENT)
    // Those who help do not wait for messages.
    expect(queue.wire.numbers('WaitTimeSeconds').includes(0)).toBe(helped)
  })

  test('max_backoff is the longest that a refused message stays hidden', async () => {
    await using queue = await queueOf(1)
    let refusals = 0
    const refuse: Emit = async () => {
      refusals += 1
      throw new Error('on purpose')
    }
    await using _ = await reading({ ...queue.at, max_backoff: '1s', visibility: '42s', wait: '1s' }, refuse)
    await vi.waitFor(() => expect(refusals).toBeGreaterThanOrEqual(4), PATIENT)
    const hidden = queue.wire.numbers('VisibilityTimeout').filter((seconds) => seconds !== 42)
    expect(new Set(hidden)).toEqual(new Set([1]))
  })

  async function writing(options: object) {
    const sink = new SqsSink(sqsSinkConfig.parse(options), memoryContext())
    await sink.start(AbortSignal.timeout(10_000))
    return {
      deliver: () => sink.deliver(event, AbortSignal.timeout(30_000)),
      [Symbol.asyncDispose]: () => sink.stop(),
    }
  }

  test('mode and group of a sink are in what it sends', async () => {
    await using queue = await queueOf(0, '.fifo')
    await using sink = await writing({ ...queue.at, mode: 'binary', group: 'of-{subject}' })
    await sink.deliver()
    const sent = queue.wire.sent.toString()
    expect(sent).toContain('"MessageGroupId":"of-seven"')
    expect(sent).toContain('"ce-type"')
    expect(sent).toContain('"MessageBody":"x"')
  })

  test('timeout of a sink ends an attempt that is not answered', async () => {
    await using queue = await queueOf(0)
    await using sink = await writing({ ...queue.at, timeout: '1s' })
    queue.wire.isSilent = true
    const began = performance.now()
    await expect(sink.deliver()).rejects.toMatchObject({ code: 'SINK_UNAVAILABLE' })
    expect(performance.now() - began).toBeLessThan(15_000)
  })
})
