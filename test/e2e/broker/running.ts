/** A broker of its own for each test, and clients that end with it. */

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt'
import {
  type Broker,
  type BrokerConfig,
  type BrokerParts,
  brokerConfig,
  createBroker,
} from '../../../src/broker/index.ts'

export interface LogLine {
  readonly level: string
  readonly fields: object
  readonly message: string
}

export class RunningBroker implements AsyncDisposable {
  readonly broker: Broker
  readonly config: BrokerConfig
  readonly log: LogLine[]
  readonly path: string
  readonly #clients: MqttClient[] = []
  #keep = false

  private constructor(broker: Broker, config: BrokerConfig, path: string, log: LogLine[]) {
    this.broker = broker
    this.config = config
    this.path = path
    this.log = log
  }

  /** `prepare` runs before the broker listens: intercepts belong there. */
  static async start(
    options: { limits?: object; path?: string; parts?: Partial<BrokerParts>; prepare?: (broker: Broker) => void } = {},
  ): Promise<RunningBroker> {
    const path = options.path ?? (await mkdtemp(join(tmpdir(), 'headgate-broker-')))
    const config = brokerConfig.parse({
      listen: ['tcp://127.0.0.1:0', 'ws://127.0.0.1:0'],
      path,
      ...(options.limits && { limits: options.limits }),
    })
    const log: LogLine[] = []
    const writer = (level: string) => (fields: object, message: string) => void log.push({ level, fields, message })
    const broker = createBroker(config, {
      log: { debug: writer('debug'), info: writer('info'), warn: writer('warn'), error: writer('error') },
      ...options.parts,
    })
    options.prepare?.(broker)
    await broker.start(AbortSignal.timeout(5_000))
    return new RunningBroker(broker, config, path, log)
  }

  get port(): number {
    return Number(new URL(this.url('tcp')).port)
  }

  url(scheme: 'tcp' | 'ws'): string {
    const address = this.broker.addresses().find((each) => each.startsWith(scheme))
    if (!address) throw new Error(`not listening on ${scheme}`)
    return address
  }

  /** A connected client; it is ended with the broker. */
  async client(options: IClientOptions = {}, scheme: 'tcp' | 'ws' = 'tcp'): Promise<MqttClient> {
    const client = mqtt.connect(this.url(scheme).replace('tcp:', 'mqtt:'), { reconnectPeriod: 0, ...options })
    client.on('error', () => {})
    this.#clients.push(client)
    await new Promise<void>((resolve, reject) => client.once('connect', () => resolve()).once('error', reject))
    return client
  }

  /** Stops the broker and keeps its folder. */
  async stop(): Promise<void> {
    this.#keep = true
    await this[Symbol.asyncDispose]()
    this.#keep = false
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients.splice(0)) client.end(true)
    await this.broker.stop()
    if (!this.#keep) await rm(this.path, { recursive: true, force: true })
  }
}

/** Waits until `check` holds; fails with `what` after `ms`. */
export async function until(check: () => boolean, what: string, ms = 10_000): Promise<void> {
  const end = Date.now() + ms
  while (!check()) {
    if (Date.now() > end) throw new Error(`never happened: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

/** Collects what a client is sent, as `topic payload`. */
export function inbox(client: MqttClient): string[] {
  const got: string[] = []
  client.on('message', (topic, payload) => void got.push(`${topic} ${payload}`))
  return got
}
