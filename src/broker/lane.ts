/** The way of one client's publishes into the gateway: in order, a bounded number at once, none without credit. */

import { crc32 } from 'node:zlib'
import type { ClientPublish, Ingress } from '../connector/broker.ts'
import type { Credit } from '../connector/connector.ts'
import type { Use, Uses } from './identity.ts'
import type { BrokerPacket } from './internals.ts'
import { fromWire } from './properties.ts'
import { Ring } from './ring.ts'

/** What the lane needs of its client. */
export interface LaneClient {
  readonly id: string
  readonly protocol: 3 | 4 | 5
  readonly uses: Uses
  /** Whether the connection stands. */
  readonly open: boolean
  mayPublish(topic: string): boolean
  /** Stops, or goes on, reading the socket. */
  hold(held: boolean): void
  /** Keeps the name of a use for the next process, when the session is one that may come back to it. */
  remember(id: number, use: Use, checksum: () => number): Promise<unknown> | undefined
  /** The use is acknowledged: its name need not be kept. */
  forget(id: number): void
  /** Whether this QoS 2 publish was taken already, and only its PUBREC is to be sent again. */
  received(packet: BrokerPacket): boolean
}

/** Ends one publish: accepted, refused with an error, or dropped. Returns whether an answer goes out. */
export type Done = (outcome: Outcome) => boolean
export type Outcome = 'accepted' | 'dropped' | { readonly error: unknown }

interface Entry {
  readonly packet: BrokerPacket
  readonly takers: readonly Ingress[]
  readonly done: Done
  use?: Use | undefined
  outcome?: Outcome
}

export class Lane {
  readonly #client: LaneClient
  readonly #max: number
  readonly #credit: Credit | undefined
  readonly #signal: AbortSignal
  /** Not begun yet. */
  readonly #waiting = new Ring<Entry>()
  /** Begun, in order. [MQTT-4.6.0-2] what is done out of order is answered in order. */
  readonly #begun = new Ring<Entry>()
  #waitsForCredit = false

  /** `max`: publishes at once. `signal` ends waiting for credit. */
  constructor(client: LaneClient, max: number, credit: Credit | undefined, signal: AbortSignal) {
    this.#client = client
    this.#max = max
    this.#credit = credit
    this.#signal = signal
  }

  /** Whether publishes are under way: another of this client has to queue up behind them, whoever takes it. */
  get busy(): boolean {
    return this.#begun.size > 0 || this.#waiting.size > 0
  }

  /** Offers a publish to those who take it. One that cannot go at once waits, and the socket is not read meanwhile. */
  offer(packet: BrokerPacket, takers: readonly Ingress[], done: Done): void {
    const entry: Entry = { packet, takers, done }
    if (this.#waiting.size === 0 && this.#free()) this.#begin(entry)
    else {
      this.#waiting.push(entry)
      this.#client.hold(true)
    }
  }

  #free(): boolean {
    if (this.#begun.size >= this.#max || this.#waitsForCredit) return false
    if (this.#credit?.refusal() === undefined) return true
    this.#waitsForCredit = true
    const go = () => {
      this.#waitsForCredit = false
      this.#pump()
    }
    this.#credit.wait(this.#signal).then(go, go)
    return false
  }

  #pump(): void {
    if (this.#waiting.size === 0) return
    const gone = this.#signal.aborted || !this.#client.open
    while (this.#waiting.size > 0 && (gone || this.#free())) {
      const next = this.#waiting.shift()
      if (gone) next?.done('dropped')
      else if (next) this.#begin(next)
    }
    if (this.#waiting.size === 0) this.#client.hold(false)
  }

  #begin(entry: Entry): void {
    const { packet, takers } = entry
    this.#begun.push(entry)
    // [MQTT-4.3.3-10] a QoS 2 publish goes in once; its PUBREC may be asked for again.
    if (takers.length === 0 || (packet.qos === 2 && this.#client.received(packet))) this.#end(entry, 'accepted')
    else this.#use(entry)
  }

  #use(entry: Entry): void {
    const { packet, takers } = entry
    const id = packet.messageId
    const checksum = () => crc32(packet.payload, crc32(packet.topic))
    const use = id === undefined ? undefined : this.#client.uses.of(id, packet.dup, checksum)
    if (use?.owner === this) {
      this.#end(entry, 'dropped') // sent twice on one connection: the first one is answered.
      return
    }
    if (use) use.owner = this
    entry.use = use
    const kept = use && id !== undefined ? this.#client.remember(id, use, checksum) : undefined
    offer(toPublish(packet, this.#client, use), takers, kept).then(
      () => this.#end(entry, 'accepted'),
      (error: unknown) => this.#end(entry, { error }),
    )
  }

  #end(ended: Entry, outcome: Outcome): void {
    ended.outcome = outcome
    for (let head = this.#begun.peek(); head?.outcome; head = this.#begun.peek()) {
      this.#begun.shift()
      this.#answer(head, head.outcome)
    }
    this.#pump()
  }

  #answer({ packet, use, done }: Entry, outcome: Outcome): void {
    if (use?.owner === this) use.owner = undefined
    // An answer that cannot be sent does not end the use.
    const { open } = this.#client
    const answered = done(outcome)
    if (!use || packet.messageId === undefined || !open || !answered) return
    this.#client.uses.acknowledge(packet.messageId, use)
    this.#client.forget(packet.messageId)
  }
}

const offer = (publish: ClientPublish, takers: readonly Ingress[], kept: Promise<unknown> | undefined) => {
  const [first] = takers
  if (first && takers.length === 1 && kept === undefined) return first(publish)
  return Promise.all([kept, ...takers.map((take) => take(publish))])
}

const toPublish = (packet: BrokerPacket, client: LaneClient, use: Use | undefined): ClientPublish => {
  const properties = packet.properties && fromWire(packet.properties)
  return {
    topic: packet.topic,
    payload: packet.payload,
    qos: packet.qos,
    retain: packet.retain,
    clientId: client.id,
    protocol: client.protocol,
    mayPublish: client.mayPublish,
    ...(use && { identity: use.name }),
    ...(properties && { properties }),
  }
}
