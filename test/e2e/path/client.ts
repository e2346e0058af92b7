/** An MQTT client as a user has one, that remembers what it was sent; and HTTP calls in one line. */

import mqtt, { type IClientOptions, type IClientPublishOptions, type MqttClient } from 'mqtt'
import { eventually } from '../../services/eventually.ts'
import { type GatewayProcess, ROOT } from '../../services/gateway.ts'

/** The guest that traps, loops, sleeps, refuses, emits: the type of the event says which. */
export const HOSTILE = `${ROOT}/test/functions/guests/hostile/hostile.wasm`

export interface Message {
  readonly topic: string
  readonly text: string
  readonly bytes: Buffer
  readonly qos: 0 | 1 | 2
  readonly retain: boolean
  /** User properties of MQTT 5; the last of a name counts. */
  readonly user: Readonly<Record<string, string>>
  readonly contentType: string | undefined
  readonly correlation: string | undefined
}

export interface ConnectOptions extends IClientOptions {
  readonly version?: 4 | 5
  readonly over?: 'tcp' | 'ws'
}

let names = 0

/** A name that no other test uses. */
export const unique = (prefix: string): string => `${prefix}-${process.pid}-${++names}`

export class Client implements AsyncDisposable {
  readonly mqtt: MqttClient
  readonly inbox: Message[] = []

  private constructor(client: MqttClient) {
    this.mqtt = client
    client.on('error', () => {})
    client.on('message', (topic, payload, { qos, retain, properties }) => {
      const user = Object.entries(properties?.userProperties ?? {}).map(([name, value]) => [
        name,
        [value].flat().at(-1),
      ])
      const correlation = properties?.correlationData?.toString()
      const contentType = properties?.contentType
      this.inbox.push({
        topic,
        text: `${payload}`,
        bytes: payload,
        qos,
        retain,
        user: Object.fromEntries(user),
        contentType,
        correlation,
      })
    })
  }

  static async connect(
    gateway: Pick<GatewayProcess, 'mqtt' | 'ws'>,
    { over = 'tcp', version = 5, ...options }: ConnectOptions = {},
  ): Promise<Client> {
    const port = over === 'tcp' ? gateway.mqtt : gateway.ws
    const client = mqtt.connect(`${over === 'tcp' ? 'mqtt' : 'ws'}://127.0.0.1:${port}`, {
      clientId: unique('client'),
      protocolVersion: version,
      reconnectPeriod: 0,
      ...options,
    })
    const made = new Client(client)
    await new Promise<void>((resolve, reject) => client.once('connect', () => resolve()).once('error', reject))
    return made
  }

  /** Resolves once the gateway has acknowledged it. */
  publish(topic: string, payload: string | object, options: IClientPublishOptions = {}): Promise<unknown> {
    const text = typeof payload === 'string' ? payload : JSON.stringify(payload)
    return this.mqtt.publishAsync(topic, text, { qos: 1, ...options })
  }

  async subscribe(filter: string, qos: 0 | 1 | 2 = 1): Promise<void> {
    await this.mqtt.subscribeAsync(filter, { qos })
  }

  /** What came on a topic so far. */
  on(topic: string): readonly Message[] {
    return this.inbox.filter((message) => message.topic === topic)
  }

  /** Resolves with the message number `count` of a topic, once it is there. */
  async receive(topic: string, { count = 1, withinMs = 20_000 } = {}): Promise<Message> {
    const message = await eventually(() => this.on(topic)[count - 1], {
      what: `message ${count} on "${topic}"`,
      withinMs,
      detail: () => `came: ${JSON.stringify(this.inbox.slice(-20), undefined, 1)}`,
    })
    return message
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.mqtt.endAsync(true)
  }
}

/** The JSON of a message, read loosely. */
export const jsonOf = (message: Pick<Message, 'text'>): Record<string, unknown> => JSON.parse(message.text)

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  readonly json: Record<string, unknown>
}

/** One request to the HTTP face, or to the admin listener. */
export async function request(port: number, path: string, init: RequestInit = {}): Promise<Answer> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, init)
  const text = await response.text()
  const isJson =
    /json/.test(response.headers.get('content-type') ?? '') &&
    !/ndjson/.test(response.headers.get('content-type') ?? '')
  return { status: response.status, headers: response.headers, text, json: isJson && text ? JSON.parse(text) : {} }
}

export const post = (
  port: number,
  path: string,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> =>
  request(port, path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })

/** A CloudEvent in the JSON format. */
export const eventOf = (type: string, more: Record<string, unknown> = {}): Record<string, unknown> => ({
  specversion: '1.0',
  id: unique('event'),
  source: '/test',
  type,
  ...more,
})

/** Posts an event to /events in structured mode. */
export const postEvent = (gateway: GatewayProcess, event: object): Promise<Answer> =>
  post(gateway.http, '/events', event, { 'content-type': 'application/cloudevents+json' })

export interface Held {
  readonly callId: string
  readonly deliveries: readonly {
    readonly route: string
    readonly to: string
    readonly status: 'due' | 'done' | 'dead'
    readonly attempts: number
    readonly error?: { readonly code: string; readonly message: string }
  }[]
}

/** What the gateway holds of an event, by its id or callId; undefined when it holds none. */
export async function held(gateway: GatewayProcess, id: string): Promise<Held | undefined> {
  const { json, status } = await request(gateway.admin, `/admin/events/${id}`)
  return status === 200 ? (json as unknown as Held) : undefined
}

/** Resolves with what the gateway holds of an event once none of its deliveries is due any more. */
export const settled = (gateway: GatewayProcess, id: string, withinMs = 30_000): Promise<Held> =>
  eventually(
    async () => {
      const record = await held(gateway, id)
      return record?.deliveries.every(({ status }) => status !== 'due') ? record : undefined
    },
    { what: `"${id}" is settled`, withinMs, detail: () => gateway.output().slice(-2_000) },
  )
