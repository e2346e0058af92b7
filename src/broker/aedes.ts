/** Makes the aedes broker, with its hooks in our words. */

import { Aedes, type Client } from 'aedes'
import type { Log } from '../connector/connector.ts'
import { connectRefusal, type KeptSessions, mayForward, subscribeRefusal } from './access.ts'
import type { BrokerLimits } from './config.ts'
import { Emitter } from './emitter.ts'
import type { AedesBroker, AedesClient, BrokerPacket } from './internals.ts'
import type { Persistence } from './persistence.ts'

export interface Hooks {
  readonly sessions: KeptSessions
  /** A publish, or a will, before it is acknowledged. */
  publish(client: AedesClient | null, packet: BrokerPacket, done: (error?: Error | null) => void): void
  /** An MQTT 5 client has sent CONNECT. */
  prepare(client: AedesClient): void
  /** A client may come in; its identity and version are known. */
  admit(client: AedesClient): void
  /** Its CONNACK was written. */
  greeted(client: AedesClient): void
  /** It has its session. */
  joined(client: AedesClient): void
  /** Its subscriptions changed. */
  subscribed(client: AedesClient): void
  /** It can be sent messages. */
  ready(client: AedesClient): void
  left(client: AedesClient): void
}

/** Topic aliases that a client may use towards us. */
const TOPIC_ALIASES = 32

const ours = (client: Client): AedesClient => client as unknown as AedesClient

export async function createAedes(
  limits: BrokerLimits,
  log: Log,
  persistence: Persistence,
  hooks: Hooks,
): Promise<AedesBroker> {
  const aedes = new Aedes({
    mq: new Emitter<BrokerPacket>(),
    persistence,
    connectTimeout: limits.connect_timeout,
    drainTimeout: limits.drain_timeout,
    queueLimit: limits.max_inflight,
    maxTopicLevels: limits.max_topic_levels,
    maximumPacketSize: limits.max_packet_size,
    receiveMaximum: limits.max_inflight,
    sessionExpiryIntervalLimit: Math.ceil(limits.max_session_expiry / 1_000),
    topicAliasMaximum: TOPIC_ALIASES,
    preConnect: (client, packet, done) => {
      if (packet.protocolVersion === 5) {
        // aedes' own keepaliveLimit would refuse MQTT 3 clients that ask for no keep-alive.
        const limit = Math.ceil(limits.keep_alive / 1_000)
        if (!packet.keepalive || packet.keepalive > limit) ours(client)._serverKeepAlive = limit
        hooks.prepare(ours(client))
      }
      done(null, true)
    },
    authenticate: (client, _user, _password, done) => {
      const refusal = connectRefusal(ours(client), limits, aedes.connectedClients, hooks.sessions)
      if (refusal) log.warn({ client: client.id }, `broker (mqtt): connecting: ${refusal.message}`)
      else hooks.admit(ours(client))
      done(refusal ?? null, refusal === undefined)
    },
    authorizePublish: (client, packet, done) => hooks.publish(client && ours(client), packet as BrokerPacket, done),
    authorizeSubscribe: (client, subscription, done) => {
      const refusal = subscribeRefusal(ours(client), subscription.topic, limits)
      if (refusal) log.debug({ client: client.id }, `broker (mqtt): subscribing: ${refusal}`)
      else persistence.grant(subscription)
      done(null, refusal ? null : subscription)
    },
    authorizeForward: (_client, packet) => (mayForward(packet as BrokerPacket) ? packet : null),
  }) as unknown as AedesBroker
  // A client named like a member of Object would be found in a plain object.
  aedes.clients = Object.create(null)
  listen(aedes, log, hooks)
  await aedes.listen()
  return aedes
}

function listen(aedes: AedesBroker, log: Log, hooks: Hooks): void {
  const complain = (error: Error) => log.error({}, `broker (mqtt): keeping a session: ${error.message}`)
  // Unhandled, it would end the process; aedes' types leave it out.
  aedes.on('error' as 'closed', complain as () => void)
  aedes.on('clientError', (client, error) =>
    log.debug({ client: client.id }, `broker (mqtt): serving: ${error.message}`),
  )
  aedes.on('connectionError', (_client, error) => log.debug({}, `broker (mqtt): connecting: ${error.message}`))
  aedes.on('connackSent', (_packet, client) => hooks.greeted(ours(client)))
  aedes.on('client', (client) => hooks.joined(ours(client)))
  aedes.on('subscribe', (_subscriptions, client) => hooks.subscribed(ours(client)))
  aedes.on('unsubscribe', (_subscriptions, client) => hooks.subscribed(ours(client)))
  aedes.on('clientReady', (client) => hooks.ready(ours(client)))
  aedes.on('clientDisconnect', (client) => hooks.left(ours(client)))
}
