/** Properties go to the wire and back. */

import { generate, type IPublishPacket, parser } from 'mqtt-packet'
import { expect, test } from 'vitest'
import type { PublishProperties } from '../connector/broker.ts'
import { fromWire, toWire } from './properties.ts'

/** What a client is sent for a message with these properties. */
function throughWire(properties: PublishProperties): PublishProperties | undefined {
  const packet = { cmd: 'publish', topic: 't', payload: 'x', qos: 0, dup: false, retain: false } as const
  const wire = toWire(properties)
  const read = parser({ protocolVersion: 5 })
  const packets: IPublishPacket[] = []
  read.on('packet', (each) => void (each.cmd === 'publish' && packets.push(each)))
  read.parse(generate({ ...packet, ...(wire && { properties: wire }) }, { protocolVersion: 5 }))
  expect(packets).toHaveLength(1)
  return fromWire(packets[0]?.properties)
}

test('what is set arrives', () => {
  const properties = {
    contentType: 'application/json',
    responseTopic: 'answers',
    correlationData: Buffer.from([0, 1, 255]),
    messageExpiry: 7,
    payloadIsText: true,
    userProperties: [
      ['a', '1'],
      ['a', '2'],
      ['b', ''],
    ],
  } as const
  expect(throughWire(properties)).toEqual(properties)
})

test('no user properties are none, and the message is sent all the same', () => {
  expect(throughWire({ contentType: 'text/plain', userProperties: [] })).toEqual({ contentType: 'text/plain' })
})
