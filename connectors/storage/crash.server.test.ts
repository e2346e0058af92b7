/** A gateway that watches a directory, or reads the notifications of a bucket, is killed three times among 10,000: none is lost. */

import { mkdirSync } from 'node:fs'
import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openSink, pending } from '../../test/crash/path/ledger.ts'
import { CREDENTIALS, ELASTICMQ } from '../../test/services/elasticmq.ts'
import { eventually } from '../../test/services/eventually.ts'
import { type GatewayProcess, startGateway } from '../../test/services/gateway.ts'
import { describeServers } from '../../test/services/server.ts'
import { metricsOf } from '../../test/services/tail.ts'
import { clientOf, heldBy, makeQueue, sendAll } from '../sqs/harness.ts'
import { makeDirectory } from './harness.ts'

const FILES = 10_000
const KILLS = 3
const LONG = { timeout: 400_000 }
/** As many as may be on their way at a kill: delivered, and that is not on disk yet, or not confirmed by the subscriber. */
const UNDER_WAY = 1_024

const config = (storage: string): string => `
sources:
  uploads:
    storage: ${storage}
routes:
  work: { from: uploads, to: "mqtt:out/{subject}", concurrency: 64 }
`

/** Kills the gateway while files are written; resolves, and prints the figures, once each of them is settled. */
async function killed(gateway: GatewayProcess, source: string, write: () => Promise<unknown>): Promise<void> {
  const sink = await openSink(gateway, 'out/#')
  const detail = () => `${sink.received.size}\n${gateway.output()}`
  const writing = write()
  for (let kill = 1; kill <= KILLS; kill += 1) {
    const next = Math.round((FILES * 0.8 * (kill - Math.random() / 2)) / KILLS)
    await eventually(() => sink.received.size >= next, { what: `${next} were told of`, withinMs: 120_000, detail })
    await gateway.kill()
    await gateway.restart()
  }
  await writing
  const all = { withinMs: 120_000, everyMs: 100, detail }
  await eventually(() => sink.received.size === FILES, { what: 'the sink has each', ...all })
  await eventually(async () => (await pending(gateway)) === 0, { what: 'everything is settled', ...all })
  const duplicates = [...sink.received.values()].reduce((sum, count) => sum + count - 1, 0)
  const settled = sink.received.size
  const lost = FILES - settled
  console.log(JSON.stringify({ source, kills: KILLS, acknowledged: FILES, settled, lost, duplicates }))
  expect((await metricsOf(gateway)).get('headgate_dead_letters')).toBe(0)
  await sink.end()
  expect(duplicates).toBeLessThanOrEqual(KILLS * UNDER_WAY)
}

await describeServers([], 'storage, killed', () => {
  test('three times: each of 10,000 files is settled', LONG, async () => {
    using directory = makeDirectory()
    mkdirSync(join(directory.path, 'in'))
    const storage = `{ directory: ${directory.path}, events: [created], fetch: true, stable: 0s }`
    await using gateway = await startGateway({ config: config(storage) })
    await killed(gateway, 'storage', async () => {
      for (let file = 0; file < FILES; file += 1) {
        await writeFile(join(directory.path, `in/.f${file}`), `in/f${file}`)
        await rename(join(directory.path, `in/.f${file}`), join(directory.path, `in/f${file}`))
      }
    })
  })
})

/** What S3 sends of an object that was put. */
const notification = (bucket: string, key: string): string =>
  JSON.stringify({
    Records: [
      {
        ...{ eventVersion: '2.1', eventSource: 'aws:s3', awsRegion: 'us-east-1', eventName: 'ObjectCreated:Put' },
        eventTime: '2026-01-31T12:00:00.000Z',
        responseElements: { 'x-amz-request-id': crypto.randomUUID(), 'x-amz-id-2': 'x' },
        s3: { bucket: { name: bucket }, object: { key, size: 7, sequencer: '0055AED6DCD90281E5' } },
      },
    ],
  })

// The server that sends notifications by itself holds a queue of thousands for minutes: they are put into a faster one.
await describeServers([ELASTICMQ], 'storage, killed at a bucket', ({ address }) => {
  test(
    'three times: each of 10,000 objects is settled, and the queue of its notifications is empty',
    LONG,
    async () => {
      const sqs = clientOf(address)
      using _ = { [Symbol.dispose]: () => sqs.destroy() }
      const bucket = `b-${crypto.randomUUID()}`
      const url = await makeQueue(sqs, bucket)
      const at = `bucket: ${bucket}, queue: ${bucket}, region: us-east-1, endpoint: "${address}", visibility: 5s, wait: 1s`
      const storage = `{ s3: { ${at} }, events: [created] }`
      await using gateway = await startGateway({ config: config(storage), env: CREDENTIALS })
      const body = (file: number) => ({ subject: '', data: Buffer.from(notification(bucket, `in/f${file}`)) })
      await killed(gateway, 'storage s3', () =>
        sendAll(
          sqs,
          url,
          Array.from({ length: FILES }, (_, file) => body(file)),
        ),
      )
      await eventually(async () => (await heldBy(sqs, url)) === 0, { what: 'the queue is empty', withinMs: 60_000 })
    },
  )
})
