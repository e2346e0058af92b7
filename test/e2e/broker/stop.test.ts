/** What clients see of a broker that stops: time to acknowledge, a reason, and nothing twice. */

import { expect, test } from 'vitest'
import { RawClient, RunningBroker, until } from './running.ts'

const KEPT = { clean: false, properties: { sessionExpiryInterval: 300 } }

async function subscriber(running: RunningBroker, clientId: string, version: 4 | 5): Promise<RawClient> {
  const client = new RawClient(running.port, version)
  await client.hello(clientId, version === 5 ? KEPT : { clean: false })
  client.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'replies/#', qos: 1 }] })
  await until(() => client.packets.shift()?.cmd === 'suback', 'SUBACK')
  return client
}

const published = (client: RawClient) => client.packets.flatMap((packet) => (packet.cmd === 'publish' ? [packet] : []))

test('a stop waits for acknowledgements, tells MQTT 5 clients why, and cuts who is frozen', async () => {
  const first = await RunningBroker.start()
  using slow = await subscriber(first, 'slow', 5)
  using old = await subscriber(first, 'old', 4)
  using frozen = await subscriber(first, 'frozen', 5)
  for (const n of [1, 2, 3])
    await first.broker.publish({ topic: `replies/${n}`, payload: Buffer.from('x'), qos: 1, retain: false })
  for (const client of [slow, old, frozen]) await until(() => published(client).length === 3, 'three messages')

  const stopping = first.stop()
  for (const client of [slow, old])
    for (const { messageId } of published(client)) client.send({ cmd: 'puback', messageId })
  // Nothing new is taken: neither a publish of a client nor a connection.
  slow.send({ cmd: 'publish', topic: 'replies/late', payload: 'x', qos: 1, messageId: 9 })
  await stopping
  for (const client of [slow, old, frozen]) await until(() => client.closed, 'the connection is closed')
  expect(slow.packets.at(-1)).toMatchObject({ cmd: 'disconnect', reasonCode: 0x8b })
  expect(slow.packets.some(({ cmd }) => cmd === 'puback')).toBe(false)
  expect(frozen.packets.at(-1)).toMatchObject({ cmd: 'disconnect', reasonCode: 0x8b })

  await using second = await RunningBroker.start({ path: first.path })
  using slowAgain = new RawClient(second.port, 5)
  await slowAgain.hello('slow', KEPT)
  using oldAgain = new RawClient(second.port, 4)
  await oldAgain.hello('old', { clean: false })
  using frozenAgain = new RawClient(second.port, 5)
  await frozenAgain.hello('frozen', KEPT)
  await until(() => published(frozenAgain).length === 3, 'what was not acknowledged comes again')
  for (const client of [slowAgain, oldAgain]) {
    client.send({ cmd: 'pingreq' })
    await until(() => client.packets.some(({ cmd }) => cmd === 'pingresp'), 'an answer to the ping')
    expect(published(client)).toEqual([])
  }
})

test('what waits in the queue of a session is left there: none of it is sent and cut off', async () => {
  const first = await RunningBroker.start({ limits: { max_inflight: 2 } })
  using client = await subscriber(first, 'busy', 5)
  for (const n of [1, 2, 3, 4])
    await first.broker.publish({ topic: `replies/${n}`, payload: Buffer.from('x'), qos: 1, retain: false })
  await until(() => published(client).length === 2, 'the window is full')
  const stopping = first.stop()
  for (const { messageId } of published(client)) client.send({ cmd: 'puback', messageId })
  await stopping
  expect(published(client)).toHaveLength(2)

  await using second = await RunningBroker.start({ path: first.path })
  using again = new RawClient(second.port, 5)
  await again.hello('busy', KEPT)
  await until(() => published(again).length === 2, 'the other two')
  expect(published(again).map(({ topic, dup }) => `${topic} ${dup}`)).toEqual(['replies/3 false', 'replies/4 false'])
})
