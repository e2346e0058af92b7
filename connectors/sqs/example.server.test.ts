/** What the README and config/examples say, and a router's file in the `event_sources` form, on a real server. */

import { readFileSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readBlocks } from '../../test/e2e/readme/blocks.ts'
import { Machine } from '../../test/e2e/readme/terminal.ts'
import { CREDENTIALS, ELASTICMQ } from '../../test/services/elasticmq.ts'
import { eventually } from '../../test/services/eventually.ts'
import { startGateway } from '../../test/services/gateway.ts'
import { describeServers } from '../../test/services/server.ts'
import { clientOf, heldBy, makeQueue } from './harness.ts'
import { normalize } from './normalize.ts'

const ROOT = join(import.meta.dirname, '../..')
const LONG = { timeout: 120_000 }
const PATIENT = { withinMs: 30_000, everyMs: 100 }
const ORDER = '{"orderId":7,"items":[{"price":2,"quantity":3}]}'

await describeServers([ELASTICMQ], 'sqs, as it is configured', ({ address }) => {
  const sqs = clientOf(address)
  const queue = async (name: string) => {
    const url = await makeQueue(sqs, name)
    return {
      url,
      send: (body: string) => sqs.sendMessage({ QueueUrl: url, MessageBody: body }),
      receive: () =>
        eventually(
          async () => {
            const asked = { QueueUrl: url, MessageAttributeNames: ['All'], WaitTimeSeconds: 1 }
            const [message] = (await sqs.receiveMessage(asked)).Messages ?? []
            return message && normalize(message, 'arn')
          },
          { what: `a message in ${name}`, ...PATIENT },
        ),
      empty: () => eventually(async () => (await heldBy(sqs, url)) === 0, { what: `${name} is empty`, ...PATIENT }),
    }
  }
  const env = { ...CREDENTIALS, AWS_ENDPOINT_URL_SQS: address }

  test('config/examples/sqs.yaml: orders become summaries, what is no order a dead letter', LONG, async () => {
    const id = crypto.randomUUID()
    const [orders, summaries, dead] = [`orders-${id}`, `summaries-${id}`, `dead-${id}`]
    const [source, out, given] = [await queue(orders), await queue(summaries), await queue(dead)]
    const config = readFileSync(join(ROOT, 'config/examples/sqs.yaml'), 'utf8')
      .replaceAll('../../functions', 'FUNCTIONS')
      .replace('queue: order-summaries', `queue: ${summaries}`)
      .replace('queue: orders-dead', `queue: ${dead}`)
      .replace('queue: orders #', `queue: ${orders} #`)
    await using _ = await startGateway({ config, env })
    const { MessageId = '' } = await source.send('no order')
    await source.send(ORDER)
    expect(await out.receive()).toMatchObject({ type: 'order.accepted' })
    const letter = await given.receive()
    expect(letter).toMatchObject({ id: MessageId, type: 'com.amazon.sqs.message' })
    expect(letter.extensions).toMatchObject({ deadletterroute: 'orders' })
    expect(`${letter.data}`).toBe('no order')
    await source.empty()
  })

  test('event_sources: max_receives attempts, then the dead-letter queue', LONG, async () => {
    const id = crypto.randomUUID()
    const [source, given] = [await queue(`jobs-${id}`), await queue(`jobs-${id}-dead`)]
    const config = `
event_sources:
  - type: sqs
    config:
      region: us-east-1
      queues:
        - name: jobs-${id}
          target_function: order-summary
          batch_size: 10
          visibility_timeout: 30
          max_receives: 1
          dead_letter_queue: jobs-${id}-dead
`
    await using gateway = await startGateway({ config, env: { ...env, HEADGATE_FUNCTIONS: join(ROOT, 'functions') } })
    await source.send('no order')
    await source.send(ORDER)
    expect((await given.receive()).extensions).toMatchObject({ deadletterattempts: 1 })
    await source.empty()
    // The order, and the copy of what was none.
    const done = `headgate_deliveries_total{route="jobs-${id}",outcome="done"} 2`
    const metrics = async () => (await fetch(`http://127.0.0.1:${gateway.admin}/metrics`)).text()
    await eventually(async () => (await metrics()).includes(done), { what: done, ...PATIENT })
  })

  test('the README: front your SQS with a function in five minutes', LONG, async () => {
    const { empty, send } = await queue('orders')
    const blocks = readBlocks(readFileSync(join(import.meta.dirname, 'README.md'), 'utf8'))
    const [write, run, look] = blocks
    Object.assign(process.env, env)
    await using machine = await Machine.open()
    // As `npm ci` would have it.
    symlinkSync(join(ROOT, 'node_modules'), join(machine.repository, 'node_modules'))
    expect(blocks).toHaveLength(3)
    expect((await machine.run(write?.script ?? '')).code).toBe(0)
    await machine.leave(run?.script ?? '')
    await send(ORDER)
    await empty()
    const shown = async () => (await machine.run(look?.script ?? '')).output.trim() === look?.shown
    await eventually(shown, { what: `"${look?.shown}" is shown`, ...PATIENT })
  })
})
