/** Rows 14 and 31 of the fault matrix: subscribers that do not read, and publishers that do not wait. */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { join } from 'node:path'
import { generate } from 'mqtt-packet'
import { afterEach, expect, test } from 'vitest'
import { RawClient, RunningBroker, until } from '../../e2e/broker/running.ts'

const children: ChildProcess[] = []
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
})

test('row 14: a frozen subscriber is dropped and logged; the longest gap of the others is under its drain timeout and 1 s', async () => {
  const drain = 2_000
  await using running = await RunningBroker.start({ limits: { drain_timeout: '2s', max_queued_size: '1MiB' } })
  using frozen = new RawClient(running.port)
  await frozen.hello('frozen')
  frozen.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 't', qos: 1 }] })
  await until(() => frozen.packets.length === 1, 'SUBACK')
  frozen.socket.pause()
  const fast = await running.client({ clientId: 'fast' })
  let got = 0
  let longest = 0
  let last = performance.now()
  fast.on('message', () => {
    const now = performance.now()
    longest = Math.max(longest, now - last)
    last = now
    got++
  })
  await fast.subscribeAsync('t', { qos: 1 })
  const sender = await running.client({ clientId: 'sender' })
  const payload = Buffer.alloc(64 * 1024)
  const COUNT = 600
  last = performance.now()
  for (let i = 0; i < COUNT; i++) await sender.publishAsync('t', payload, { qos: 1 })
  await until(() => got === COUNT, 'every message at the fast one', 30_000)
  await until(() => running.log.some(({ message }) => message.includes('does not read')), 'a log line')
  await until(() => running.broker.stats().clients === 2, 'the frozen one is gone')
  console.log(`row 14: ${got} of ${COUNT} at the fast one, longest gap ${longest.toFixed(0)} ms`)
  expect(longest).toBeLessThan(drain + 1_000)
})

test('row 31: 100 slow subscribers do not hold up 20,000 publishes to nobody, nor end the process', async () => {
  await using running = await RunningBroker.start({ limits: { drain_timeout: '30s' } })
  const slow: RawClient[] = []
  for (let i = 0; i < 100; i++) {
    const client = new RawClient(running.port)
    await client.hello(`slow${i}`)
    client.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'slow', qos: 0 }] })
    slow.push(client)
  }
  await until(() => slow.every(({ packets }) => packets.length === 1), 'SUBACK of each')
  for (const { socket } of slow) socket.pause()
  const big = Buffer.alloc(256 * 1024)
  const direct = (topic: string, payload: Buffer) => running.broker.publish({ topic, payload, qos: 0, retain: false })
  // More than sockets and queues take: what is over is dropped and counted.
  for (let i = 0; i < 120; i++) await direct('slow', big)
  const began = performance.now()
  await Promise.all(Array.from({ length: 20_000 }, () => direct('nobody', Buffer.from('x'))))
  const took = performance.now() - began
  const { sent, dropped } = running.broker.stats()
  console.log(`row 31: 20,000 publishes in ${took.toFixed(0)} ms; to the slow ones ${sent} sent, ${dropped} dropped`)
  expect(dropped).toBeGreaterThan(0)
  expect(running.broker.stats().clients).toBe(100)
  for (const client of slow) client[Symbol.dispose]()
})

test('row 31: 50 publishers at QoS 0 that never wait: no exit, and others are served', async () => {
  const [broker, port] = await spawned('serve.ts')
  // Counted by their bytes: parsing them would make this process the slow one.
  const subscriber = connect(Number(port), '127.0.0.1')
  let bytes = 0
  subscriber.on('data', (chunk) => {
    bytes += chunk.length
  })
  subscriber.write(generate({ cmd: 'connect', clientId: 's', protocolVersion: 4, clean: true, keepalive: 0 }))
  subscriber.write(generate({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'flood', qos: 0 }] }))
  using witness = new RawClient(Number(port))
  await witness.hello('witness')
  const [flooders] = await spawned('flood.ts', port)
  const pings: number[] = []
  const end = performance.now() + 3_000
  while (performance.now() < end) {
    const began = performance.now()
    const seen = witness.packets.length
    witness.send({ cmd: 'pingreq' })
    await until(() => witness.packets.length > seen, 'an answer to the ping', 20_000)
    pings.push(performance.now() - began)
  }
  const delivered = Math.floor(bytes / FLOOD_PACKET)
  const worst = Math.max(...pings)
  console.log(`row 31: ${delivered} delivered in 3 s, ${pings.length} pings, slowest ${worst.toFixed(0)} ms`)
  expect([broker.exitCode, flooders.exitCode]).toEqual([null, null])
  expect(delivered).toBeGreaterThan(1_000)
  subscriber.destroy()
})

/** Bytes of one PUBLISH of the flood: fixed header, topic, payload. */
const FLOOD_PACKET = 3 + 7 + 256

/** A script of this folder in a process of its own; resolves with the first line that it prints. */
async function spawned(script: string, ...options: string[]): Promise<[ChildProcess, string]> {
  const child = spawn(process.execPath, [join(import.meta.dirname, script), ...options], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  children.push(child)
  const [line] = (await once(child.stdout, 'data')) as [Buffer]
  return [child, String(line).trim()]
}
