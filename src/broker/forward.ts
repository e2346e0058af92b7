/** Hands a message to those who subscribe to it and are here, in place of aedes' own series of steps. */

import type { AedesBroker, BrokerPacket } from './internals.ts'

/** Gives a message its place in the broker's order, and the instant after which nobody wants it. Once. */
export function number(aedes: AedesBroker, packet: BrokerPacket): void {
  if (packet.brokerCounter !== undefined) return
  packet.brokerId = aedes.id
  packet.brokerCounter = ++aedes.counter
  const expiry = packet.properties?.messageExpiryInterval
  if (expiry !== undefined && expiry > 0) packet.messageExpiry = Date.now() + expiry * 1_000
}

/** `done` runs once no subscriber holds the message up. `from`: the client that published it. */
export function forward(
  aedes: AedesBroker,
  packet: BrokerPacket,
  from: string | undefined,
  done: (error?: Error | null) => void,
): void {
  number(aedes, packet)
  if (from !== undefined) packet.clientId = from
  aedes.mq.emit(packet, done)
}
