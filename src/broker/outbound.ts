/** What one client is sent: in order, as fast as it reads and acknowledges, and without holding up any other. */

import { writeToStream } from 'mqtt-packet'
import type { BrokerLimits } from './config.ts'
import { Grants } from './grants.ts'
import type { AedesClient, BrokerPacket } from './internals.ts'
import { measure } from './measure.ts'
import { Ring } from './ring.ts'
import type { Queued, Sent, Sessions } from './sessions.ts'
import { isOwn } from './topics.ts'
import { holdForTurn, type Outgoing, writePublish } from './wire.ts'

export interface OutboundCounts {
  sent: number
  /** QoS 0 messages that a slow client had no room for. */
  dropped: number
  /** Messages larger than a client takes. */
  tooLarge: number
  expired: number
}

interface Waiting {
  readonly packet: BrokerPacket
  readonly done: (() => void) | undefined
}

/** A message that the client has not acknowledged; `place` is that in its session's queue. */
interface InFlight {
  readonly place: number | undefined
}

/**
 * aedes writes every message at once and waits for the slowest socket. Here a client has a window of unacknowledged
 * messages (its Receive Maximum, and ours) and a bounded queue. When that is full QoS 0 is dropped and counted; QoS 1 and
 * 2 stay in the store of a session that is kept, and hold back their publisher otherwise. A client that holds back
 * others and takes nothing for `drain_timeout` is disconnected.
 */
export class Outbound {
  readonly #client: AedesClient
  readonly #sessions: Sessions | undefined
  readonly #limits: BrokerLimits
  readonly #counts: OutboundCounts
  readonly #freeze: (reason: string) => void
  readonly #window: number
  readonly #options: { readonly protocolVersion: number }
  readonly #queue = new Ring<Waiting>()
  readonly #inFlight = new Map<number, InFlight>()
  readonly #places = new Set<number>()
  #grants: Grants | undefined
  #bytes = 0
  #held = 0
  #stalled = false
  #ready = false
  /** The session's queue holds messages that are not in ours. */
  #behind = false
  #finishing = false
  #pulled = 0
  #nextId = 0
  #last: number | undefined
  #timer: NodeJS.Timeout | undefined

  /** `sessions` when the session outlives the connection. `freeze` ends a client that takes nothing. */
  constructor(
    client: AedesClient,
    sessions: Sessions | undefined,
    limits: BrokerLimits,
    counts: OutboundCounts,
    freeze: (reason: string) => void,
  ) {
    this.#client = client
    this.#sessions = sessions
    this.#limits = limits
    this.#counts = counts
    this.#freeze = freeze
    this.#window = Math.min(client.version === 5 ? client.receiveMaximum : 65_535, limits.max_inflight)
    this.#options = { protocolVersion: client.version }
    client.conn.on('drain', this.#drained)
  }

  /** Takes a message for one of the client's subscriptions. `done` runs once it waits for nobody but this client. */
  offer(packet: BrokerPacket, done: () => void): void {
    if (!this.#wants(packet)) {
      done()
      return
    }
    this.#grants ??= new Grants(this.#client.subscriptions)
    const sent = this.#grants.tailor(packet)
    if (sent.qos > 0 && this.#sessions && sent.brokerId) this.#offerKept(sent, this.#sessions)
    else if (this.#canSend(sent)) this.#send(sent, undefined)
    else {
      this.#wait(sent, done)
      return
    }
    done()
  }

  /** The client has its CONNACK: sends again what it did not acknowledge, and then what came while it was away. */
  start(): void {
    this.#ready = true
    if (this.#sessions) {
      for (const queued of this.#sessions.queued(this.#client.id)) if (queued.sent) this.#again(queued, queued.sent)
      this.#behind = true
    }
    this.#pump()
  }

  /** PUBACK, PUBCOMP, or a PUBREC that refuses: the packet identifier is free. */
  acknowledged(messageId: number): void {
    const flight = this.#inFlight.get(messageId)
    if (!flight) return
    this.#inFlight.delete(messageId)
    if (flight.place !== undefined) {
      this.#places.delete(flight.place)
      this.#sessions?.settle(this.#client.id, flight.place)
    }
    this.#progress()
    this.#pump()
  }

  /** PUBREC: the client has the message. */
  received(messageId: number): void {
    const place = this.#inFlight.get(messageId)?.place
    if (place !== undefined) this.#sessions?.sent(this.#client.id, place, { messageId, released: true })
  }

  /** Leaves what is in the session's queue for the next connection. Returns whether all that was sent is acknowledged. */
  finish(): boolean {
    this.#finishing = true
    return this.#inFlight.size === 0 && this.#queue.size === 0
  }

  close(): void {
    clearTimeout(this.#timer)
    this.#client.conn.off('drain', this.#drained)
    for (let next = this.#queue.shift(); next; next = this.#queue.shift()) next.done?.()
  }

  /** Overlapping subscriptions offer a message twice in a row; [MQTT5 3.8.3.1] no local. */
  #wants(packet: BrokerPacket): boolean {
    if (this.#client.closed || isOwn(packet.topic)) return false
    if (packet.nl && packet.clientId === this.#client.id) return false
    if (!packet.brokerId) return true
    if (packet.brokerCounter === this.#last) return false
    this.#last = packet.brokerCounter
    return true
  }

  /** The client's subscriptions are other ones now. */
  subscriptionsChanged(): void {
    this.#grants = new Grants(this.#client.subscriptions)
  }

  #offerKept(packet: BrokerPacket, sessions: Sessions): void {
    const place = sessions.placeOf(packet)
    if (this.#places.has(place)) return
    const held = sessions.holds(this.#client.id, place)
    if (!held && place <= this.#pulled) return
    if (!held) void sessions.enqueue([this.#client.id], packet)
    if (this.#behind || this.#finishing || !this.#canSend(packet)) this.#behind = true
    else this.#send(packet, place)
  }

  #canSend(packet: BrokerPacket): boolean {
    if (!this.#ready || this.#stalled || this.#queue.size > 0) return false
    return packet.qos === 0 || this.#inFlight.size < this.#window
  }

  #wait(packet: BrokerPacket, done: () => void): void {
    const full = this.#queue.size >= this.#limits.max_queued || this.#bytes >= this.#limits.max_queued_size
    if (full && packet.qos === 0) {
      this.#counts.dropped++
      done()
      return
    }
    this.#bytes += packet.payload.length
    if (full) this.#held++
    this.#queue.push({ packet, done: full ? done : undefined })
    if (full) this.#watch('it neither reads nor acknowledges what it subscribed to')
    else done()
  }

  #send(packet: BrokerPacket, place: number | undefined): void {
    const { messageExpiry } = packet
    const left = messageExpiry === undefined ? 0 : messageExpiry - Date.now()
    if (messageExpiry !== undefined && left <= 0) {
      this.#counts.expired++
      if (place !== undefined) this.#sessions?.settle(this.#client.id, place)
      return
    }
    const messageId = packet.qos > 0 ? this.#take() : undefined
    const { topic, payload, qos, retain, properties } = packet
    const plain = this.#client.version !== 5 || (properties === undefined && messageExpiry === undefined)
    const wire = { cmd: 'publish', topic, payload, qos, retain, dup: false, messageId, properties }
    if (messageExpiry !== undefined) wire.properties = { ...properties, messageExpiryInterval: Math.ceil(left / 1_000) }
    if (!this.#fits(wire)) {
      // [MQTT-3.1.2-25] discarded, as if it had been sent.
      this.#counts.tooLarge++
      if (place !== undefined) this.#sessions?.settle(this.#client.id, place)
      return
    }
    if (messageId !== undefined) {
      this.#inFlight.set(messageId, { place })
      if (place !== undefined) {
        this.#places.add(place)
        this.#sessions?.sent(this.#client.id, place, { messageId, released: false })
      }
    }
    this.#write(wire, plain ? wire : undefined)
  }

  /** [MQTT-4.4.0-1] what was not acknowledged is sent again under its identifier. */
  #again({ place, packet }: Queued, { messageId, released }: Sent): void {
    this.#inFlight.set(messageId, { place })
    this.#places.add(place)
    if (released) this.#write({ cmd: 'pubrel', messageId, reasonCode: 0 })
    else this.#write({ ...packet, cmd: 'publish', messageId, dup: true })
  }

  /** `plain`: the same, as a PUBLISH without properties. */
  #write(packet: object, plain?: Outgoing): void {
    const { conn, version } = this.#client
    this.#counts.sent++
    holdForTurn(conn)
    if (plain) writePublish(conn, version, plain)
    else writeToStream(packet as never, conn, this.#options)
    if (conn.writableLength < UNSENT) return
    this.#stalled = true
    this.#watch('it does not read what it subscribed to')
  }

  #fits(packet: { topic: string; payload: Buffer; properties?: object | undefined }): boolean {
    const max = this.#client.maximumPacketSize
    if (this.#client.version !== 5 || max === undefined) return true
    // Exact only where it matters: what is far smaller needs no measuring.
    const rough = packet.payload.length + packet.topic.length * 3 + 64
    if (!packet.properties && rough <= max) return true
    return measure(packet, this.#options) <= max
  }

  #take(): number {
    do this.#nextId = this.#nextId >= 65_535 ? 1 : this.#nextId + 1
    while (this.#inFlight.has(this.#nextId))
    return this.#nextId
  }

  readonly #drained = (): void => {
    this.#stalled = false
    this.#progress()
    this.#pump()
  }

  #pump(): void {
    while (this.#ready && !this.#stalled) {
      const next = this.#queue.peek()
      if (!next) break
      if (next.packet.qos > 0 && this.#inFlight.size >= this.#window) return
      this.#queue.shift()
      this.#bytes -= next.packet.payload.length
      this.#send(next.packet, undefined)
      if (next.done) {
        this.#held--
        next.done()
      }
    }
    if (this.#behind) this.#pull()
  }

  /** Sends on from the session's queue. */
  #pull(): void {
    if (!this.#sessions || !this.#ready || this.#finishing) return
    for (const { place, packet } of this.#sessions.queued(this.#client.id)) {
      if (this.#places.has(place)) continue
      if (this.#stalled || this.#inFlight.size >= this.#window) return
      this.#pulled = Math.max(this.#pulled, place)
      this.#send(packet, place)
    }
    this.#behind = false
  }

  /** Ends the client unless it makes progress in time. */
  #watch(reason: string): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      if (this.#stalled || this.#held > 0) this.#freeze(reason)
    }, this.#limits.drain_timeout)
  }

  #progress(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#stalled || this.#held > 0) this.#watch('it neither reads nor acknowledges what it subscribed to')
  }
}

/**
 * Bytes that a socket may have unsent before messages wait in our queue. The stream's own mark of 64 KiB is passed within
 * one turn of the event loop under 50 publishers, and a turn is what it takes to be told of the drain: 1,100 messages/s.
 */
const UNSENT = 2 ** 20
