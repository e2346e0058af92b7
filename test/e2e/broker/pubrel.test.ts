/** A client that completes one publish twice at once harms nobody. */

import { once } from 'node:events'
import { connect } from 'node:net'
import { generate, type Packet, parser } from 'mqtt-packet'
import { expect, test } from 'vitest'
import { eventually } from '../../services/eventually.ts'
import { startGateway } from '../../services/gateway.ts'

test('two PUBRELs for one publish in one packet are answered, and the gateway goes on', async () => {
  await using gateway = await startGateway({ config: 'routes: { all: { from: any, to: "mqtt:seen" } }' })
  for (const clean of [true, false]) {
    const socket = connect(gateway.mqtt, '127.0.0.1')
    await once(socket, 'connect')
    const received: Packet[] = []
    const reader = parser({ protocolVersion: 4 })
    reader.on('packet', (packet: Packet) => received.push(packet))
    socket.on('data', (bytes: Buffer) => reader.parse(bytes))
    const send = (...packets: Packet[]) =>
      socket.write(Buffer.concat(packets.map((packet) => Buffer.from(generate(packet)))))
    const comes = (cmd: Packet['cmd']) =>
      eventually(() => received.some((packet) => packet.cmd === cmd), { what: cmd, detail: () => gateway.output() })
    send({ cmd: 'connect', clientId: `twice-${clean}`, clean, protocolId: 'MQTT', protocolVersion: 4, keepalive: 30 })
    await comes('connack')
    send({ cmd: 'publish', topic: 'a', payload: 'x', qos: 2, messageId: 1, retain: false, dup: false })
    await comes('pubrec')
    const pubrel = { cmd: 'pubrel', messageId: 1 } as const
    send(pubrel, pubrel, pubrel, { cmd: 'pingreq' })
    await comes('pubcomp')
    await comes('pingresp')
    socket.destroy()
  }
  expect((await fetch(`http://127.0.0.1:${gateway.admin}/health`)).status).toBe(200)
  expect(gateway.output()).not.toContain('unhandled rejection')
})
