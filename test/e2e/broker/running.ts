/** A broker of its own for each test, and clients that end with it. */

import { mkdtemp, rm } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt'
import { parser as createParser, generate, type Packet } from 'mqtt-packet'
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
    await broker.start(AbortSignal.timeout(30_000))
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
    // From the start: what a session kept comes right behind the CONNACK.
    const got: string[] = []
    boxes.set(client, got)
    client.on('message', (topic, payload) => void got.push(`${topic} ${payload}`))
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
export async function until(check: () => boolean, what: string, ms = 30_000): Promise<void> {
  const end = Date.now() + ms
  while (!check()) {
    if (Date.now() > end) throw new Error(`never happened: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

const boxes = new WeakMap<MqttClient, string[]>()

/** What a client was sent since it was made, as `topic payload`. */
export const inbox = (client: MqttClient): string[] => boxes.get(client) ?? []

/** A socket that speaks MQTT and does only what it is told: it acknowledges nothing by itself. */
export class RawClient implements Disposable {
  readonly socket: Socket
  readonly packets: Packet[] = []
  closed = false
  readonly #version: number

  constructor(port: number, version: 4 | 5 = 4) {
    this.#version = version
    this.socket = connect(port, '127.0.0.1')
    const parser = createParser({ protocolVersion: version })
    parser.on('packet', (packet) => void this.packets.push(packet))
    this.socket.on('data', (chunk: Buffer) => void parser.parse(chunk))
    this.socket.on('error', () => {})
    this.socket.on('close', () => {
      this.closed = true
    })
  }

  /** Connects as an MQTT client; resolves with the CONNACK. */
  async hello(clientId: string, more: object = {}): Promise<void> {
    this.send({ cmd: 'connect', clientId, protocolVersion: this.#version, clean: true, keepalive: 0, ...more })
    await until(() => this.packets.length > 0, 'a CONNACK')
    this.packets.shift()
  }

  send(packet: object): void {
    this.socket.write(generate(packet as Packet, { protocolVersion: this.#version }))
  }

  [Symbol.dispose](): void {
    this.socket.destroy()
  }
}
