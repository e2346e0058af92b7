/** Real MQTT clients against the broker: every protocol version, over TCP and WebSocket. */

import { expect, test } from 'vitest'
import type { ClientPublish } from '../../../src/connector/broker.ts'
import { GatewayError } from '../../../src/errors.ts'
import { inbox, RunningBroker, until } from './running.ts'

const VERSIONS = [
  ['3.1', { protocolId: 'MQIsdp', protocolVersion: 3 }, 'tcp'],
  ['3.1.1', { protocolVersion: 4 }, 'tcp'],
  ['5', { protocolVersion: 5 }, 'tcp'],
  ['3.1.1 over WebSocket', { protocolVersion: 4 }, 'ws'],
  ['5 over WebSocket', { protocolVersion: 5 }, 'ws'],
] as const

for (const [name, options, scheme] of VERSIONS)
  test(`MQTT ${name}: QoS 0, 1 and 2, retained, and a will`, async () => {
    await using running = await RunningBroker.start()
    const receiver = await running.client(options, scheme)
    const got = inbox(receiver)
    await receiver.subscribeAsync('t/#', { qos: 2 })
    const sender = await running.client(
      { ...options, will: { topic: 't/will', payload: Buffer.from('gone'), qos: 1 } },
      scheme,
    )
    for (const qos of [0, 1, 2] as const) await sender.publishAsync(`t/${qos}`, `q${qos}`, { qos, retain: qos === 1 })
    await until(() => got.length === 3, 'three messages')
    expect(got.toSorted()).toEqual(['t/0 q0', 't/1 q1', 't/2 q2'])
    const late = await running.client(options, scheme)
    const kept = inbox(late)
    await late.subscribeAsync('t/1', { qos: 1 })
    await until(() => kept.length === 1, 'the retained message')
    sender.stream.destroy()
    await until(() => got.includes('t/will gone'), 'the will')
  })

test('an intercepted publish is acknowledged when the ingress resolves, and not before', async () => {
  const taken: ClientPublish[] = []
  const gate = Promise.withResolvers<void>()
  const ingress = (publish: ClientPublish) => {
    taken.push(publish)
    return gate.promise
  }
  await using running = await RunningBroker.start({ prepare: (broker) => void broker.intercept(['in/+'], ingress) })
  const client = await running.client({ protocolVersion: 5, clientId: 'c' })
  const watcher = await running.client()
  const got = inbox(watcher)
  await watcher.subscribeAsync('in/#', { qos: 1 })
  let acknowledged = 0
  const sent = ([1, 2] as const).map((qos) =>
    client
      .publishAsync('in/a', 'x', { qos, properties: { userProperties: { k: ['1', '2'] } } })
      .then(() => acknowledged++),
  )
  await until(() => taken.length === 2, 'both are offered')
  await watcher.publishAsync('other', 'y', { qos: 1 })
  expect([acknowledged, got.length]).toEqual([0, 0])
  gate.resolve()
  await Promise.all(sent)
  await until(() => got.length === 2, 'both are forwarded')
  expect(taken[0]).toMatchObject({ topic: 'in/a', clientId: 'c', protocol: 5 })
  expect(taken[0]?.properties?.userProperties).toEqual([
    ['k', '1'],
    ['k', '2'],
  ])
  expect(new Set(taken.map(({ identity }) => identity)).size).toBe(2)
})

test('a refused publish: answered with a reason under MQTT 5, closed without an answer under 3.1.1', async () => {
  const refuse = () => Promise.reject(new GatewayError('EVENT_INVALID', 'mqtt (mqtt): reading: no'))
  await using running = await RunningBroker.start({ prepare: (broker) => void broker.intercept(['in'], refuse) })
  const five = await running.client({ protocolVersion: 5 })
  await expect(five.publishAsync('in', 'x', { qos: 1 })).rejects.toMatchObject({ code: 0x83 })
  await five.publishAsync('fine', 'x', { qos: 1 })
  const four = await running.client({ protocolVersion: 4 })
  let answered = false
  four.publish('in', 'x', { qos: 1 }, (error) => (answered = !error))
  await new Promise<void>((resolve) => four.once('close', () => resolve()))
  expect(answered).toBe(false)
})
