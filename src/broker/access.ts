/** What a client may connect as, publish to, subscribe to and be sent, before identity and access rules come into it. */

import type { BrokerLimits } from './config.ts'
import type { AedesClient, BrokerPacket } from './internals.ts'
import { isOwn, parseShared, publishProblem, SHARED } from './topics.ts'

/** aedes' CONNACK codes: MQTT 3's, which it maps to those of MQTT 5. */
const IDENTIFIER_REJECTED = 2
const SERVER_UNAVAILABLE = 3

/** The error that aedes turns into a CONNACK. */
export interface ConnectRefusal extends Error {
  returnCode: number
}

const refuse = (returnCode: number, message: string): ConnectRefusal =>
  Object.assign(new Error(message), { returnCode })

/** The sessions that are kept already. */
export interface KeptSessions {
  readonly count: number
  has(id: string): boolean
}

/** Why a client may not connect; undefined when it may. */
export function connectRefusal(
  client: AedesClient,
  limits: BrokerLimits,
  connected: number,
  kept: KeptSessions,
): ConnectRefusal | undefined {
  if (client.id.length > limits.max_client_id_length)
    return refuse(IDENTIFIER_REJECTED, `client identifier is longer than ${limits.max_client_id_length} characters`)
  if (hasControl(client.id)) return refuse(IDENTIFIER_REJECTED, 'client identifier has a control character')
  if (connected >= limits.max_clients)
    return refuse(SERVER_UNAVAILABLE, `${limits.max_clients} clients are connected; raise broker.limits.max_clients`)
  if (!client.clean && kept.count >= limits.max_sessions && !kept.has(client.id))
    return refuse(SERVER_UNAVAILABLE, `${kept.count} sessions are kept; raise broker.limits.max_sessions`)
  return undefined
}

/** Whether anybody may publish to a topic at all: a reply could never be sent on one that is too deep. */
export const mayPublish = (topic: string, limits: Pick<BrokerLimits, 'max_topic_levels'>): boolean =>
  publishProblem(topic, limits.max_topic_levels) === undefined

/** Why a subscription is not granted; undefined when it is. */
export function subscribeRefusal(client: AedesClient, filter: string, limits: BrokerLimits): string | undefined {
  const held = client.subscriptions
  if (!(filter in held) && Object.keys(held).length >= limits.max_subscriptions)
    return `it has ${limits.max_subscriptions} subscriptions already; raise broker.limits.max_subscriptions`
  if (filter.includes('\u0000')) return 'it has a NUL character'
  if (filter.startsWith(SHARED)) {
    const shared = parseShared(filter)
    if (!shared) return 'a shared subscription is $share/<group>/<filter>'
    return isOwn(shared.filter) ? OWN : undefined
  }
  // $SYS tells of client identifiers and of every subscription, reply topics included (5-faults, finding 5).
  return isOwn(filter) ? OWN : undefined
}

/** Whether a message may be sent to clients at all, whatever they subscribed to: live, queued or retained. */
export const mayForward = (packet: BrokerPacket): boolean => !isOwn(packet.topic)

const OWN = 'topics of $SYS and $share belong to the broker'

const hasControl = (text: string): boolean => {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) < 32) return true
  return false
}
