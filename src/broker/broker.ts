/** The embedded MQTT broker: aedes, with our bus, guards and hooks around it. */

import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { BrokerPort, Ingress, Publish } from '../connector/broker.ts'
import type { Context, Credit, Log } from '../connector/connector.ts'
import { GatewayError } from '../errors.ts'
import { mayPublish } from './access.ts'
import { createAedes } from './aedes.ts'
import type { BrokerConfig } from './config.ts'
import { Connection } from './connection.ts'
import { farewell } from './farewell.ts'
import { forward, number } from './forward.ts'
import { Gate, type GateCounts } from './gate.ts'
import { Intercepts } from './intercepts.ts'
import type { AedesBroker, AedesClient, BrokerPacket, Deliver } from './internals.ts'
import { type Listener, listen } from './listeners.ts'
import { Outbound, type OutboundCounts } from './outbound.ts'
import { Persistence } from './persistence.ts'
import { toWire } from './properties.ts'
import { type Seat, watchAcknowledgements } from './seat.ts'
import { Sessions } from './sessions.ts'
import { Store } from './store.ts'
import { TokenBucket } from './token-bucket.ts'
import { publishProblem } from './topics.ts'

export interface BrokerStats extends Readonly<GateCounts>, Readonly<OutboundCounts> {
  readonly clients: number
  /** Sockets, those included that have not sent CONNECT. */
  readonly connections: number
  /** Messages that found the queue of an absent session full. */
  readonly overflowed: number
  /** Connections that came faster than `connection_rate`. */
  readonly turnedAway: number
}

export interface BrokerParts {
  readonly log: Log
  /** Without room, clients that publish to a topic that is intercepted are not read. */
  readonly credit?: Credit
  /** Told of publishes that are not accepted. */
  readonly refused?: Context['refused']
  /** Told when its disk takes nothing any more. */
  readonly failed?: (error: Error) => void
}

export interface Broker extends BrokerPort {
  /** Resolves when every address is listened on. Rejects with ADDRESS_IN_USE; nothing is left open then. */
  start(signal: AbortSignal): Promise<void>
  /**
   * Takes no more connections and publishes, lets clients acknowledge what they were sent for a second at most, ends
   * their connections, and closes the store. Safe to call twice.
   */
  stop(): Promise<void>
  stats(): BrokerStats
  /** What it listens on, as URLs, with the ports that were taken for 0. */
  addresses(): readonly string[]
}

/** Makes a broker that does not listen yet. Intercept first, then start: a publish that comes before is not taken. */
export const createBroker = (config: BrokerConfig, parts: BrokerParts): Broker => new EmbeddedBroker(config, parts)

/** What there is between start and stop. */
interface Running {
  readonly aedes: AedesBroker
  readonly store: Store
  readonly sessions: Sessions
  readonly persistence: Persistence
  readonly gate: Gate
  readonly sweeps: NodeJS.Timeout
}

class EmbeddedBroker implements Broker {
  readonly #config: BrokerConfig
  readonly #parts: BrokerParts
  readonly #intercepts = new Intercepts()
  readonly #seats = new Map<Duplex, Seat>()
  readonly #ending = new AbortController()
  readonly #rate: TokenBucket
  readonly #outbound: OutboundCounts = { sent: 0, dropped: 0, tooLarge: 0, expired: 0 }
  #listeners: Listener[] = []
  #running: Running | undefined
  #turnedAway = 0

  constructor(config: BrokerConfig, parts: BrokerParts) {
    this.#config = config
    this.#parts = parts
    this.#rate = new TokenBucket(config.limits.connection_rate)
  }

  async start(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    this.#running = await this.#open()
    try {
      for (const url of this.#config.listen)
        this.#listeners.push(await listen(url, this.#config.limits, (stream, request) => this.#accept(stream, request)))
    } catch (error) {
      await this.stop()
      throw error
    }
  }

  async stop(): Promise<void> {
    for (const listener of this.#listeners.splice(0)) listener.close()
    this.#ending.abort(new GatewayError('STOPPING', 'broker (mqtt): stopping'))
    const running = this.#running
    if (!running) return
    this.#running = undefined
    clearInterval(running.sweeps)
    await farewell(this.#seats)
    await new Promise<void>((resolve) => running.aedes.close(resolve))
    await running.store.close()
  }

  stats(): BrokerStats {
    const { aedes, gate, sessions } = this.#running ?? {}
    return {
      ...(gate?.counts ?? { received: 0, intercepted: 0, refused: 0 }),
      ...this.#outbound,
      clients: aedes?.connectedClients ?? 0,
      connections: this.#seats.size,
      overflowed: sessions?.overflowed ?? 0,
      turnedAway: this.#turnedAway,
    }
  }

  addresses(): readonly string[] {
    return this.#listeners.map(({ address }) => address)
  }

  intercept(filters: readonly string[], ingress: Ingress): () => void {
    return this.#intercepts.add(filters, ingress)
  }

  mayPublish(topic: string): boolean {
    return mayPublish(topic, this.#config.limits)
  }

  publish({ topic, payload, qos, retain, properties }: Publish): Promise<void> {
    const running = this.#running
    if (!running) return Promise.reject(new GatewayError('STOPPING', 'broker (mqtt): publishing: it is not running'))
    const problem = publishProblem(topic, this.#config.limits.max_topic_levels)
    if (problem) {
      const what = `broker (mqtt): publishing on "${topic.slice(0, 100)}": ${problem}`
      return Promise.reject(new GatewayError('REPLY_TOPIC_REFUSED', what))
    }
    const packet: BrokerPacket = { cmd: 'publish', topic, payload: asBuffer(payload), qos, retain, dup: false }
    const wire = toWire(properties)
    if (wire) packet.properties = wire
    return this.#hold(running, packet)
  }

  /** Keeps it for sessions and later subscribers, on disk, and then hands it to those who are here. */
  #hold({ aedes, sessions, persistence }: Running, packet: BrokerPacket): Promise<void> {
    const problem = packet.retain ? persistence.retainedProblem(packet) : undefined
    if (problem) return Promise.reject(problem)
    const send = () =>
      new Promise<void>((resolve, reject) =>
        forward(aedes, packet, undefined, (error) => (error ? reject(error) : resolve())),
      )
    const subscribers = packet.qos > 0 ? sessions.subscribers(packet.topic) : NOBODY
    if (subscribers.length === 0 && !packet.retain) return send()
    number(aedes, packet)
    const ids = subscribers.map(({ clientId }) => clientId)
    const kept = [sessions.enqueue(ids, packet)]
    if (packet.retain) kept.push(persistence.storeRetained(packet))
    return Promise.all(kept).then(send)
  }

  async #open(): Promise<Running> {
    const { limits, path } = this.#config
    const { log, credit, failed, refused } = this.#parts
    const store = new Store(path, undefined, failed)
    const sessions = new Sessions(store, limits.max_queued, (id) => gate.forget(id))
    const persistence = new Persistence(store, sessions, limits)
    const signal = this.#ending.signal
    const gate = new Gate(
      { log, credit, refused, intercepts: this.#intercepts, sessions, persistence, limits, signal },
      (client) => this.#seats.get(client.conn),
    )
    const aedes = await createAedes(limits, log, persistence, {
      sessions,
      publish: (client, packet, done) => gate.authorize(aedes, client, packet, done),
      prepare: (client) => this.#seats.get(client.conn)?.connection.holdConnack(),
      admit: (client) => this.#admit(client, sessions),
      greeted: (client) => this.#seats.get(client.conn)?.connection.sendConnack(),
      joined: (client) => {
        if (resumes(client, sessions)) sessions.arrive(client.id, this.#keep(client))
      },
      subscribed: (client) => this.#seats.get(client.conn)?.outbound?.subscriptionsChanged(),
      ready: (client) => this.#seats.get(client.conn)?.outbound?.start(),
      left: (client) => {
        if (client.clean) persistence.release(client.id)
        else sessions.leave(client.id, this.#keep(client))
      },
    })
    const sweeps = setInterval(() => this.#sweep(sessions), SWEEP_MS)
    return { aedes, store, sessions, persistence, gate, sweeps }
  }

  #accept(stream: Duplex, request?: IncomingMessage): void {
    const aedes = this.#running?.aedes
    if (!aedes || !this.#rate.take()) {
      if (this.#turnedAway++ === 0)
        this.#warn({}, 'broker (mqtt): connecting: too many connections a second; see broker.limits.connection_rate')
      stream.destroy()
      return
    }
    const connection = new Connection(stream, this.#config.limits.max_packet_size, (verdict) => {
      this.#warn({ client: client.id }, `broker (mqtt): reading a packet: it is ${verdict}; the connection is closed`)
      if (client.version === 5 && client.connected) connection.finish(TOO_LARGE)
      else stream.destroy()
    })
    const client = aedes.handle(stream, request) as unknown as AedesClient
    const seat: Seat = { connection, client, unreleased: new Set() }
    this.#seats.set(stream, seat)
    stream.once('close', () => {
      this.#seats.delete(stream)
      seat.outbound?.close()
    })
    const deliver: Deliver = (packet, done) => (seat.outbound ? seat.outbound.offer(packet, done) : done())
    client.deliver0 = deliver
    client.deliverQoS = deliver
    connection.attach(client, watchAcknowledgements(seat))
  }

  /** The client is known and let in: it can be sent messages from here on. */
  #admit(client: AedesClient, sessions: Sessions): void {
    const seat = this.#seats.get(client.conn)
    if (!seat) return
    const kept = resumes(client, sessions) ? sessions : undefined
    seat.outbound = new Outbound(client, kept, this.#config.limits, this.#outbound, (reason) => {
      this.#warn({ client: client.id }, `broker (mqtt): sending: ${reason}; the connection is closed`)
      client.conn.destroy()
    })
  }

  /** Milliseconds that the client's session is kept without it. */
  #keep(client: AedesClient): number {
    return Math.min(client.sessionExpiryInterval * 1_000, this.#config.limits.max_session_expiry)
  }

  #sweep(sessions: Sessions): void {
    const now = performance.now()
    for (const [stream, { connection, client, lane }] of this.#seats) {
      // A publish that waits for the gateway keeps pings behind it from being answered: that is not the client's fault.
      if (lane?.busy) client._keepaliveTimer?.refresh()
      if (!connection.sweep(now, this.#config.limits.packet_timeout)) continue
      this.#warn(
        { client: client.id },
        'broker (mqtt): reading a packet: it is not complete in time; the connection is closed',
      )
      stream.destroy()
    }
    // What a disk that refuses leaves there is found again at the next start, and ends then.
    for (const id of sessions.expired(Date.now()))
      sessions.end(id).catch((error: unknown) => {
        this.#warn({ client: id, err: error }, 'broker (mqtt): ending a session: it is not removed from the disk')
      })
  }

  #warn(fields: object, message: string): void {
    this.#parts.log.warn(fields, message)
  }
}

/** An MQTT 5 client may take up a kept session and not want it kept any longer: the beta drops its queue then. */
const resumes = (client: AedesClient, sessions: Sessions): boolean =>
  !client.clean || (!client._cleanStart && sessions.has(client.id))

const asBuffer = (bytes: Uint8Array): Buffer =>
  Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)

const NOBODY: readonly never[] = []

/** MQTT 5 reason code: packet too large. */
const TOO_LARGE = 0x95
const SWEEP_MS = 1_000
