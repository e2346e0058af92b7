/** Publishes and posts at a steady pace, whether it is answered or not, and keeps what was acknowledged. */

import mqtt from 'mqtt'
import type { GatewayProcess } from '../../services/gateway.ts'
import { bodyOf } from './ledger.ts'

/** Times are of `performance.now()`. */
export interface Sent {
  readonly id: string
  readonly at: number
  acknowledgedAt?: number
}

export interface Pace {
  /** Milliseconds from one publish at QoS 1 to the next. */
  readonly publishEveryMs: number
  /** Publishes for each post. */
  readonly perPost: number
}

export class Pacer {
  readonly sent: Sent[] = []
  readonly #gateway: GatewayProcess
  readonly #client: mqtt.MqttClient
  readonly #timer: NodeJS.Timeout
  readonly #answers = new Set<Promise<void>>()
  #ticks = 0

  private constructor(gateway: GatewayProcess, client: mqtt.MqttClient, { publishEveryMs, perPost }: Pace) {
    this.#gateway = gateway
    this.#client = client
    this.#timer = setInterval(() => {
      this.#begin('mqtt', (sent) => this.#publish(sent))
      if (this.#ticks++ % perPost === 0) this.#begin('http', (sent) => this.#post(sent))
    }, publishEveryMs)
  }

  /** Resolves once the client is connected: it would send one by one, each after the answer to the last, what it had to queue. */
  static async start(gateway: GatewayProcess, pace: Pace): Promise<Pacer> {
    const options = { host: '127.0.0.1', port: gateway.mqtt, clientId: 'pacer', clean: false, reconnectPeriod: 50 }
    const client = mqtt.connect(options)
    client.on('error', () => {})
    await new Promise<void>((resolve) => client.once('connect', () => resolve()))
    return new Pacer(gateway, client, pace)
  }

  get acknowledged(): readonly string[] {
    return this.sent.filter(({ acknowledgedAt }) => acknowledgedAt !== undefined).map(({ id }) => id)
  }

  /** Sends no more. Resolves once all that was sent is answered, or five seconds later. */
  async stop(): Promise<void> {
    clearInterval(this.#timer)
    const late = new Promise((resolve) => setTimeout(resolve, 5_000))
    await Promise.race([Promise.all(this.#answers), late])
    await this.#client.endAsync(true)
  }

  #begin(over: string, send: (sent: Sent) => Promise<boolean>): void {
    const sent: Sent = { id: `${over}-${this.sent.length}`, at: performance.now() }
    this.sent.push(sent)
    const answer = send(sent).then((taken) => {
      if (taken) sent.acknowledgedAt = performance.now()
      this.#answers.delete(answer)
    })
    this.#answers.add(answer)
  }

  #publish({ id }: Sent): Promise<boolean> {
    return this.#client.publishAsync(`ledger/${id}`, bodyOf(id), { qos: 1 }).then(
      () => true,
      () => false,
    )
  }

  async #post({ id }: Sent): Promise<boolean> {
    const response = await fetch(`http://127.0.0.1:${this.#gateway.http}/events`, {
      method: 'POST',
      headers: { 'content-type': 'application/cloudevents+json' },
      body: bodyOf(id),
      signal: AbortSignal.timeout(10_000),
    }).catch(() => undefined)
    await response?.arrayBuffer().catch(() => undefined)
    return response?.status === 202
  }
}
