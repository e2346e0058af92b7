/** A ledger of what was acknowledged to clients, and the check that none of it is lost. */

import mqtt, { type MqttClient } from 'mqtt'
import { eventually } from '../../services/eventually.ts'
import type { GatewayProcess } from '../../services/gateway.ts'

/** How many requests of one kind are unanswered at once: the bound on duplicates at a kill. */
export const WINDOW = 64

const SOURCE = '/ledger'

/** A structured event with this id. */
export const bodyOf = (id: string): string =>
  JSON.stringify({
    specversion: '1.0',
    id,
    source: SOURCE,
    type: 'ledger.entry',
    datacontenttype: 'application/json',
    data: { id },
  })

/** Has the journal hold so many bytes of events that are done. */
export async function fill(gateway: GatewayProcess, bytes: number): Promise<void> {
  const data = 'x'.repeat(64 << 10)
  let left = Math.ceil(bytes / data.length)
  const lane = async () => {
    while (left > 0) {
      const id = `ballast-${left--}`
      const body = JSON.stringify({ specversion: '1.0', id, source: '/ballast', type: 'ballast', data })
      const response = await fetch(`http://127.0.0.1:${gateway.http}/events`, {
        method: 'POST',
        headers: { 'content-type': 'application/cloudevents+json' },
        body,
      })
      await response.arrayBuffer()
    }
  }
  await Promise.all(Array.from({ length: 8 }, lane))
  await eventually(async () => (await pending(gateway)) === 0, { what: 'the ballast is delivered', withinMs: 60_000 })
}

/** Publishes and posts as fast as the gateway answers, until stopped, and keeps the ids that were acknowledged. */
export class Load {
  readonly acknowledged = new Set<string>()
  #next = 0
  #running = true
  readonly #stopped = Promise.withResolvers<void>()
  readonly #workers: Promise<void>[] = []
  readonly #clients: MqttClient[] = []
  readonly #gateway: GatewayProcess
  readonly #target: number

  /** `target` ends the load once that many are acknowledged. */
  constructor(gateway: GatewayProcess, target: number) {
    this.#gateway = gateway
    this.#target = target
  }

  start(): void {
    for (const qos of [1, 2] as const) this.#workers.push(this.#publishAll(qos))
    for (let lane = 0; lane < WINDOW / 4; lane += 1) this.#workers.push(this.#postAll())
  }

  get done(): boolean {
    return this.acknowledged.size >= this.#target
  }

  async stop(): Promise<void> {
    this.#running = false
    this.#stopped.resolve()
    await Promise.all(this.#workers)
    await Promise.all(this.#clients.map((client) => client.endAsync(true)))
  }

  async #publishAll(qos: 1 | 2): Promise<void> {
    const client = mqtt.connect({
      host: '127.0.0.1',
      port: this.#gateway.mqtt,
      clientId: `ledger-${qos}`,
      clean: false,
      reconnectPeriod: 50,
      connectTimeout: 5_000,
    })
    client.on('error', () => {})
    this.#clients.push(client)
    const lanes = Array.from({ length: WINDOW / 2 }, async () => {
      while (this.#running && !this.done) await this.#publish(client, qos)
    })
    await Promise.all(lanes)
  }

  /** mqtt.js keeps an unacknowledged publish and sends it again with DUP after it reconnects. */
  async #publish(client: MqttClient, qos: 1 | 2): Promise<void> {
    const id = `q${qos}-${this.#next++}`
    const sent = client.publishAsync(`ledger/${id}`, bodyOf(id), { qos }).then(
      () => void this.acknowledged.add(id),
      () => {},
    )
    await Promise.race([sent, this.#stopped.promise])
  }

  async #postAll(): Promise<void> {
    while (this.#running && !this.done) {
      const id = `http-${this.#next++}`
      const response = await fetch(`http://127.0.0.1:${this.#gateway.http}/events`, {
        method: 'POST',
        headers: { 'content-type': 'application/cloudevents+json' },
        body: bodyOf(id),
        signal: AbortSignal.timeout(5_000),
      }).catch(() => undefined)
      await response?.arrayBuffer().catch(() => undefined)
      if (response?.status === 202) this.acknowledged.add(id)
      else await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
}

export interface EventState {
  readonly deliveries: readonly { readonly status: 'due' | 'done' | 'dead'; readonly attempts: number }[]
}

/** What the gateway knows of each id; those it does not know are missing. */
export async function statesOf(
  gateway: GatewayProcess,
  ids: Iterable<string>,
): Promise<ReadonlyMap<string, EventState>> {
  const states = new Map<string, EventState>()
  const queue = [...ids]
  const worker = async () => {
    for (let id = queue.pop(); id !== undefined; id = queue.pop()) {
      const url = `http://127.0.0.1:${gateway.admin}/admin/events/${id}`
      // A kept connection that the other side closes in the same moment is asked again.
      const response = await fetch(url).catch(() => fetch(url))
      if (response.status === 200) states.set(id, (await response.json()) as EventState)
      else await response.arrayBuffer()
    }
  }
  await Promise.all(Array.from({ length: 16 }, worker))
  return states
}

/** Deliveries that wait in the journal. */
export async function pending(gateway: GatewayProcess): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${gateway.admin}/admin/stats`)
  const { journal } = (await response.json()) as { journal: { pending: number } }
  return journal.pending
}

export interface Sink {
  /** How often each id came. */
  readonly received: ReadonlyMap<string, number>
  /** Ids that came again as a message of their own, not as the redelivery (DUP) of one that was not confirmed. */
  readonly repeated: ReadonlySet<string>
  end(): Promise<void>
}

/** A subscriber with a session on disk that counts what it gets: the sink of the ledger. */
export async function openSink(gateway: GatewayProcess, topic: string): Promise<Sink> {
  const received = new Map<string, number>()
  const repeated = new Set<string>()
  const client = mqtt.connect({
    host: '127.0.0.1',
    port: gateway.mqtt,
    clientId: 'ledger-sink',
    clean: false,
    reconnectPeriod: 50,
  })
  client.on('error', () => {})
  client.on('message', (name, _payload, { dup }) => {
    const id = name.split('/').at(-1) ?? ''
    if (received.has(id) && !dup) repeated.add(id)
    received.set(id, (received.get(id) ?? 0) + 1)
  })
  await new Promise<void>((resolve) => client.once('connect', () => resolve()))
  await client.subscribeAsync(topic, { qos: 1 })
  return { received, repeated, end: () => client.endAsync(true) }
}
