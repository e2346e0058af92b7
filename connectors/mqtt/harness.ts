/** Opens a broker with real sockets for each test, and a client that sends again what was not acknowledged. */

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import mqtt from 'mqtt'
import { MemoryLog, type Sample, type SendAnswer, type SourceHarness, type Upstream } from '#conformance'
import { brokerConfig, createBroker } from '../../src/broker/index.ts'
import connector from './index.ts'

/** The harness that the universal suite runs this source with. */
export const mqttHarness: SourceHarness = {
  connector,
  open: openClient,
  exempt: { S10: 'its upstream is the broker in the same process; that one refuses to start when its port is taken' },
}

async function openClient(): Promise<Upstream> {
  const path = await mkdtemp(join(tmpdir(), 'headgate-mqtt-'))
  const broker = createBroker(brokerConfig.parse({ listen: ['tcp://127.0.0.1:0'], path }), { log: new MemoryLog() })
  await broker.start(AbortSignal.timeout(5_000))
  const url = broker.addresses()[0]?.replace('tcp:', 'mqtt:') ?? ''
  const client = mqtt.connect(url, { clientId: 'sender', clean: false, reconnectPeriod: 20 })
  client.on('error', () => {})
  await new Promise<void>((resolve) => client.once('connect', () => resolve()))
  let waiting = 0
  const publish = async ({ subject, data }: Sample): Promise<SendAnswer> => {
    waiting++
    await client.publishAsync(subject, Buffer.from(data), { qos: 1 })
    waiting--
    return 'accepted'
  }
  return {
    config: { filters: ['#'] },
    context: { broker },
    send: (messages) => Promise.all(messages.map(publish)),
    unacknowledged: async () => waiting,
    interrupt: async () => void client.stream.destroy(),
    [Symbol.asyncDispose]: async () => {
      client.end(true)
      await broker.stop()
      await rm(path, { recursive: true, force: true })
    },
  }
}
