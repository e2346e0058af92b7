/** Row 15 of the fault matrix, on the whole gateway: connections that begin and do not go on. */

import { connect, type Socket } from 'node:net'
import { generate } from 'mqtt-packet'
import { expect, test } from 'vitest'
import { Client } from '../../e2e/path/client.ts'
import { eventually } from '../../services/eventually.ts'
import { type GatewayProcess, startGateway } from '../../services/gateway.ts'
import { WHOLE } from '../faults.ts'
import { bodyOf } from './ledger.ts'

/** To the letter these are the defaults. */
const [CONNECT_S, PACKET_S] = WHOLE ? [10, 30] : [3, 5]
/** Connections are looked at once a second; then the machine has its own time. */
const SLACK_MS = 4_000
const EACH = 100

type Kind = {
  readonly name: string
  readonly port: 'mqtt' | 'ws' | 'http' | 'admin'
  /** What is sent at once. */
  readonly begins: string | Buffer
  /** What follows, piece by piece, for as long as the connection stands. */
  readonly drips?: string | Buffer
  readonly withinS: number
}

const CONNECT = (clientId: string) =>
  generate({ cmd: 'connect', clientId, protocolVersion: 4, clean: true, keepalive: 0 })
const HEAD = 'POST /events HTTP/1.1\r\nhost: x\r\n'
const BODY = `${HEAD}content-type: application/cloudevents+json\r\ncontent-length: 1000\r\n\r\n{`
const UPGRADE = `GET / HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-version: 13\r\nsec-websocket-key: ${Buffer.alloc(16).toString('base64')}\r\n`

const KINDS: readonly Kind[] = [
  { name: 'mqtt: nothing', port: 'mqtt', begins: '', withinS: CONNECT_S },
  { name: 'mqtt: half a CONNECT', port: 'mqtt', begins: CONNECT('half').subarray(0, 8), withinS: CONNECT_S },
  {
    name: 'mqtt: a CONNECT by the byte',
    port: 'mqtt',
    begins: Buffer.from([0x10, 0x7f, 0, 4]),
    drips: 'M',
    withinS: CONNECT_S,
  },
  { name: 'mqtt: half a PUBLISH', port: 'mqtt', begins: Buffer.from([0x30, 0x10, 0]), withinS: PACKET_S },
  {
    name: 'mqtt: a PUBLISH by the byte',
    port: 'mqtt',
    begins: Buffer.from([0x30, 0x7f]),
    drips: Buffer.of(0),
    withinS: PACKET_S,
  },
  { name: 'ws: nothing', port: 'ws', begins: '', withinS: CONNECT_S },
  { name: 'ws: half an upgrade', port: 'ws', begins: UPGRADE, withinS: CONNECT_S },
  { name: 'ws: no CONNECT', port: 'ws', begins: `${UPGRADE}sec-websocket-protocol: mqtt\r\n\r\n`, withinS: CONNECT_S },
  { name: 'http: nothing', port: 'http', begins: '', withinS: CONNECT_S },
  { name: 'http: half a head', port: 'http', begins: HEAD, withinS: CONNECT_S },
  { name: 'http: a head by the byte', port: 'http', begins: HEAD, drips: 'x', withinS: CONNECT_S },
  { name: 'http: half a body', port: 'http', begins: BODY, withinS: PACKET_S },
  { name: 'http: a body by the byte', port: 'http', begins: BODY, drips: ' ', withinS: PACKET_S },
  { name: 'admin: nothing', port: 'admin', begins: '', withinS: 10 },
  { name: 'admin: half a head', port: 'admin', begins: HEAD, withinS: 10 },
]

interface Slow {
  readonly kind: Kind
  readonly socket: Socket
  readonly begun: number
  closedAt?: number
}

function begin(gateway: GatewayProcess, kind: Kind, number: number): Slow {
  const socket = connect(gateway[kind.port], '127.0.0.1')
  const slow: Slow = { kind, socket, begun: performance.now() }
  // Whatever is answered is read: the end is seen behind it.
  socket.resume()
  socket.on('error', () => {})
  socket.once('close', () => {
    slow.closedAt = performance.now()
  })
  // A packet is begun by a client that was let in.
  if (kind.name.includes('PUBLISH')) socket.write(CONNECT(`slow-${number}`))
  if (kind.begins.length > 0) socket.write(kind.begins)
  return slow
}

/** Milliseconds until an honest client is connected, and until an honest event is accepted. */
async function honest(gateway: GatewayProcess, number: number): Promise<readonly [mqtt: number, http: number]> {
  const begun = performance.now()
  await using _client = await Client.connect(gateway, { over: number % 2 ? 'ws' : 'tcp' })
  const connected = performance.now()
  const response = await fetch(`http://127.0.0.1:${gateway.http}/events`, {
    method: 'POST',
    headers: { 'content-type': 'application/cloudevents+json', connection: 'close' },
    body: bodyOf(`honest-${number}`),
  })
  expect(response.status).toBe(202)
  return [connected - begun, performance.now() - connected]
}

const middle = (figures: readonly number[]): number =>
  Math.round(figures.toSorted((a, b) => a - b)[Math.floor(figures.length / 2)] ?? Number.NaN)

test(`row 15: ${KINDS.length * EACH} half-open connections end in their time; honest clients connect within a second`, async () => {
  const limits = WHOLE ? {} : { broker: `limits: { connect_timeout: ${CONNECT_S}s, packet_timeout: ${PACKET_S}s }` }
  const http = WHOLE ? {} : { http: `header_timeout: ${CONNECT_S}s, body_timeout: ${PACKET_S}s` }
  await using gateway = await startGateway({
    config: 'routes: { r: { from: http, to: "mqtt:out" } }',
    ...limits,
    ...http,
  })
  const slow = KINDS.flatMap((kind, at) =>
    Array.from({ length: EACH }, (_, number) => begin(gateway, kind, at * EACH + number)),
  )
  const drip = setInterval(() => {
    for (const { kind, socket } of slow) if (kind.drips !== undefined && !socket.destroyed) socket.write(kind.drips)
  }, 500)
  const times: (readonly [number, number])[] = []
  while (slow.some(({ closedAt, kind }) => closedAt === undefined && kind.withinS <= CONNECT_S))
    times.push(await honest(gateway, times.length))
  const open = () => slow.filter(({ closedAt }) => closedAt === undefined)
  await eventually(() => open().length === 0, {
    what: 'every connection is closed',
    withinMs: Math.max(10, PACKET_S) * 1_000 + 2 * SLACK_MS,
    everyMs: 100,
    detail: () =>
      JSON.stringify(
        Object.groupBy(open(), ({ kind }) => kind.name),
        (_key, value) => (Array.isArray(value) ? value.length : value),
      ),
  }).finally(() => clearInterval(drip))
  const lasted = KINDS.map((kind) => {
    const each = slow.filter((one) => one.kind === kind).map(({ begun, closedAt = 0 }) => closedAt - begun)
    return {
      name: kind.name,
      withinS: kind.withinS,
      firstMs: Math.round(Math.min(...each)),
      lastMs: Math.round(Math.max(...each)),
    }
  })
  const [mqttMs, httpMs] = [middle(times.map(([first]) => first)), middle(times.map(([, second]) => second))]
  console.log(JSON.stringify({ row: 15, connections: slow.length, honest: times.length, mqttMs, httpMs, lasted }))
  for (const { name, withinS, firstMs, lastMs } of lasted) {
    expect(lastMs, name).toBeLessThan(withinS * 1_000 + SLACK_MS)
    // Cut off for being slow, not for anything else.
    expect(firstMs, name).toBeGreaterThan(withinS * 1_000 - 500)
  }
  expect(times.length).toBeGreaterThan(5)
  expect(mqttMs).toBeLessThan(1_000)
  expect(httpMs).toBeLessThan(1_000)
})
