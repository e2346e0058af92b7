/** What the broker holds for one connection. */

import type { Connection } from './connection.ts'
import type { AedesClient } from './internals.ts'
import type { Lane } from './lane.ts'
import type { Outbound } from './outbound.ts'

export interface Seat {
  readonly connection: Connection
  readonly client: AedesClient
  /** Its publishes, once it has made one that is intercepted. */
  lane?: Lane
  /** QoS 2 publishes that it has not released: what its Receive Maximum counts. */
  readonly unreleased: Set<number>
  /** What it is sent, once it is let in. */
  outbound?: Outbound
}

/** Takes note of a client's packets that end what was sent, by it or to it. */
export function watchAcknowledgements(seat: Seat): (packet: Acknowledgement) => void {
  return ({ cmd, messageId, reasonCode }) => {
    if (messageId === undefined || seat.outbound === undefined) return
    if (cmd === 'pubrel') seat.unreleased.delete(messageId)
    else if (cmd === 'puback' || cmd === 'pubcomp') seat.outbound.acknowledged(messageId)
    else if (cmd === 'pubrec' && (reasonCode ?? 0) >= REFUSED) seat.outbound.acknowledged(messageId)
    else if (cmd === 'pubrec') seat.outbound.received(messageId)
  }
}

interface Acknowledgement {
  readonly cmd: string
  readonly messageId?: number
  readonly reasonCode?: number
}

/** MQTT 5 reason codes from here on are refusals [MQTT5 2.4]. */
const REFUSED = 0x80
