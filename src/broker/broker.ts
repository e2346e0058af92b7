/** The embedded MQTT broker: aedes, with our bus, guards and hooks around it. */

import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { Aedes } from 'aedes'
import { writeToStream } from 'mqtt-packet'
import type { BrokerPort, Ingress, Publish } from '../connector/broker.ts'
import type { Credit, Log } from '../connector/connector.ts'
import { GatewayError } from '../errors.ts'
import { connectRefusal, mayForward, mayPublish, subscribeRefusal } from './access.ts'
import type { BrokerConfig } from './config.ts'
import { Connection } from './connection.ts'
import { Emitter } from './emitter.ts'
import { Uses } from './identity.ts'
import { Intercepts } from './intercepts.ts'
import type { AedesBroker, AedesClient, BrokerPacket } from './internals.ts'
import { type Done, Lane } from './lane.ts'
import { type Listener, listen } from './listeners.ts'
import { toWire } from './properties.ts'
import { refusalOf } from './refusal.ts'

export interface BrokerStats {
  readonly clients: number
  readonly connections: number
  readonly received: number
  readonly intercepted: number
  readonly refused: number
}

export interface BrokerParts {
  readonly log: Log
  /** Without room, clients that publish to a topic that is intercepted are not read. */
  readonly credit?: Credit
}

export interface Broker extends BrokerPort {
  /** Resolves when every address is listened on. Rejects with ADDRESS_IN_USE; nothing is left open then. */
  start(signal: AbortSignal): Promise<void>
  /** Stops taking connections, ends those that are open, and closes the store. Safe to call twice. */
  stop(): Promise<void>
  stats(): BrokerStats
  /** What it listens on, as URLs, with the ports that were taken for 0. */
  addresses(): readonly string[]
}

type Answer = (error?: Error | null) => void

interface Seat {
  readonly connection: Connection
  lane?: Lane
}

/** Makes a broker that does not listen yet. Intercept first, then start: a publish that comes before is not taken. */
export const createBroker = (config: BrokerConfig, parts: BrokerParts): Broker => new EmbeddedBroker(config, parts)

class EmbeddedBroker implements Broker {
  readonly #config: BrokerConfig
  readonly #parts: BrokerParts
  readonly #intercepts = new Intercepts()
  readonly #seats = new Map<Duplex, Seat>()
  readonly #uses = new Map<string, Uses>()
  readonly #ending = new AbortController()
  #listeners: Listener[] = []
  #aedes: AedesBroker | undefined
  #sweeps: NodeJS.Timeout | undefined
  readonly #counts = { received: 0, intercepted: 0, refused: 0 }

  constructor(config: BrokerConfig, parts: BrokerParts) {
    this.#config = config
    this.#parts = parts
  }

  async start(_signal: AbortSignal): Promise<void> {
    const { limits } = this.#config
    const aedes = (await Aedes.createBroker({
      mq: new Emitter<BrokerPacket>(),
      connectTimeout: limits.connect_timeout,
      drainTimeout: limits.drain_timeout,
      queueLimit: limits.max_inflight,
      maxTopicLevels: limits.max_topic_levels,
      maximumPacketSize: limits.max_packet_size,
      receiveMaximum: limits.max_inflight,
      sessionExpiryIntervalLimit: Math.ceil(limits.max_session_expiry / 1_000),
      topicAliasMaximum: TOPIC_ALIASES,
      preConnect: (client, packet, done) => {
        if (packet.protocolVersion === 5) this.#prepare5(client as unknown as AedesClient, packet)
        done(null, true)
      },
      authenticate: (client, _user, _password, done) => {
        const it = client as unknown as AedesClient
        const refusal = connectRefusal(it, limits, aedes.connectedClients)
        if (refusal) this.#warn({ client: client.id }, `broker (mqtt): connecting: ${refusal.message}`)
        done((refusal as never) ?? null, refusal === undefined)
      },
      authorizePublish: (client, packet, done) =>
        this.#authorize(client as unknown as AedesClient | null, packet as BrokerPacket, done),
      authorizeSubscribe: (client, subscription, done) => {
        const refusal = subscribeRefusal(client as unknown as AedesClient, subscription.topic, limits)
        if (refusal) this.#parts.log.debug({ client: client.id }, `broker (mqtt): subscribing: ${refusal}`)
        done(null, refusal ? null : subscription)
      },
      authorizeForward: (_client, packet) => (mayForward(packet as BrokerPacket) ? packet : null),
    })) as unknown as AedesBroker
    // A client named like a member of Object would be found in a plain object.
    aedes.clients = Object.create(null)
    aedes.on(
      'error' as 'closed',
      ((error: Error) =>
        this.#parts.log.error({ error: error.message }, 'broker (mqtt): keeping a session: failed')) as () => void,
    )
    aedes.on('connackSent', (_packet, client) => this.#seats.get(client.conn as Duplex)?.connection.sendConnack())
    this.#aedes = aedes
    this.#sweeps = setInterval(() => this.#sweep(), SWEEP_MS)
    try {
      for (const url of this.#config.listen)
        this.#listeners.push(await listen(url, limits, (stream, request) => this.#accept(stream, request)))
    } catch (error) {
      await this.stop()
      throw error
    }
  }

  async stop(): Promise<void> {
    for (const listener of this.#listeners.splice(0)) listener.close()
    clearInterval(this.#sweeps)
    this.#ending.abort(new GatewayError('STOPPING', 'broker (mqtt): stopping'))
    const aedes = this.#aedes
    this.#aedes = undefined
    if (aedes) await new Promise<void>((resolve) => aedes.close(resolve))
    for (const stream of this.#seats.keys()) stream.destroy()
  }

  stats(): BrokerStats {
    return { clients: this.#aedes?.connectedClients ?? 0, connections: this.#seats.size, ...this.#counts }
  }

  addresses(): readonly string[] {
    return this.#listeners.map(({ address }) => address)
  }

  intercept(filters: readonly string[], ingress: Ingress): () => void {
    return this.#intercepts.add(filters, ingress)
  }

  publish(message: Publish): Promise<void> {
    const aedes = this.#aedes
    if (!aedes) return Promise.reject(new GatewayError('STOPPING', 'broker (mqtt): publishing: it is not running'))
    const { topic, payload, qos, retain, properties } = message
    const packet: BrokerPacket = { cmd: 'publish', topic, payload: asBuffer(payload), qos, retain, dup: false }
    const wire = toWire(properties)
    if (wire) packet.properties = wire
    return new Promise((resolve, reject) =>
      aedes.publish(packet as never, (error) => (error ? reject(error) : resolve())),
    )
  }

  #accept(stream: Duplex, request?: IncomingMessage): void {
    const aedes = this.#aedes
    if (!aedes) {
      stream.destroy()
      return
    }
    const connection = new Connection(stream, this.#config.limits.max_packet_size, (verdict) => {
      this.#warn({ client: client.id }, `broker (mqtt): reading a packet: it is ${verdict}; the connection is closed`)
      if (client.version === 5 && client.connected) client.disconnect({ reasonCode: TOO_LARGE })
      else stream.destroy()
    })
    this.#seats.set(stream, { connection })
    stream.once('close', () => this.#seats.delete(stream))
    const client = aedes.handle(stream, request) as unknown as AedesClient
    connection.attach(client)
  }

  #prepare5(client: AedesClient, packet: { keepalive?: number }): void {
    const limit = Math.ceil(this.#config.limits.keep_alive / 1_000)
    if (!packet.keepalive || packet.keepalive > limit) client._serverKeepAlive = limit
    this.#seats.get(client.conn)?.connection.holdConnack()
  }

  #authorize(client: AedesClient | null, packet: BrokerPacket, done: Answer): void {
    this.#counts.received++
    if (packet.properties && 'willDelayInterval' in packet.properties) {
      // [MQTT5 3.1.3.2.2] the delay is the will's, no property of the PUBLISH; the beta forwards it.
      const { willDelayInterval: _, ...properties } = packet.properties as { willDelayInterval?: number }
      packet.properties = properties
    }
    if (!mayPublish(packet.topic)) done(new Error('topics that begin with $ belong to the broker'))
    else if (!client) done(null)
    else this.#take(client, packet, done)
  }

  #take(client: AedesClient, packet: BrokerPacket, done: Answer): void {
    const takers = this.#intercepts.match(packet.topic)
    const seat = this.#seats.get(client.conn)
    if (!seat) done(new Error('the connection is closed'))
    else if (takers.length > 0 || seat.lane?.busy) this.#offer(client, seat, packet, takers, done)
    else if (packet.qos > 0 && this.#intercepts.orphaned(packet.topic)) this.#wait(client, seat, packet, done)
    else done(null)
  }

  #offer(client: AedesClient, seat: Seat, packet: BrokerPacket, takers: readonly Ingress[], done: Answer): void {
    if (takers.length > 0) this.#counts.intercepted++
    const answer = this.#answer(client, packet, done)
    seat.connection.leave()
    this.#laneOf(client, seat).offer(packet, takers, (outcome) => {
      seat.connection.rejoin()
      return answer(outcome)
    })
  }

  /** Nobody takes it now, and somebody did: it is not acknowledged until somebody does again. */
  #wait(client: AedesClient, seat: Seat, packet: BrokerPacket, done: Answer): void {
    seat.connection.hold(true)
    this.#intercepts.later(() => {
      seat.connection.hold(false)
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
    this.#counts.refused++
    const { reasonCode, message } = refusalOf(error, client.version)
    this.#warn({ client: client.id, topic: packet.topic }, message)
    if (packet.qos === 0) return true
    if (reasonCode === undefined) {
      client.conn.destroy()
      return false
    }
    const cmd = packet.qos === 1 ? 'puback' : 'pubrec'
    const properties = client._requestProblemInformation === false ? {} : { reasonString: message }
    writeToStream({ cmd, messageId: packet.messageId ?? 0, reasonCode, properties }, client.conn, WIRE_5)
    return true
  }

  #laneOf(client: AedesClient, seat: Seat): Lane {
    seat.lane ??= new Lane(
      {
        id: client.id,
        protocol: client.version,
        uses: this.#usesOf(client),
        get open() {
          return !client.closed
        },
        mayPublish,
        hold: (held) => seat.connection.hold(held),
        remember: () => undefined,
        received: () => false,
      },
      this.#config.limits.max_inflight,
      this.#parts.credit,
      this.#ending.signal,
    )
    return seat.lane
  }

  #usesOf(client: AedesClient): Uses {
    if (client.clean) return new Uses(false)
    const uses = this.#uses.get(client.id) ?? new Uses(true)
    this.#uses.set(client.id, uses)
    return uses
  }

  #sweep(): void {
    const now = Date.now()
    for (const [stream, { connection }] of this.#seats)
      if (connection.sweep(now, this.#config.limits.packet_timeout)) {
        this.#warn({}, 'broker (mqtt): reading a packet: it was not complete in time; the connection is closed')
        stream.destroy()
      }
  }

  #warn(fields: object, message: string): void {
    this.#parts.log.warn(fields, message)
  }
}

const asBuffer = (bytes: Uint8Array): Buffer =>
  Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)

const WIRE_5 = { protocolVersion: 5 }
/** MQTT 5 reason code: packet too large. */
const TOO_LARGE = 0x95
/** Topic aliases that a client may use towards us. */
const TOPIC_ALIASES = 32
const SWEEP_MS = 1_000
