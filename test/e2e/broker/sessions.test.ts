/** Sessions, queued and retained messages: while a client is away, and over a restart of the broker. */

import { expect, test } from 'vitest'
import { inbox, RawClient, RunningBroker, until } from './running.ts'

const KEPT = [
  ['3.1.1', { protocolVersion: 4, clean: false, clientId: 'kept' }],
  ['5', { protocolVersion: 5, clean: false, clientId: 'kept', properties: { sessionExpiryInterval: 300 } }],
] as const

for (const [name, options] of KEPT) {
  test(`MQTT ${name}: a caller that reconnects after a restart still gets its reply, once, and what was retained`, async () => {
    const first = await RunningBroker.start()
    const caller = await first.client(options)
    await caller.subscribeAsync('replies/#', { qos: 1 })
    await caller.endAsync()
    const sender = await first.client({ ...options, clientId: 'sender' })
    await sender.publishAsync('kept/1', 'retained', { qos: 1, retain: true })
    await first.broker.publish({ topic: 'replies/1', payload: Buffer.from('one'), qos: 1, retain: false })
    await sender.publishAsync('replies/2', 'two', { qos: 2 })
    await first.stop()

    const second = await RunningBroker.start({ path: first.path })
    const again = await second.client({ ...options })
    const got = inbox(again)
    await until(() => got.length === 2, 'both replies')
    await again.subscribeAsync('kept/#', { qos: 1 })
    await until(() => got.length === 3, 'the retained message')
    expect(got).toEqual(['replies/1 one', 'replies/2 two', 'kept/1 retained'])
    await again.endAsync()
    const third = await second.client({ ...options })
    const more = inbox(third)
    await third.publishAsync('x', 'x', { qos: 1 })
    expect(more).toEqual([])
    await second[Symbol.asyncDispose]()
  })

  test(`MQTT ${name}: a clean start ends the session and its queue`, async () => {
    await using running = await RunningBroker.start()
    const client = await running.client(options)
    await client.subscribeAsync('t', { qos: 1 })
    await client.endAsync()
    await running.broker.publish({ topic: 't', payload: Buffer.from('old'), qos: 1, retain: false })
    const fresh = await running.client({ ...options, clean: true })
    const got = inbox(fresh)
    await fresh.subscribeAsync('t', { qos: 1 })
    await running.broker.publish({ topic: 't', payload: Buffer.from('new'), qos: 1, retain: false })
    await until(() => got.length > 0, 'the new message')
    expect(got).toEqual(['t new'])
  })
}

test('a shared subscription gives each message to one member; under 3.1.1 too', async () => {
  await using running = await RunningBroker.start()
  const members = [await running.client({ protocolVersion: 5 }), await running.client({ protocolVersion: 4 })]
  const boxes = members.map(inbox)
  for (const member of members) await member.subscribeAsync('$share/g/jobs/+', { qos: 1 })
  for (let i = 0; i < 20; i++)
    await running.broker.publish({ topic: `jobs/${i}`, payload: Buffer.from('x'), qos: 1, retain: false })
  await until(() => boxes.flat().length === 20, 'twenty messages')
  expect(boxes.map(({ length }) => length)).toEqual([10, 10])
  const granted = await members[1]?.subscribeAsync('$share/g', { qos: 1 }).catch((error: Error) => error.message)
  expect(String(granted)).toMatch(/128|Unspecified|subscribe/i)
  await members[0]?.unsubscribeAsync('$share/g/jobs/+')
  await running.broker.publish({ topic: 'jobs/a', payload: Buffer.from('x'), qos: 1, retain: false })
  await until(() => boxes[1]?.length === 11, 'the one that is left gets it')
})

test("a client's receive maximum and maximum packet size hold, and what expired is not sent", async () => {
  await using running = await RunningBroker.start()
  const properties = { receiveMaximum: 2, maximumPacketSize: 200, sessionExpiryInterval: 60 }
  using client = new RawClient(running.port, 5)
  await client.hello('small', { properties })
  client.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 't', qos: 1 }] })
  await until(() => client.packets.length === 1, 'SUBACK')
  const send = (text: string, messageExpiry?: number) =>
    running.broker.publish({
      topic: 't',
      payload: Buffer.from(text),
      qos: 1,
      retain: false,
      ...(messageExpiry && { properties: { messageExpiry } }),
    })
  const texts = () => client.packets.flatMap((packet) => (packet.cmd === 'publish' ? [String(packet.payload)] : []))
  for (const text of ['1', '2', 'x'.repeat(300), '3']) await send(text)
  client.send({ cmd: 'pingreq' })
  await until(() => client.packets.some(({ cmd }) => cmd === 'pingresp'), 'an answer to the ping')
  expect(texts()).toEqual(['1', '2'])
  const first = client.packets.find(({ cmd }) => cmd === 'publish')
  client.send({ cmd: 'puback', messageId: first?.messageId })
  await until(() => texts().length === 3, 'the third; the large one is left out')
  expect(texts()).toEqual(['1', '2', '3'])
  expect(running.broker.stats().tooLarge).toBe(1)
  client.socket.destroy()
  await until(() => running.broker.stats().clients === 0, 'the client is gone')
  await send('short-lived', 1)
  await send('lasting', 60)
  await new Promise((resolve) => setTimeout(resolve, 1_100))

  using again = new RawClient(running.port, 5)
  await again.hello('small', { clean: false, properties: { ...properties, receiveMaximum: 10 } })
  const published = () => again.packets.flatMap((packet) => (packet.cmd === 'publish' ? [packet] : []))
  await until(() => published().length === 3, 'what was not acknowledged, and what is still wanted')
  expect(published().map(({ payload, dup }) => `${payload} ${dup}`)).toEqual(['2 true', '3 true', 'lasting false'])
  expect(published()[2]?.properties?.messageExpiryInterval).toBeLessThanOrEqual(59)
})

test('nobody sees $SYS or another topic of the broker, by any filter; names of Object members are names', async () => {
  await using running = await RunningBroker.start()
  const client = await running.client({ protocolVersion: 4, clientId: '__proto__' })
  const got = inbox(client)
  for (const filter of ['$SYS/#', '$SYS/+/new/clients', '$share/g/$SYS/#'])
    await client.subscribeAsync(filter).catch(() => {})
  for (const filter of ['#', '+/#', '+/+/new/clients', 'constructor', '__proto__/toString'])
    await client.subscribeAsync(filter, { qos: 1 })
  const other = await running.client({ protocolVersion: 5, clientId: 'constructor' })
  await other.publishAsync('constructor', '1', { qos: 1 })
  await other.publishAsync('__proto__/toString', '2', { qos: 1 })
  await expect(other.publishAsync('$SYS/x', '3', { qos: 1 })).rejects.toThrow()
  await until(() => got.length === 2, 'both messages, once each')
  expect(got).toEqual(['constructor 1', '__proto__/toString 2'])
})

test("a will's delay is its own: the message does not carry it, and a return before it is up cancels it", async () => {
  await using running = await RunningBroker.start()
  const watcher = await running.client({ protocolVersion: 5 })
  const seen: object[] = []
  watcher.on('message', (_topic, _payload, packet) => void seen.push(packet.properties ?? {}))
  await watcher.subscribeAsync('will', { qos: 1 })
  const will = {
    topic: 'will',
    payload: Buffer.from('x'),
    qos: 1 as const,
    properties: { willDelayInterval: 1, contentType: 'a/b' },
  }
  const options = { protocolVersion: 5, clientId: 'mortal', properties: { sessionExpiryInterval: 60 }, will } as const
  const first = await running.client(options)
  first.stream.destroy()
  const second = await running.client({ ...options, clean: false })
  await new Promise((resolve) => setTimeout(resolve, 1_200))
  expect(seen).toEqual([])
  second.stream.destroy()
  await until(() => seen.length === 1, 'the will')
  expect(seen).toEqual([{ contentType: 'a/b' }])
})
