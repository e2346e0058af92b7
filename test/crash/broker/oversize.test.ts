/** Row 16 of the fault matrix, and its neighbours: what is too large, too slow or too much ends early and costs little. */

import { expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { brokerConfig, createBroker } from '../../../src/broker/index.ts'
import { RawClient, RunningBroker, until } from '../../e2e/broker/running.ts'

const MIB = 2 ** 20
/** A PUBLISH of 256 MiB: its header, and as much of its body as the other side takes. */
const HUGE = Buffer.concat([Buffer.from([0x30, 0xff, 0xff, 0xff, 0x7f]), Buffer.alloc(MIB)])

test.each([false, true])(
  'row 16: a 256 MiB header ends the connection at once, before CONNECT and after it (%s)',
  async (after) => {
    await using running = await RunningBroker.start()
    const rss = process.memoryUsage().rss
    const times: number[] = []
    for (let i = 0; i < 20; i++) {
      using client = new RawClient(running.port)
      if (after) await client.hello(`c${i}`)
      const began = performance.now()
      client.socket.write(HUGE)
      await until(() => client.closed, 'the connection is closed')
      times.push(performance.now() - began)
    }
    const grown = (process.memoryUsage().rss - rss) / MIB / times.length
    const median = times.toSorted((a, b) => a - b)[10] ?? 0
    console.log(`row 16: closed in ${median.toFixed(1)} ms (median of 20), ${grown.toFixed(1)} MiB per connection`)
    expect(median).toBeLessThan(100)
    expect(grown).toBeLessThan(10)
    expect(running.log.some(({ message }) => message.includes('too large'))).toBe(true)
  },
)

test('row 16: an MQTT 5 client is told why', async () => {
  await using running = await RunningBroker.start()
  using client = new RawClient(running.port, 5)
  await client.hello('five')
  client.socket.write(HUGE)
  await until(() => client.closed, 'the connection is closed')
  expect(client.packets).toMatchObject([{ cmd: 'disconnect', reasonCode: 0x95 }])
})

test('row 16: a WebSocket message that is too large is closed with 1009', async () => {
  await using running = await RunningBroker.start()
  const socket = new WebSocket(running.url('ws'), 'mqtt')
  await new Promise((resolve) => socket.once('open', resolve))
  const closed = new Promise<number>((resolve) => socket.once('close', resolve))
  socket.send(Buffer.alloc(2 * MIB))
  expect(await closed).toBe(1009)
})

test('half a CONNECT, half a packet and a packet dripped by the byte end in their time; an honest client is served', async () => {
  const limits = { connect_timeout: '1s', packet_timeout: '1s' }
  await using running = await RunningBroker.start({ limits })
  const slow = Array.from({ length: 100 }, () => new RawClient(running.port))
  for (const { socket } of slow) socket.write(Buffer.from([0x10, 0x20, 0]))
  using half = new RawClient(running.port)
  await half.hello('half')
  half.socket.write(Buffer.from([0x30, 0x10, 0]))
  using dripping = new RawClient(running.port)
  await dripping.hello('dripping')
  dripping.socket.write(Buffer.from([0x30, 0x7f]))
  const drip = setInterval(() => dripping.socket.write(Buffer.from([0])), 100)
  const began = performance.now()
  await running.client({ clientId: 'honest' })
  const honest = performance.now() - began
  await until(() => [...slow, half, dripping].every(({ closed }) => closed), 'all of them are closed')
  clearInterval(drip)
  console.log(`row 15: an honest client beside 100 half ones is connected in ${honest.toFixed(0)} ms`)
  expect(running.broker.stats().clients).toBe(1)
})

test('clients, subscriptions, topic levels and identifiers have their limits', async () => {
  const limits = { max_clients: 2, max_subscriptions: 3, max_topic_levels: 4, max_client_id_length: 10 }
  await using running = await RunningBroker.start({ limits })
  const client = await running.client({ protocolVersion: 5, clientId: 'a' })
  for (const topic of ['1', '2', '3']) await client.subscribeAsync(topic)
  await expect(client.subscribeAsync('4')).rejects.toThrow()
  await expect(running.client({ clientId: 'longer than ten' })).rejects.toThrow(/identifier/i)
  const second = await running.client({ clientId: 'b' })
  await expect(running.client({ clientId: 'c' })).rejects.toThrow(/unavailable/i)
  second.publish('a/b/c/d/e', 'too deep')
  await until(() => running.broker.stats().clients === 1, 'the one that went too deep is gone')
})

test('a port that is taken is an error that says so and what to change; nothing is left open', async () => {
  await using running = await RunningBroker.start()
  const config = brokerConfig.parse({
    listen: ['tcp://127.0.0.1:0', `ws://127.0.0.1:${running.port}`],
    path: `${running.path}/other`,
  })
  const log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }
  const broker = createBroker(config, { log })
  const outcome = broker.start(AbortSignal.timeout(5_000))
  await expect(outcome).rejects.toMatchObject({ code: 'ADDRESS_IN_USE' })
  await expect(outcome).rejects.toThrow(`port ${running.port} is taken; stop what uses it, or change broker.listen`)
  expect(broker.addresses()).toEqual([])
})

test('publishers to an intercepted topic are not read while there is no credit; pings of others are answered', async () => {
  const gate = Promise.withResolvers<void>()
  let room = false
  const credit = {
    refusal: () => (room ? undefined : (new Error('full') as never)),
    wait: () => gate.promise,
  }
  let taken = 0
  const prepare = (broker: { intercept: RunningBroker['broker']['intercept'] }) =>
    void broker.intercept(['in'], async () => void taken++)
  await using running = await RunningBroker.start({ parts: { credit }, prepare, limits: { max_inflight: 10 } })
  using publisher = new RawClient(running.port)
  await publisher.hello('publisher')
  let written = 0
  const packet = Buffer.concat([Buffer.from([0x30, 0x84, 0x80, 0x01, 0, 2]), Buffer.from('in'), Buffer.alloc(16_384)])
  const stalled = () => publisher.socket.writableNeedDrain && publisher.socket.writableLength > MIB
  await until(() => {
    for (let i = 0; i < 20 && !stalled(); i++) {
      publisher.socket.write(packet)
      written++
    }
    return stalled()
  }, 'the socket takes no more')
  await (await running.client()).publishAsync('plain', 'x', { qos: 1 })
  expect(taken).toBe(0)
  room = true
  gate.resolve()
  await until(() => taken === written, 'all of them once there is room')
})
