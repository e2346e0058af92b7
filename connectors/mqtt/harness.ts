/** Opens a broker with real sockets for each test of the source, and a broker that says what a test wants for the sink. */

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import mqtt from 'mqtt'
import {
  type Arrival,
  type Downstream,
  MemoryBroker,
  MemoryLog,
  Orders,
  type Sample,
  type SendAnswer,
  type SinkHarness,
  type SourceHarness,
  type Upstream,
} from '#conformance'
import { GatewayError, type Publish } from '#connector'
import { brokerConfig, createBroker } from '../../src/broker/index.ts'
import connector from './index.ts'
import { eventOf } from './normalize.ts'

/** The harness that the universal suite runs this source with. */
export const mqttHarness: SourceHarness = {
  connector,
  open: openClient,
  exempt: {
    S10: 'its upstream is the broker in the same process; that one refuses to start when its port is taken',
    S14: 'it is always there, with no entry under `sources` that could say `as`',
  },
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

/** The harness that the universal suite runs the sink with. */
export const mqttSinkHarness: SinkHarness = { connector, open: openBroker }

/** What the sink delivers to is the broker of the same process, through its port: here one that can be told to refuse. */
async function openBroker(): Promise<Downstream> {
  const broker = new TestBroker()
  return {
    config: { topic: 'conformance/{subject}' },
    secrets: [],
    context: { broker },
    arrived: () => broker.arrivals,
    hold: broker.orders.hold,
    release: broker.orders.release,
    refuse: broker.orders.refuse,
    leave: async () => {
      broker.away = true
    },
    comeBack: async () => {
      broker.away = false
    },
    connections: () => 0,
    [Symbol.asyncDispose]: async () => {},
  }
}

class TestBroker extends MemoryBroker {
  readonly arrivals: Arrival[] = []
  away = false
  readonly orders = new Orders()

  override async publish(message: Publish): Promise<void> {
    if (this.away) throw new GatewayError('STOPPING', 'broker (mqtt): publishing: it is not running')
    const event = eventOf({ ...message, clientId: 'gateway', protocol: 5, mayPublish: () => true })
    if (!event) throw new Error(`no event on ${message.topic}`)
    this.arrivals.push({ event, key: `${event.source} ${event.id}` })
    const how = await this.orders.answer(event)
    const why = 'broker (mqtt): publishing: refused on purpose'
    if (how === 'reject') throw new GatewayError('EVENT_INVALID', why)
    if (how) throw new GatewayError('OVERLOADED', why, how === 'retry' ? {} : how)
  }
}
