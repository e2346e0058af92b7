/** A gateway that reads a queue is killed with -9 three times among 10,000 messages: none of them is lost. */

import type { SQS } from '@aws-sdk/client-sqs'
import { expect, test } from 'vitest'
import { openSink, pending, statesOf } from '../../test/crash/path/ledger.ts'
import { CREDENTIALS, ELASTICMQ } from '../../test/services/elasticmq.ts'
import { eventually } from '../../test/services/eventually.ts'
import { startGateway } from '../../test/services/gateway.ts'
import { describeServers } from '../../test/services/server.ts'
import { clientOf, heldBy, makeQueue } from './harness.ts'

const MESSAGES = 10_000
const KILLS = 3

/** Sends all messages, and notes what each is called. */
async function fill(sqs: SQS, url: string, sent: Set<string>): Promise<void> {
  for (let from = 0; from < MESSAGES; from += 10) {
    const Entries = Array.from({ length: 10 }, (_, at) => ({ Id: String(at), MessageBody: `{"n":${from + at}}` }))
    const { Successful = [] } = await sqs.sendMessageBatch({ QueueUrl: url, Entries })
    for (const { MessageId = '' } of Successful) sent.add(MessageId)
  }
}

await describeServers([ELASTICMQ], 'sqs, killed', ({ address }) => {
  test('three times: each of 10,000 messages is settled, and its queue is empty', { timeout: 300_000 }, async () => {
    const sqs = clientOf(address)
    const queue = `crash-${crypto.randomUUID()}`
    const url = await makeQueue(sqs, queue)
    const config = `
sources:
  jobs:
    sqs: { region: us-east-1, endpoint: "${address}", queue: ${queue}, visibility: 5s, wait: 1s }
routes:
  work: { from: jobs, to: "mqtt:out/{id}", concurrency: 64 }
`
    await using gateway = await startGateway({ config, env: CREDENTIALS })
    const sink = await openSink(gateway, 'out/#')
    const sent = new Set<string>()
    const sending = fill(sqs, url, sent)
    for (let kill = 1; kill <= KILLS; kill += 1) {
      const next = Math.round((MESSAGES * 0.8 * (kill - Math.random() / 2)) / KILLS)
      const acknowledged = async () => sent.size - (await heldBy(sqs, url))
      await eventually(async () => (await acknowledged()) >= next, {
        what: `${next} messages are acknowledged`,
        withinMs: 60_000,
        // Counting is work for the server.
        everyMs: 50,
        detail: () => gateway.output(),
      })
      await gateway.kill()
      await gateway.restart()
    }
    await sending
    const all = { withinMs: 90_000, everyMs: 100, detail: () => gateway.output() }
    await eventually(async () => (await heldBy(sqs, url)) === 0, { what: 'the queue is empty', ...all })
    await eventually(async () => (await pending(gateway)) === 0, { what: 'everything is settled', ...all })
    await eventually(() => [...sent].every((id) => sink.received.has(id)), { what: 'the sink has each', ...all })
    expect(sent.size).toBe(MESSAGES)
    const states = await statesOf(gateway, sent)
    const done = [...states.values()].filter(({ deliveries }) => deliveries.every(({ status }) => status === 'done'))
    const duplicates = [...sink.received.values()].reduce((sum, count) => sum + count - 1, 0)
    const acknowledged = MESSAGES - (await heldBy(sqs, url))
    console.log(
      JSON.stringify({
        source: 'sqs',
        kills: KILLS,
        acknowledged,
        settled: done.length,
        lost: MESSAGES - done.length,
        duplicates,
      }),
    )
    await sink.end()
    sqs.destroy()
    expect(done).toHaveLength(MESSAGES)
    // As many as may be on their way at a kill: delivered, and that is not on disk yet, or not confirmed by the subscriber.
    expect(duplicates).toBeLessThanOrEqual(KILLS * 1_024)
  })
})
