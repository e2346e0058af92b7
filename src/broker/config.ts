/** The broker's options: what it listens on, where sessions are kept, and its limits. */

import * as z from 'zod'
import { duration, size } from '../schema/index.ts'

export interface ListenUrl {
  readonly scheme: 'tcp' | 'ws'
  readonly host: string
  readonly port: number
}

const listenUrl = z.string().transform((text, context): ListenUrl => {
  const [, scheme, host, port] = /^([a-z]+):\/\/(\[[0-9a-fA-F:]+\]|[^:/\s]+):(\d{1,5})\/?$/.exec(text) ?? []
  const number = Number(port)
  const wrong = (message: string) => {
    context.addIssue({ code: 'custom', message, input: text })
    return z.NEVER
  }
  if (scheme === undefined || host === undefined || number > 65_535)
    return wrong(`"${text}" is not an address to listen on, such as tcp://127.0.0.1:1883`)
  if (scheme === 'tls' || scheme === 'wss' || scheme === 'mqtts')
    return wrong(`"${text}": ${scheme}:// is not supported yet; listen on tcp:// or ws:// behind a TLS proxy`)
  if (scheme !== 'tcp' && scheme !== 'ws')
    return wrong(`"${text}": "${scheme}" is not a scheme to listen on; use tcp:// or ws://`)
  return { scheme, host: host.replace(/^\[|\]$/g, ''), port: number }
})

const count = (max = 1_000_000) => z.int().min(1).max(max)

const limits = z.strictObject({
  max_packet_size: size()
    .prefault('1MiB')
    .describe('Largest MQTT packet taken; a larger one ends the connection as soon as its header is read.'),
  max_clients: count().prefault(10_000).describe('Clients that may be connected at once.'),
  max_client_id_length: count(65_535).prefault(256).describe('Longest client identifier, in characters.'),
  max_inflight: count(65_535)
    .prefault(256)
    .describe('Publishes of one client that wait for the journal at once, and messages sent to it unacknowledged.'),
  max_queued: count()
    .prefault(10_000)
    .describe('Messages that wait for one client; beyond that QoS 0 is dropped and counted, QoS 1 and 2 hold back.'),
  max_queued_size: size().prefault('16MiB').describe('Bytes that wait in memory for one connected client.'),
  max_subscriptions: count().prefault(1_000).describe('Subscriptions of one client.'),
  max_topic_levels: count(100).prefault(32).describe('Levels of a topic name or filter.'),
  max_session_expiry: duration()
    .prefault('7d')
    .describe('How long the session of an absent MQTT 5 client is kept at most.'),
  max_sessions: count(10_000_000)
    .prefault(100_000)
    .describe('Sessions that are kept, of present and absent clients; a client that wants one more is not let in.'),
  max_retained: count(10_000_000)
    .prefault(100_000)
    .describe('Retained messages that are kept; one for a further topic is refused.'),
  max_retained_size: size()
    .prefault('256MiB')
    .describe('Bytes of all retained messages, which are held in memory; one that goes beyond is refused.'),
  keep_alive: duration()
    .prefault('10m')
    .describe('Longest keep-alive; MQTT 5 clients that ask for more, or for none, are given this one.'),
  connect_timeout: duration().prefault('10s').describe('How soon a new connection must have sent CONNECT.'),
  packet_timeout: duration().prefault('30s').describe('How soon a packet that has begun must be complete.'),
  drain_timeout: duration()
    .prefault('5s')
    .describe('How long a client may stop reading what is sent to it before it is disconnected.'),
  connection_rate: count()
    .prefault(2_000)
    .describe('New connections per second, with a burst of as many; more are closed at once.'),
})

export const brokerConfig = z.strictObject({
  listen: z
    .array(listenUrl)
    .min(1)
    .prefault(['tcp://127.0.0.1:1883', 'ws://127.0.0.1:8083'])
    .describe('Addresses to listen on: tcp://host:port for MQTT, ws://host:port for MQTT over WebSocket.'),
  path: z
    .string()
    .min(1)
    .prefault('./var/broker')
    .describe('Folder for sessions, queued messages and retained messages.'),
  limits: limits.prefault({}).describe('What one client, and all of them, may ask of the broker.'),
})

export type BrokerConfig = z.output<typeof brokerConfig>
export type BrokerLimits = BrokerConfig['limits']
