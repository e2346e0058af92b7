/** A packet with a text that ends beyond it costs its own connection, and nobody else's. */

import { once } from 'node:events'
import { connect } from 'node:net'
import mqtt from 'mqtt'
import { generate } from 'mqtt-packet'
import { expect, test } from 'vitest'
import { eventually } from '../../services/eventually.ts'
import { type GatewayProcess, startGateway } from '../../services/gateway.ts'
import { sharedByTests } from '../../services/tries.ts'

let gateway: GatewayProcess
sharedByTests(async () => {
  gateway = await startGateway({ config: 'routes: { all: { from: "mqtt:orders/+", to: "mqtt:seen" } }' })
  return () => gateway[Symbol.asyncDispose]()
})

const text = (value: string): Buffer => Buffer.concat([Buffer.from([0, value.length]), Buffer.from(value)])
const packet = (header: number, ...parts: readonly Buffer[]): Buffer => {
  const body = Buffer.concat(parts)
  return Buffer.concat([Buffer.from([header, body.length]), body])
}
/** The length says more than there is. */
const torn = Buffer.from([0, 9])
const userProperty = Buffer.concat([Buffer.from([0x26]), text('k'), torn])
const properties = (bytes: Buffer): Buffer => Buffer.concat([Buffer.from([bytes.length]), bytes])

const hello = (version: 4 | 5): Buffer => {
  const connect = { cmd: 'connect', clientId: 'torn', clean: true, protocolId: 'MQTT', keepalive: 0 } as const
  return Buffer.from(generate({ ...connect, protocolVersion: version }))
}
/** Of MQTT 5, with a will on the topic `a`. */
const withWill = packet(
  0x10,
  text('MQTT'),
  Buffer.from([5, 0x06, 0, 0, 0]),
  text('torn'),
  properties(userProperty),
  text('a'),
  text('x'),
)

test.each<[string, readonly Buffer[]]>([
  ['the topic of MQTT 3.1.1', [hello(4), packet(0x30, Buffer.from([0, 10, 0x61]))]],
  ['the topic of MQTT 5 at QoS 1', [hello(5), packet(0x32, Buffer.from([0, 10, 0x61]))]],
  ['a user property', [hello(5), packet(0x30, text('a'), properties(userProperty))]],
  [
    'one of several of a name',
    [hello(5), packet(0x30, text('a'), properties(Buffer.concat([userProperty, userProperty])))],
  ],
  ['the response topic', [hello(5), packet(0x30, text('a'), properties(Buffer.concat([Buffer.from([8]), torn])))]],
  [
    'the content type, on a topic of a route',
    [hello(5), packet(0x30, text('orders/1'), properties(Buffer.concat([Buffer.from([3]), torn])))],
  ],
  ['a user property of a will', [withWill]],
])('%s', async (_, packets) => {
  const clientId = `other-${Math.random()}`
  const other = await mqtt.connectAsync(`mqtt://127.0.0.1:${gateway.mqtt}`, {
    clientId,
    protocolVersion: 5,
    reconnectPeriod: 0,
  })
  await other.subscribeAsync('#')
  const socket = connect(gateway.mqtt, '127.0.0.1')
  socket.on('error', () => {})
  socket.on('data', () => {})
  await once(socket, 'connect')
  const closed = once(socket, 'close')
  for (const bytes of packets) {
    socket.write(bytes)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  await eventually(() => socket.destroyed, { what: 'it is closed', detail: () => gateway.output() })
  await closed
  await other.publishAsync('orders/1', 'still here', { qos: 1 })
  expect(other.connected).toBe(true)
  expect((await fetch(`http://127.0.0.1:${gateway.admin}/health`)).status).toBe(200)
  await other.endAsync()
})
