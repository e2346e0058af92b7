/** The fields of aedes 2.0.0-beta.1 that we reach into; its published types leave them out. Pinned, and tested by every test here. */

import type { EventEmitter } from 'node:events'
import type { Duplex } from 'node:stream'
import type { Aedes, Client, PublishPacket } from 'aedes'
import type { Emitter } from './emitter.ts'

/** What travels inside aedes: a publish with its place in the broker's own order. */
export interface BrokerPacket extends Omit<PublishPacket, 'payload' | 'messageId'> {
  payload: Buffer
  messageId?: number | undefined
  brokerId?: string | undefined
  brokerCounter?: number | undefined
  clientId?: string
  nl?: boolean
  /** Instant after which nobody wants the message, in milliseconds since the epoch. */
  messageExpiry?: number
  /** Set by aedes (and by us) on a publish that was answered already: it is not forwarded. */
  _notAuthorized?: boolean
}

/** Hands one message to one client; `done` runs when it was written, or never will be. */
export type Deliver = (packet: BrokerPacket, done: () => void) => void

export interface Subscribed {
  readonly qos: 0 | 1 | 2
  /** Subscription identifier. */
  readonly si?: number | undefined
}

export interface AedesClient extends Omit<Client, 'conn'> {
  conn: Duplex
  clean: boolean
  version: 3 | 4 | 5
  errored: boolean
  connackSent: boolean
  subscriptions: Record<string, Subscribed>
  /** What `subscribe` makes of a QoS 0 subscription, and of any other. */
  deliver0: Deliver
  deliverQoS: Deliver
  _authorized: boolean
  _serverKeepAlive?: number
  readonly _cleanStart: boolean
  readonly _requestProblemInformation?: boolean
  /** Packets that are being worked on: aedes reads the socket again when there are none. */
  _parsingBatch: number
  readonly _nextBatch: (error?: Error) => void
  readonly _keepaliveInterval: number
  readonly _keepaliveTimer: NodeJS.Timeout | null
  readonly _parser: EventEmitter & { parse(bytes: Buffer): number }
  /** Calls back once the socket has room, or with an error when it has none for `drainTimeout`. */
  waitForDrain(done: (error?: Error | null) => void): void
}

export interface AedesBroker extends Omit<Aedes, 'mq'> {
  clients: Record<string, AedesClient>
  counter: number
  readonly mq: Emitter<BrokerPacket>
}
