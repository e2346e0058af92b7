/** Records what real clients write to a broker: whole sessions, as bytes. */

import { once } from 'node:events'
import net, { type AddressInfo } from 'node:net'
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt'

/** Resolves with the bytes that a client wrote during `session`, from its CONNECT to its DISCONNECT. */
async function record(
  port: number,
  options: IClientOptions,
  session: (client: MqttClient) => Promise<void>,
): Promise<Buffer> {
  const written: Buffer[] = []
  const proxy = net.createServer((socket) => {
    const broker = net.connect(port, '127.0.0.1')
    socket.on('data', (chunk: Buffer) => void written.push(chunk))
    socket.on('error', () => {})
    broker.on('error', () => {})
    socket.pipe(broker).pipe(socket)
  })
  proxy.listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  const client = mqtt.connect(`mqtt://127.0.0.1:${(proxy.address() as AddressInfo).port}`, {
    reconnectPeriod: 0,
    ...options,
  })
  await new Promise<void>((resolve, reject) => client.once('connect', () => resolve()).once('error', reject))
  await session(client)
  await client.endAsync()
  proxy.close()
  return Buffer.concat(written)
}

/** In the client identifiers, for another of its length to be put in its place. */
export const NAME = 'AAAA'

const EVENT = JSON.stringify({
  specversion: '1.0',
  id: 'e1',
  source: '/fuzz',
  type: 'made',
  data: { n: 1, text: 'grüße' },
})

/** Publishes at each QoS, acknowledges what comes, subscribes and unsubscribes. */
async function busy(client: MqttClient): Promise<void> {
  const five = client.options.protocolVersion === 5
  let got = 0
  client.on('message', () => {
    got += 1
  })
  await client
    .subscribeAsync({ 'fuzz/own/#': { qos: 2 }, 'fuzz/+/x': { qos: 1 }, '$share/g/fuzz/x': { qos: 0 } })
    .catch(() => {})
  for (const qos of [0, 1, 2] as const) {
    const properties = five
      ? {
          contentType: 'application/cloudevents+json',
          responseTopic: 'fuzz/own/reply',
          correlationData: Buffer.from('c1'),
          messageExpiryInterval: 60,
          userProperties: { id: `u${qos}`, source: '/fuzz', type: 'made', specversion: '1.0', callid: 'k1' },
        }
      : undefined
    await client.publishAsync('fuzz/a', EVENT, { qos, ...(properties && { properties }) })
    await client.publishAsync('fuzz/own/b', Buffer.alloc(40, qos), { qos, retain: qos === 1 })
  }
  const deadline = Date.now() + 2_000
  while (got < 3 && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 5))
  await client.unsubscribeAsync(['fuzz/own/#', 'fuzz/+/x'])
}

const will = { topic: 'fuzz/will', payload: Buffer.from('gone'), qos: 1, retain: false } as const

/** Sessions of MQTT 3.1, 3.1.1 and 5: clean and kept, with a will, with a password. */
export async function recordSessions(port: number): Promise<readonly Buffer[]> {
  const kinds: readonly IClientOptions[] = [
    { protocolVersion: 4, clientId: `rec4-${NAME}`, clean: true, username: 'me', password: 'secret', will },
    { protocolVersion: 4, clientId: `rec4-kept-${NAME}`, clean: false, keepalive: 5 },
    { protocolVersion: 3, protocolId: 'MQIsdp', clientId: `rec3-${NAME}` },
    {
      protocolVersion: 5,
      clientId: `rec5-${NAME}`,
      clean: true,
      properties: {
        sessionExpiryInterval: 5,
        receiveMaximum: 10,
        topicAliasMaximum: 5,
        maximumPacketSize: 10_000,
        userProperties: { a: 'b' },
      },
      will: { ...will, properties: { willDelayInterval: 1, messageExpiryInterval: 5, contentType: 'text/plain' } },
    },
    { protocolVersion: 5, clientId: '', clean: true },
  ]
  const streams: Buffer[] = []
  for (const options of kinds) streams.push(await record(port, options, busy))
  streams.push(await record(port, { protocolVersion: 4, clientId: `idle-${NAME}` }, async () => {}))
  return streams
}
