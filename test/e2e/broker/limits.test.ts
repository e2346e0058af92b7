/** Each limit of the broker is the one that its options say; more of them stand with row 16 and with what is kept. */

import { expect, test } from 'vitest'
import { inbox, RawClient, RunningBroker, until } from './running.ts'

/** What the CONNACK grants a client of MQTT 5 that asks for more. */
async function granted(limits: object): Promise<unknown> {
  await using running = await RunningBroker.start({ limits })
  using client = new RawClient(running.port, 5)
  const properties = { sessionExpiryInterval: 3_600 }
  client.send({ cmd: 'connect', clientId: 'c', protocolVersion: 5, clean: false, keepalive: 0, properties })
  await until(() => client.packets.length > 0, 'a CONNACK')
  const [packet] = client.packets
  return packet?.cmd === 'connack' ? packet.properties : undefined
}

test('what a client is told at its start: keep-alive, session expiry, packet size, messages in flight', async () => {
  expect(await granted({ keep_alive: '30s' })).toMatchObject({ serverKeepAlive: 30 })
  expect(await granted({ max_session_expiry: '1m' })).toMatchObject({ sessionExpiryInterval: 60 })
  expect(await granted({ max_packet_size: '2KiB' })).toMatchObject({ maximumPacketSize: 2_048 })
  expect(await granted({ max_inflight: 3 })).toMatchObject({ receiveMaximum: 3 })
})

test('max_packet_size: a larger packet ends the connection', async () => {
  await using running = await RunningBroker.start({ limits: { max_packet_size: '2KiB' } })
  using client = new RawClient(running.port, 5)
  await client.hello('c')
  client.send({ cmd: 'publish', topic: 't', payload: Buffer.alloc(1_024), qos: 1, messageId: 1 })
  await until(() => client.packets.length === 1, 'PUBACK of one that fits')
  client.send({ cmd: 'publish', topic: 't', payload: Buffer.alloc(3_072), qos: 1, messageId: 2 })
  await until(() => client.closed, 'the connection is closed')
  expect(client.packets[1]).toMatchObject({ cmd: 'disconnect', reasonCode: 0x95 })
})

test('connect_timeout and packet_timeout: each ends what is slow at its own step, and no other', async () => {
  for (const limits of [
    { connect_timeout: '500ms', packet_timeout: '2m' },
    { connect_timeout: '2m', packet_timeout: '500ms' },
  ]) {
    await using running = await RunningBroker.start({ limits })
    using silent = new RawClient(running.port)
    using half = new RawClient(running.port)
    await half.hello('half')
    half.socket.write(Buffer.from([0x30, 0x10, 0]))
    const [first, second] = limits.connect_timeout === '500ms' ? [silent, half] : [half, silent]
    await until(() => first.closed, 'the slow one is closed')
    expect(second.closed).toBe(false)
  }
})

test('connection_rate: more connections a second are closed at once, and a line says which limit it was', async () => {
  await using running = await RunningBroker.start({ limits: { connection_rate: 3 } })
  const clients = Array.from({ length: 12 }, () => new RawClient(running.port))
  const said = () => running.log.some(({ message }) => message.includes('broker.limits.connection_rate'))
  await until(() => said() && clients.filter(({ closed }) => closed).length > 0, 'some are closed')
  for (const client of clients) client[Symbol.dispose]()
})

/** A subscriber that acknowledges nothing by itself. */
async function subscriber(running: RunningBroker): Promise<RawClient> {
  const client = new RawClient(running.port)
  await client.hello('subscriber')
  client.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 't', qos: 1 }] })
  await until(() => client.packets.length === 1, 'SUBACK')
  client.packets.shift()
  return client
}

test('max_inflight: so many messages are sent to a client before it acknowledges one', async () => {
  await using running = await RunningBroker.start({ limits: { max_inflight: 3 } })
  using slow = await subscriber(running)
  const sender = await running.client()
  for (let i = 0; i < 10; i++) await sender.publishAsync('t', String(i), { qos: 1 })
  await until(() => slow.packets.length >= 3, 'the first three')
  slow.send({ cmd: 'pingreq' })
  await until(() => slow.packets.some(({ cmd }) => cmd === 'pingresp'), 'all that was sent before')
  expect(slow.packets.map(({ cmd }) => cmd)).toEqual(['publish', 'publish', 'publish', 'pingresp'])
  slow.send({ cmd: 'puback', messageId: slow.packets[0]?.messageId })
  await until(() => slow.packets.length === 5, 'the fourth')
})

test.each([
  ['max_queued', { max_queued: 2 }, 2],
  ['max_queued_size', { max_queued_size: '1KiB' }, 1],
])('%s: what waits for a client is bounded; beyond it QoS 0 is dropped', async (_, limits, room) => {
  await using running = await RunningBroker.start({ limits: { max_inflight: 1, ...limits } })
  using slow = await subscriber(running)
  const publish = (payload: Buffer, qos: 0 | 1) => running.broker.publish({ topic: 't', payload, qos, retain: false })
  for (let i = 0; i <= room; i++) await publish(Buffer.alloc(1_024, 'k'), 1)
  await publish(Buffer.from('dropped'), 0)
  const got: string[] = []
  await until(() => {
    for (const packet of slow.packets.splice(0)) {
      if (packet.cmd !== 'publish') continue
      got.push(packet.payload.toString().slice(0, 7))
      slow.send({ cmd: 'puback', messageId: packet.messageId })
    }
    return got.length === room + 1
  }, 'what waited')
  await publish(Buffer.from('after'), 0)
  await until(() => slow.packets.length > 0, 'what comes later')
  const [last] = slow.packets
  expect(last?.cmd === 'publish' && last.payload.toString()).toBe('after')
})

test('max_queued: an absent session keeps so many messages', async () => {
  await using running = await RunningBroker.start({ limits: { max_queued: 2 } })
  const session = { clientId: 'away', clean: false }
  const away = await running.client(session)
  await away.subscribeAsync('t', { qos: 1 })
  await away.endAsync()
  for (const text of ['1', '2', '3', '4'])
    await running.broker.publish({ topic: 't', payload: Buffer.from(text), qos: 1, retain: false })
  const back = await running.client(session)
  await until(() => inbox(back).length >= 2, 'what was kept')
  expect(inbox(back)).toEqual(['t 1', 't 2'])
  expect(running.broker.stats().overflowed).toBe(2)
})

test('drain_timeout: a client that does not read is disconnected after that time', async () => {
  await using running = await RunningBroker.start({ limits: { drain_timeout: '300ms' } })
  using frozen = await subscriber(running)
  frozen.socket.pause()
  const payload = Buffer.alloc(512 * 1_024)
  for (let at = 0; at < 40; at++) await running.broker.publish({ topic: 't', payload, qos: 0, retain: false })
  const said = () => running.log.some(({ message }) => message.includes('does not read'))
  await until(() => said() && running.broker.stats().clients === 0, 'it is gone', 4_000)
})
