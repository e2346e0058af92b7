/** MQTT 5 properties of a publish: between the parser's form and the one of the connector contract. */

import type { IPublishPacket, UserProperties } from 'mqtt-packet'
import type { PublishProperties } from '../connector/broker.ts'

type WireProperties = NonNullable<IPublishPacket['properties']>

/** Returns what a client sent, without what belongs to the connection (alias, subscription identifier). */
export function fromWire(wire: WireProperties | undefined): PublishProperties | undefined {
  if (wire === undefined) return undefined
  return {
    ...(wire.contentType !== undefined && { contentType: wire.contentType }),
    ...(wire.responseTopic !== undefined && { responseTopic: wire.responseTopic }),
    ...(wire.correlationData !== undefined && { correlationData: wire.correlationData }),
    ...(wire.messageExpiryInterval !== undefined && { messageExpiry: wire.messageExpiryInterval }),
    ...(wire.payloadFormatIndicator !== undefined && { payloadIsText: wire.payloadFormatIndicator }),
    ...(wire.userProperties !== undefined && { userProperties: pairs(wire.userProperties) }),
  }
}

/** The reverse of `fromWire`. */
export function toWire(properties: PublishProperties | undefined): WireProperties | undefined {
  if (properties === undefined) return undefined
  const { contentType, responseTopic, correlationData, messageExpiry, payloadIsText, userProperties } = properties
  return {
    ...(contentType !== undefined && { contentType }),
    ...(responseTopic !== undefined && { responseTopic }),
    ...(correlationData !== undefined && { correlationData: Buffer.from(correlationData) }),
    ...(messageExpiry !== undefined && { messageExpiryInterval: messageExpiry }),
    ...(payloadIsText !== undefined && { payloadFormatIndicator: payloadIsText }),
    // mqtt-packet 9.0.2 writes nothing at all for a packet whose user properties are an empty object.
    ...(userProperties?.length && { userProperties: grouped(userProperties) }),
  }
}

/** The parser groups values by name: the order across names is lost there, the one within a name is kept. */
const pairs = (properties: UserProperties): [string, string][] =>
  Object.entries(properties).flatMap(([name, value]) =>
    Array.isArray(value) ? value.map((each): [string, string] => [name, each]) : [[name, value] as [string, string]],
  )

function grouped(list: readonly (readonly [string, string])[]): UserProperties {
  const properties: Record<string, string | string[]> = Object.create(null)
  for (const [name, value] of list) {
    const held = properties[name]
    properties[name] = held === undefined ? value : Array.isArray(held) ? [...held, value] : [held, value]
  }
  return properties
}
