/** What happens to a publish between its arrival and its acknowledgement. */

import { writeToStream } from 'mqtt-packet'
import type { Ingress } from '../connector/broker.ts'
import type { Context, Credit, Log } from '../connector/connector.ts'
import { toGatewayError } from '../errors.ts'
import { mayPublish } from './access.ts'
import type { BrokerLimits } from './config.ts'
import { forward, number } from './forward.ts'
import { Uses } from './identity.ts'
import type { Intercepts } from './intercepts.ts'
import type { AedesBroker, AedesClient, BrokerPacket } from './internals.ts'
import { type Done, Lane } from './lane.ts'
import type { Persistence } from './persistence.ts'
import { refusalOf } from './refusal.ts'
import type { Seat } from './seat.ts'
import type { Sessions } from './sessions.ts'
import { writePuback } from './wire.ts'

/** Ends aedes' question whether a publish is authorized: with an error the connection of an MQTT 3 client is closed. */
export type Answer = (error?: Error | null) => void

export interface GateParts {
  readonly log: Log
  readonly credit: Credit | undefined
  readonly refused: Context['refused'] | undefined
  readonly intercepts: Intercepts
  readonly sessions: Sessions
  readonly persistence: Persistence
  readonly limits: BrokerLimits
  readonly signal: AbortSignal
}

export interface GateCounts {
  /** Publishes that arrived. */
  received: number
  /** Those of them that somebody takes. */
  intercepted: number
  /** Those of them that were refused. */
  refused: number
}

export class Gate {
  readonly counts: GateCounts = { received: 0, intercepted: 0, refused: 0 }
  readonly #parts: GateParts
  readonly #seatOf: (client: AedesClient) => Seat | undefined
  readonly #uses = new Map<string, Uses>()

  constructor(parts: GateParts, seatOf: (client: AedesClient) => Seat | undefined) {
    this.#parts = parts
    this.#seatOf = seatOf
  }

  /** Answers aedes' question about a publish or a will: when it is accepted, not before. */
  authorize(aedes: AedesBroker, client: AedesClient | null, packet: BrokerPacket, done: Answer): void {
    this.counts.received++
    if (packet.properties && 'willDelayInterval' in packet.properties) {
      // [MQTT5 3.1.3.2.2] the delay is the will's, no property of the PUBLISH; the beta forwards it.
      const { willDelayInterval: _, ...properties } = packet.properties as { willDelayInterval?: number }
      packet.properties = properties
    }
    // While stopping: not acknowledged, so that it comes again. A will is asked about once its client is closed.
    if (this.#parts.signal.aborted && client && !client.closed) {
      packet._notAuthorized = true
      done(null)
    } else if (!mayPublish(packet.topic, this.#parts.limits))
      done(new Error(`"${packet.topic}" cannot be published to`))
    else if (client && packet.qos === 2 && this.#exceeds(client, packet)) done(null)
    else if (client) this.#take(client, packet, (error) => this.#keep(aedes, client, packet, error, done))
    else this.#keep(aedes, undefined, packet, null, done)
  }

  /** [MQTT5 3.3.4] more QoS 2 publishes without a PUBREL than the Receive Maximum that we gave. */
  #exceeds(client: AedesClient, packet: BrokerPacket): boolean {
    const unreleased = this.#seatOf(client)?.unreleased
    if (packet.messageId === undefined || !unreleased) return false
    unreleased.add(packet.messageId)
    if (unreleased.size <= this.#parts.limits.max_inflight) return false
    packet._notAuthorized = true
    const limit = `more than ${this.#parts.limits.max_inflight} QoS 2 publishes without a PUBREL`
    this.#parts.log.warn({ client: client.id }, `broker (mqtt): receiving: ${limit}; the connection is closed`)
    this.#seatOf(client)?.connection.finish(RECEIVE_MAXIMUM_EXCEEDED)
    return true
  }

  /** A session ended: its packet identifiers mean nothing any more. */
  forget(clientId: string): void {
    this.#uses.delete(clientId)
  }

  #take(client: AedesClient, packet: BrokerPacket, done: Answer): void {
    const takers = this.#parts.intercepts.match(packet.topic)
    const seat = this.#seatOf(client)
    if (takers.length > 0 && seat) this.#offer(seat, packet, takers, done)
    else if (seat?.lane?.busy) this.#offer(seat, packet, takers, done)
    else if (packet.qos > 0 && this.#parts.intercepts.orphaned(packet.topic)) this.#wait(client, packet, done)
    else done(null)
  }

  #offer(seat: Seat, packet: BrokerPacket, takers: readonly Ingress[], done: Answer): void {
    if (takers.length > 0) this.counts.intercepted++
    const answer = this.#answer(seat.client, packet, done)
    seat.connection.leave()
    this.#laneOf(seat).offer(packet, takers, (outcome) => {
      seat.connection.rejoin()
      return answer(outcome)
    })
  }

  /** Nobody takes it now, and somebody did: it is not acknowledged until somebody does again. */
  #wait(client: AedesClient, packet: BrokerPacket, done: Answer): void {
    const connection = this.#seatOf(client)?.connection
    connection?.hold(true)
    this.#parts.intercepts.later(() => {
      connection?.hold(false)
      if (!client.closed) this.#take(client, packet, done)
    })
  }

  #answer(client: AedesClient, packet: BrokerPacket, done: Answer): Done {
    return (outcome) => {
      if (outcome !== 'accepted') packet._notAuthorized = true
      const goesOn = typeof outcome !== 'object' || this.#refuse(client, packet, outcome.error)
      if (goesOn) done(null)
      return goesOn && outcome !== 'dropped'
    }
  }

  /** Tells the client, or drops it. Returns whether the connection goes on. */
  #refuse(client: AedesClient, packet: BrokerPacket, error: unknown): boolean {
    this.counts.refused++
    const { reasonCode, message } = refusalOf(error, client.version)
    if (packet.messageId !== undefined) this.#seatOf(client)?.unreleased.delete(packet.messageId)
    this.#parts.log.warn({ client: client.id, topic: packet.topic }, message)
    this.#parts.refused?.(toGatewayError(error), { client: client.id, address: packet.topic })
    if (packet.qos === 0 || client.closed) return true
    if (reasonCode === undefined) {
      client.conn.destroy()
      return false
    }
    const cmd = packet.qos === 1 ? 'puback' : 'pubrec'
    const properties = client._requestProblemInformation === false ? {} : { reasonString: message }
    writeToStream({ cmd, messageId: packet.messageId ?? 0, reasonCode, properties }, client.conn, WIRE_5)
    return true
  }

  /**
   * aedes writes PUBACK before it stores: what a kept session or a later subscriber is to get is on disk first. A will
   * and QoS 2 are left to aedes then, which stores once more under the same place; that does nothing.
   */
  #keep(aedes: AedesBroker, client: AedesClient | undefined, packet: BrokerPacket, error: Refused, done: Answer): void {
    if (error || packet._notAuthorized) {
      done(error)
      return
    }
    const problem = packet.retain ? this.#parts.persistence.retainedProblem(packet) : undefined
    if (problem && client) {
      packet._notAuthorized = true
      if (this.#refuse(client, packet, problem)) done(null)
      return
    }
    // aedes asks about a will once its client is closed.
    const own = client !== undefined && !client.closed && packet.qos < 2
    const go = own ? () => this.#finish(aedes, client, packet, done) : () => done(null)
    const { sessions, persistence } = this.#parts
    if (packet.qos === 0) {
      // In memory at once; the disk is not waited for.
      if (own && packet.retain) void persistence.storeRetained(packet)
      go()
      return
    }
    const subscribers = sessions.subscribers(packet.topic)
    if (subscribers.length === 0 && !packet.retain) {
      go()
      return
    }
    number(aedes, packet)
    const ids = subscribers.map(({ clientId }) => clientId)
    const kept = [own ? sessions.enqueue(ids, packet) : sessions.enqueueFirst(ids, packet)]
    if (packet.retain) kept.push(persistence.storeRetained(packet))
    Promise.all(kept).then(go, done)
  }

  /** Acknowledges and forwards in one go, where aedes takes two series of steps, a timer and four promises. */
  #finish(aedes: AedesBroker, client: AedesClient, packet: BrokerPacket, done: Answer): void {
    packet._notAuthorized = true
    if (client.closed) {
      done(null)
      return
    }
    const publish = (error?: Error | null) => {
      if (error) done(error)
      else forward(aedes, packet, client.id, done)
    }
    const { messageId } = packet
    if (packet.qos === 0 || messageId === undefined || writePuback(client.conn, client.version, messageId)) publish()
    else client.waitForDrain(publish)
  }

  #laneOf(seat: Seat): Lane {
    const { client, connection } = seat
    const { sessions, persistence, limits, credit, signal } = this.#parts
    seat.lane ??= new Lane(
      {
        id: client.id,
        protocol: client.version,
        uses: this.#usesOf(client),
        get open() {
          return !client.closed
        },
        mayPublish: (topic) => mayPublish(topic, limits),
        hold: (held) => connection.hold(held),
        remember: (id, use, checksum) =>
          client.clean ? undefined : sessions.remember(client.id, id, use, use.checksum ?? checksum()),
        forget: (id) => {
          if (!client.clean) sessions.forget(client.id, id)
        },
        received: ({ messageId }) => persistence.received(client.id, messageId),
      },
      limits.max_inflight,
      credit,
      signal,
    )
    return seat.lane
  }

  #usesOf(client: AedesClient): Uses {
    if (client.clean) return new Uses(false)
    const uses = this.#uses.get(client.id) ?? new Uses(true, this.#parts.sessions.uses(client.id))
    this.#uses.set(client.id, uses)
    return uses
  }
}

type Refused = Error | null | undefined

const WIRE_5 = { protocolVersion: 5 }
/** MQTT 5 reason code. */
const RECEIVE_MAXIMUM_EXCEEDED = 0x93
