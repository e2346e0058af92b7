/** Row 29 of the fault matrix, on the whole gateway: little memory, few file descriptors, 100 connections. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import mqtt, { type MqttClient } from 'mqtt'
import { expect, test } from 'vitest'
import { RawClient } from '../../e2e/broker/running.ts'
import { eventually } from '../../services/eventually.ts'
import { type GatewayProcess, startGateway } from '../../services/gateway.ts'
import { Receiver, type Reply } from '../../services/receiver.ts'
import { WHOLE } from '../faults.ts'
import { bodyOf, pending, statesOf } from './ledger.ts'

const MIB = 2 ** 20
const CONNECTIONS = 100

/** An event of this size. */
function large(id: string, bytes: number): string {
  const event = JSON.parse(bodyOf(id)) as Record<string, unknown>
  return JSON.stringify({ ...event, data: { id, filler: 'x'.repeat(bytes) } })
}

/** Half of them publish, half of them post, each as fast as it is answered, until stopped. */
class Crowd {
  readonly acknowledged = new Set<string>()
  readonly statuses = new Map<number, number>()
  /** Answers that refused and did not say when to try again. */
  silent = 0
  readonly #gateway: GatewayProcess
  readonly #name: string
  readonly #bytes: number
  readonly #clients: MqttClient[] = []
  readonly #lanes: Promise<void>[] = []
  readonly #over = Promise.withResolvers<void>()
  #running = true

  constructor(gateway: GatewayProcess, name: string, bytes: number) {
    this.#gateway = gateway
    this.#name = name
    this.#bytes = bytes
    for (let lane = 0; lane < CONNECTIONS / 2; lane += 1) this.#lanes.push(this.#publishAll(lane), this.#postAll(lane))
  }

  /** Resolves once nothing more of it can be acknowledged. */
  async stop(): Promise<void> {
    this.#running = false
    this.#over.resolve()
    await Promise.all(this.#clients.map((client) => client.endAsync(true)))
    await Promise.all(this.#lanes)
  }

  async #publishAll(lane: number): Promise<void> {
    const client = mqtt.connect({
      host: '127.0.0.1',
      port: this.#gateway.mqtt,
      clientId: `${this.#name}-${lane}`,
      clean: false,
      reconnectPeriod: 200,
    })
    client.on('error', () => {})
    this.#clients.push(client)
    for (let number = 0; this.#running; number += 1) {
      const id = `${this.#name}-mqtt-${lane}-${number}`
      const sent = client.publishAsync(`ledger/${id}`, large(id, this.#bytes), { qos: 1 }).then(
        () => void this.acknowledged.add(id),
        () => {},
      )
      await Promise.race([sent, this.#over.promise])
    }
  }

  async #postAll(lane: number): Promise<void> {
    for (let number = 0; this.#running; number += 1) {
      const id = `${this.#name}-http-${lane}-${number}`
      const response = await fetch(`http://127.0.0.1:${this.#gateway.http}/events`, {
        method: 'POST',
        headers: { 'content-type': 'application/cloudevents+json' },
        body: large(id, this.#bytes),
        signal: AbortSignal.timeout(10_000),
      }).catch(() => undefined)
      await response?.arrayBuffer().catch(() => undefined)
      const status = response?.status ?? 0
      this.statuses.set(status, (this.statuses.get(status) ?? 0) + 1)
      if (status === 202) this.acknowledged.add(id)
      else {
        if (status >= 400 && !response?.headers.has('retry-after')) this.silent += 1
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
    }
  }
}

/** Bytes of memory of a process, by the name that /proc has for them. */
function memoryOf({ pid }: GatewayProcess, name: 'VmData' | 'VmHWM'): number {
  const found = new RegExp(`${name}:\\s+(\\d+) kB`).exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
  return Number(found?.[1]) * 1_024
}

/** What of these ids the gateway does not know. */
async function lostOf(gateway: GatewayProcess, ids: Iterable<string>): Promise<readonly string[]> {
  const all = [...ids]
  const states = await statesOf(gateway, all)
  return all.filter((id) => !states.has(id))
}

const config = (sink: string) => `
journal: { path: DATA/journal, max_size: 64MiB }
sinks: { slow: { http: { url: "${sink}", allow: [127.0.0.1], timeout: 2s } } }
routes:
  work: { from: ["mqtt:ledger/+", http], to: slow, retry: { max: 1000, delay: 100ms, cap: 1s } }
`

/** What it has beyond what it takes to be ready: with that some 256 MiB in all. */
const ROOM = 160 * MIB

/**
 * A gateway whose private memory ends at what it has when it is ready, and `room`. As in a container without more, the
 * process ends when it wants more. Not a control group: this needs no rights, and the tests may be in one themselves.
 */
async function little(sink: string, room: number) {
  const folder = mkdtempSync(join(tmpdir(), 'headgate-little-'))
  const limit = join(folder, 'limit')
  const under = ['sh', '-c', `[ -e ${limit} ] && ulimit -d $(cat ${limit}); exec "$@"`, 'sh']
  const env = { NODE_OPTIONS: '--max-old-space-size=128' }
  const gateway = await startGateway({ config: config(sink), under, env })
  const bytes = memoryOf(gateway, 'VmData') + room
  await gateway.kill()
  writeFileSync(limit, `${Math.ceil(bytes / 1_024)}`)
  await gateway.restart()
  return {
    gateway,
    /** The next start has all the memory there is. */
    lift: () => rmSync(limit),
    [Symbol.asyncDispose]: async () => {
      await gateway[Symbol.asyncDispose]()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

test('row 29: some 256 MiB of memory, a full journal, 100 connections: refused in good time, not killed, 0 lost', async () => {
  let reply: Reply = 'never'
  await using receiver = await Receiver.open(() => reply)
  await using held = await little(receiver.url, ROOM)
  const { gateway } = held
  const { pid } = gateway
  const crowd = new Crowd(gateway, 'crowd', 16 << 10)
  await eventually(() => (crowd.statuses.get(503) ?? 0) + (crowd.statuses.get(429) ?? 0) > 50, {
    what: 'callers are refused',
    withinMs: 60_000,
    detail: () => `${JSON.stringify([...crowd.statuses])}\n${gateway.output().slice(-2_000)}`,
  })
  const full = crowd.acknowledged.size
  await new Promise((resolve) => setTimeout(resolve, WHOLE ? 30_000 : 4_000))
  const late = crowd.acknowledged.size - full
  const waiting = await pending(gateway)
  await crowd.stop()
  reply = { status: 204 }
  const begun = performance.now()
  await eventually(async () => (await pending(gateway)) === 0, {
    what: 'all is delivered',
    withinMs: 60_000,
    everyMs: 100,
  })
  const drainedMs = Math.round(performance.now() - begun)
  const received = new Set(receiver.received.map(({ headers }) => `${headers['ce-id']}`))
  const lost = [...crowd.acknowledged].filter((id) => !received.has(id))
  const [peakMiB, dataMiB] = [memoryOf(gateway, 'VmHWM'), memoryOf(gateway, 'VmData')].map((bytes) =>
    Math.round(bytes / MIB),
  )
  const figures = {
    roomMiB: ROOM / MIB,
    peakMiB,
    dataMiB,
    acknowledged: crowd.acknowledged.size,
    late,
    waiting,
    drainedMs,
  }
  console.log(JSON.stringify({ row: 29, ...figures, statuses: [...crowd.statuses], lost: lost.length }))
  expect(gateway.pid).toBe(pid)
  expect(gateway.output()).not.toMatch(/out of memory|uncaught exception/i)
  expect([...crowd.statuses.keys()].filter((status) => ![0, 202, 429, 503].includes(status))).toEqual([])
  expect(crowd.silent).toBe(0)
  expect(crowd.acknowledged.size).toBeGreaterThan(500)
  expect(lost).toEqual([])
})

test('row 29: with less memory than it needs it may be killed; what it acknowledged is there after a start with more', async () => {
  // Half of what 100 connections with an event each want, if each is held but once.
  const bytes = 1_000_000
  const room = (CONNECTIONS * bytes) / 2
  await using held = await little('http://127.0.0.1:9/', room)
  const { gateway } = held
  const light = new Crowd(gateway, 'light', 1_000)
  let over = false
  const exited = gateway.exited().then((code) => {
    over = true
    return code === null ? 'by a signal' : `exit ${code}`
  })
  await eventually(() => over || light.acknowledged.size > 500, { what: 'it takes what is small', withinMs: 30_000 })
  const crowd = new Crowd(gateway, 'crowd', bytes)
  const ended = await Promise.race([
    exited,
    new Promise<string>((resolve) => setTimeout(() => resolve('lives'), WHOLE ? 30_000 : 8_000)),
  ])
  await gateway.kill()
  await Promise.all([light.stop(), crowd.stop()])
  held.lift()
  await gateway.restart()
  const acknowledged = [...light.acknowledged, ...crowd.acknowledged]
  const lost = await lostOf(gateway, acknowledged)
  const figures = { roomMiB: Math.round(room / MIB), ended, acknowledged: acknowledged.length }
  console.log(JSON.stringify({ row: 29, ...figures, statuses: [...crowd.statuses], lost: lost.length }))
  expect(acknowledged.length).toBeGreaterThan(0)
  expect(lost).toEqual([])
})

test('row 29: 64 file descriptors, 100 connections: new ones are refused, the old ones are served, later there is room again', async () => {
  await using gateway = await startGateway({
    config: 'routes: { work: { from: ["mqtt:ledger/+", http], to: "mqtt:out" } }',
    under: ['sh', '-c', 'ulimit -n 64; exec "$@"', 'sh'],
  })
  const { pid } = gateway
  const clients = Array.from({ length: CONNECTIONS }, () => new RawClient(gateway.mqtt))
  for (const [at, client] of clients.entries())
    client.send({ cmd: 'connect', clientId: `few-${at}`, protocolVersion: 4, clean: true, keepalive: 0 })
  await eventually(() => clients.every(({ closed, packets }) => closed || packets.length > 0), {
    what: 'each is let in or refused',
    withinMs: 20_000,
    detail: () =>
      `${clients.filter(({ packets }) => packets.length > 0).length} are in\n${gateway.output().slice(-2_000)}`,
  })
  const old = clients.filter(({ closed }) => !closed)
  const refused = clients.length - old.length
  // Every listener has none left: whoever comes is refused, and nobody else is worse off.
  const others = [gateway.http, gateway.admin, gateway.ws]
  const answers = await Promise.all(
    Array.from({ length: 30 }, (_, at) =>
      fetch(`http://127.0.0.1:${others[at % 3]}/health`, { signal: AbortSignal.timeout(5_000) }).then(
        ({ status }) => `${status}`,
        () => 'refused',
      ),
    ),
  )
  const ids = old.map((client, at) => {
    client.packets.length = 0
    client.send({ cmd: 'publish', topic: `ledger/few-${at}`, payload: bodyOf(`few-${at}`), qos: 1, messageId: 1 })
    return `few-${at}`
  })
  await eventually(() => old.every(({ packets }) => packets.some(({ cmd }) => cmd === 'puback')), {
    what: 'the old ones are served',
    detail: () => gateway.output().slice(-2_000),
  })
  for (const client of clients) client[Symbol.dispose]()
  await eventually(
    async () => (await fetch(`http://127.0.0.1:${gateway.admin}/ready`).catch(() => undefined))?.status === 200,
    {
      what: 'there is room again',
      withinMs: 20_000,
      detail: () => gateway.output().slice(-2_000),
    },
  )
  const lost = await lostOf(gateway, ids)
  const told = gateway
    .output()
    .split('\n')
    .filter((line) => line.includes('EMFILE'))
  const counts = Object.fromEntries(
    Object.entries(Object.groupBy(answers, (each) => each)).map(([key, all = []]) => [key, all.length]),
  )
  console.log(
    JSON.stringify({
      row: 29,
      descriptors: 64,
      old: old.length,
      refused,
      others: counts,
      lost: lost.length,
      lines: told.length,
    }),
  )
  expect(gateway.pid).toBe(pid)
  expect(old.length).toBeGreaterThan(0)
  expect(refused).toBeGreaterThan(0)
  expect(lost).toEqual([])
  expect(gateway.output()).not.toMatch(/uncaught exception/)
})
