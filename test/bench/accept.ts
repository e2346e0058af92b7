/** Bench `accept`: how fast events are taken and kept, no function behind: POST /events, and QoS 1 PUBLISH to PUBACK. */

import { acceptingGateway } from './headgate.ts'
import type { Load } from './load.ts'
import { BINARY, json, PROOF, STRUCTURED, structuredEvent } from './payload.ts'
import { bareFastify, nodeHttp } from './peers/accepting.ts'
import { mosquitto, mosquittoKept } from './peers/mosquitto.ts'
import { nodeRedHttp } from './peers/nodered.ts'
import type { Subject } from './peers/subject.ts'
import { type Case, compare, type Outcome, type Plan } from './rounds.ts'

const post = (payload: string, headers: string, clients: number): Load => ({
  protocol: 'http',
  mode: 'publish',
  path: '/events',
  clients,
  window: 1,
  payload,
  headers,
})

const publish = (clients: number, window: number): Load => ({
  protocol: 'mqtt',
  mode: 'publish',
  topic: 'accept',
  clients,
  window,
  payload: json(256),
})

function cases(): Case[] {
  const gateway = acceptingGateway()
  const expected = PROOF
  const web = (name: string, subject: Subject, load: Load): Case => {
    const label = load.clients === 1 ? '1 connection' : `${load.clients} connections`
    return { name, label, subject, port: 'http', load, expected }
  }
  const broker = (name: string, subject: Subject, clients: number, window: number): Case => {
    const label = window === 1 ? `${clients} clients` : `${clients} clients, ${window} in flight each`
    return { name, label, subject, port: 'mqtt', load: publish(clients, window), expected }
  }
  const structured = post(structuredEvent(), STRUCTURED, 64)
  return [
    web('headgate, POST structured', gateway, structured),
    web('headgate, POST binary', gateway, post(json(1024), BINARY, 64)),
    web('headgate, POST structured', gateway, post(structuredEvent(), STRUCTURED, 1)),
    ...[nodeRedHttp, nodeHttp, bareFastify].map((peer) => web(peer.name, peer, structured)),
    broker('headgate, PUBLISH QoS 1', gateway, 64, 1),
    broker(mosquitto.name, mosquitto, 64, 1),
    broker(mosquittoKept.name, mosquittoKept, 64, 1),
    broker('headgate, PUBLISH QoS 1', gateway, 64, 16),
    broker(mosquitto.name, mosquitto, 64, 16),
  ]
}

/** Runs the bench; half load for the gateway's two main ways in. */
export function accept(plan: Plan): Promise<Outcome> {
  const half = ({ name, label }: Case): boolean =>
    (name === 'headgate, POST structured' && label === '64 connections') ||
    (name === 'headgate, PUBLISH QoS 1' && label === '64 clients')
  return compare('accept', cases(), plan, half)
}
