/** Bench `path`: a QoS 1 request, journal, small Wasm function, settle, QoS 1 reply; and what others do of that. */

import { callingGateway } from './headgate.ts'
import type { Load } from './load.ts'
import { envelope, PROOF } from './payload.ts'
import { aedes } from './peers/aedes.ts'
import { mosquittoC, mosquittoNode } from './peers/mosquitto.ts'
import { nats } from './peers/nats.ts'
import { nodeRedMqtt } from './peers/nodered.ts'
import type { Subject } from './peers/subject.ts'
import { type Case, compare, type Outcome, type Plan } from './rounds.ts'

const BYTES = 256
const CLIENTS = [1, 50, 200] as const

interface Series {
  readonly name: string
  readonly subject: Subject
  readonly port: 'mqtt' | 'nats'
  readonly load: Pick<Load, 'version' | 'topic'>
}

function series(): Series[] {
  const durable = callingGateway('headgate', 'disk')
  const memory = callingGateway('headgate, journal in memory', 'memory')
  const peers = [aedes, mosquittoNode, mosquittoC, nodeRedMqtt]
  return [
    { name: 'headgate, MQTT 3.1.1', subject: durable, port: 'mqtt', load: { version: 4, topic: 'service/echo' } },
    // A Response Topic on a topic that a route takes: the same bytes are the event's data.
    { name: 'headgate, MQTT 5', subject: durable, port: 'mqtt', load: { version: 5, topic: 'bench/echo' } },
    { name: memory.name, subject: memory, port: 'mqtt', load: { version: 4, topic: 'service/echo' } },
    ...peers.map((subject) => ({ name: subject.name, subject, port: 'mqtt', load: { version: 4 } }) as const),
    { name: nats.name, subject: nats, port: 'nats', load: { topic: 'echo' } },
  ]
}

function cases(): Case[] {
  const payload = envelope(BYTES)
  const all = series()
  return CLIENTS.flatMap((clients) =>
    all.map(({ name, subject, port, load }) => ({
      name,
      label: clients === 1 ? '1 client' : `${clients} clients`,
      subject,
      port,
      load: { protocol: port, mode: 'request', clients, window: 1, payload, ...load },
      expected: PROOF,
    })),
  )
}

/** Runs the bench; half load for the durable gateway at 50 clients. */
export function path(plan: Plan): Promise<Outcome> {
  const half = ({ name, label }: Case): boolean => name.startsWith('headgate, MQTT') && label === '50 clients'
  return compare('path', cases(), plan, half)
}
