/** Sessions that outlive their connection: subscriptions, messages on the way to them, packet identifiers in use. */

import type { Subscription } from 'aedes'
import type { Use } from './identity.ts'
import type { BrokerPacket } from './internals.ts'
import { looked, type Store } from './store.ts'
import { SHARED, TopicMap } from './topics.ts'

export interface StoredSubscription {
  readonly topic: string
  readonly qos: 0 | 1 | 2
  readonly rh?: number
  readonly rap?: boolean
  readonly nl?: boolean
  readonly subscriptionIdentifier?: number
}

/** A session at rest. */
interface Session {
  readonly id: string
  subscriptions: StoredSubscription[]
  /** Milliseconds that it is kept while its client is away. */
  keep: number
  /** When its client left; undefined while it is there, and after a crash. */
  leftAt?: number | undefined
}

/** How a message was sent: under which packet identifier, and whether the client has it and waits for PUBREL's end. */
export interface Sent {
  readonly messageId: number
  readonly released: boolean
}

/** A message on the way to a session. */
export interface Queued {
  readonly place: number
  readonly packet: BrokerPacket
  readonly sent: Sent | undefined
}

/** Which messages a session is sent. */
interface Subscriber {
  readonly clientId: string
  readonly topic: string
  readonly qos: number
}

const OF_A_SESSION = ['queued', 'sent', 'received', 'use'] as const

export class Sessions {
  readonly #store: Store
  readonly #sessions = new Map<string, Session>()
  readonly #subscribers = new TopicMap<Subscriber>()
  readonly #counts = new Map<string, number>()
  /** Removed, but still to be read until the removal is on disk. */
  readonly #removing = new Set<string>()
  readonly #ended: (id: string) => void
  readonly #maxQueued: number
  /** Noted, but not on disk yet. */
  readonly #sent = new Map<string, Sent>()
  /** Kept before aedes asks for it. */
  readonly #early = new Set<number>()
  /** Places of this start come after those of the ones before: nobody numbers a million messages a second. */
  readonly #base: number
  /** Messages that found their session's queue full. */
  overflowed = 0

  /** `ended` is told of each session that ends. */
  constructor(store: Store, maxQueued: number, ended: (id: string) => void) {
    this.#ended = ended
    this.#store = store
    this.#maxQueued = maxQueued
    let base = Date.now() * 1_000
    for (const session of store.all<Session>('session')) {
      // The machine's clock may have been set back since.
      base = Math.max(base, store.last('queued', session.id))
      this.#sessions.set(session.id, { ...session, leftAt: session.leftAt ?? Date.now() })
      for (const subscription of session.subscriptions) this.#listen(session.id, subscription)
    }
    this.#base = base
  }

  /** A client is here under a session that is to be kept. */
  arrive(id: string, keep: number): void {
    const session = this.#sessions.get(id) ?? { id, subscriptions: [], keep }
    this.#sessions.set(id, session)
    session.keep = keep
    session.leftAt = undefined
    void this.#save(session)
  }

  /** `keep`: what the client asked for in the end; a DISCONNECT may change it [MQTT5 3.14.2.2.2]. */
  leave(id: string, keep: number): void {
    const session = this.#sessions.get(id)
    if (!session) return
    session.keep = keep
    session.leftAt = Date.now()
    void this.#save(session)
  }

  get count(): number {
    return this.#sessions.size
  }

  has(id: string): boolean {
    return this.#sessions.has(id)
  }

  /** Sessions whose client has been away for too long. */
  expired(now: number): string[] {
    const over = ({ leftAt, keep }: Session) => leftAt !== undefined && now - leftAt > keep
    return [...this.#sessions.values()].filter(over).map(({ id }) => id)
  }

  subscriptions(id: string): readonly StoredSubscription[] {
    return this.#sessions.get(id)?.subscriptions ?? []
  }

  /** Resolves once they are on disk. */
  subscribe(id: string, added: readonly (Subscription & { subscriptionIdentifier?: number })[]): Promise<unknown> {
    const session = this.#sessions.get(id) ?? { id, subscriptions: [], keep: Number.MAX_SAFE_INTEGER }
    this.#sessions.set(id, session)
    for (const { topic, qos, rh, rap, nl, subscriptionIdentifier } of added) {
      this.#drop(session, topic)
      const kept = {
        topic,
        qos,
        ...(rh !== undefined && { rh }),
        ...(rap !== undefined && { rap }),
        ...(nl !== undefined && { nl }),
        ...(subscriptionIdentifier !== undefined && { subscriptionIdentifier }),
      }
      session.subscriptions.push(kept)
      this.#listen(id, kept)
    }
    return this.#save(session)
  }

  unsubscribe(id: string, topics: readonly string[]): Promise<unknown> {
    const session = this.#sessions.get(id)
    if (!session) return Promise.resolve()
    for (const topic of topics) this.#drop(session, topic)
    return this.#save(session)
  }

  /** Ends a session: nothing of it is left. */
  end(id: string): Promise<unknown> {
    const session = this.#sessions.get(id)
    if (!session) return Promise.resolve()
    for (const { topic } of session.subscriptions.slice()) this.#drop(session, topic)
    this.#sessions.delete(id)
    this.#counts.delete(id)
    this.#ended(id)
    return looked(Promise.all([this.#store.remove('session', id), this.#store.clear(OF_A_SESSION, id)]))
  }

  /** Who is sent a message of this topic when it is published, online or not. */
  subscribers(topic: string): readonly Subscriber[] {
    return this.#subscribers.match(topic)
  }

  /** The place of a message in every queue that it goes to. */
  placeOf(packet: BrokerPacket): number {
    return this.#base + (packet.brokerCounter ?? 0)
  }

  /** Keeps a message that aedes will ask to be kept again. Resolves once it is on disk. */
  enqueueFirst(ids: Iterable<string>, packet: BrokerPacket): Promise<unknown> {
    const kept = this.enqueue(ids, packet)
    this.#early.add(this.placeOf(packet))
    return kept
  }

  /** Keeps a message for sessions; resolves once it is on disk. Beyond the limit it is dropped and counted. */
  enqueue(ids: Iterable<string>, packet: BrokerPacket): Promise<unknown> {
    const place = this.placeOf(packet)
    if (this.#early.delete(place)) return Promise.resolve()
    const { topic, payload, qos, retain, properties, messageExpiry } = packet
    const kept = { cmd: 'publish', topic, payload, qos, retain, properties: plain(properties), messageExpiry }
    const writes: Promise<unknown>[] = []
    for (const id of new Set(ids)) {
      const count = this.#count(id)
      if (count >= this.#maxQueued) this.overflowed++
      else {
        this.#counts.set(id, count + 1)
        writes.push(this.#store.put('queued', id, kept, place))
      }
    }
    return looked(Promise.all(writes))
  }

  /** What is on the way to a session, oldest first. */
  *queued(id: string): Generator<Queued> {
    for (const [place, packet] of this.#store.each<BrokerPacket>('queued', id)) {
      if (this.#removing.has(`${id} ${place}`)) continue
      yield { place, packet: { ...packet, dup: false }, sent: this.#sentOf(id, place) }
    }
  }

  holds(id: string, place: number): boolean {
    return !this.#removing.has(`${id} ${place}`) && this.#store.get('queued', id, place) !== undefined
  }

  /** Notes how a message was sent. Not waited for: what a crash loses of it is a message sent once more. */
  sent(id: string, place: number, sent: Sent): void {
    const key = `${id} ${place}`
    this.#sent.set(key, sent)
    const noted = () => {
      if (this.#sent.get(key) === sent) this.#sent.delete(key)
    }
    void this.#store.put('sent', id, sent, place).then(noted, noted)
  }

  #sentOf(id: string, place: number): Sent | undefined {
    return this.#sent.get(`${id} ${place}`) ?? this.#store.get<Sent>('sent', id, place)
  }

  /** A message has arrived, or nobody wants it any more. */
  settle(id: string, place: number): void {
    const key = `${id} ${place}`
    if (this.#removing.has(key)) return
    this.#removing.add(key)
    this.#counts.set(id, Math.max(0, this.#count(id) - 1))
    const gone = () => void this.#removing.delete(key)
    void Promise.all([this.#store.remove('queued', id, place), this.#store.remove('sent', id, place)]).then(gone, gone)
  }

  /** Keeps the name of a use until it is acknowledged. Resolves once it is on disk. */
  remember(id: string, packetId: number, use: Use, checksum: number): Promise<unknown> {
    return this.#store.put('use', id, [use.name, checksum], packetId)
  }

  forget(id: string, packetId: number): void {
    void this.#store.remove('use', id, packetId)
  }

  *uses(id: string): Generator<readonly [packetId: number, name: string, checksum: number]> {
    for (const [packetId, [name, checksum]] of this.#store.each<[string, number]>('use', id))
      yield [packetId, name, checksum]
  }

  #count(id: string): number {
    const known = this.#counts.get(id)
    if (known !== undefined) return known
    let count = 0
    for (const _ of this.#store.each('queued', id)) count++
    this.#counts.set(id, count)
    return count
  }

  #listen(clientId: string, { topic, qos }: StoredSubscription): void {
    // A shared subscription has no queue of its own while its client is away: another member gets the message.
    if (qos > 0 && !topic.startsWith(SHARED)) this.#subscribers.add(topic, this.#subscriber(clientId, topic, qos))
  }

  readonly #known = new Map<string, Subscriber>()

  #subscriber(clientId: string, topic: string, qos: number): Subscriber {
    const subscriber = { clientId, topic, qos }
    this.#known.set(`${clientId}\u0000${topic}`, subscriber)
    return subscriber
  }

  #drop(session: Session, topic: string): void {
    session.subscriptions = session.subscriptions.filter((held) => held.topic !== topic)
    const key = `${session.id}\u0000${topic}`
    const subscriber = this.#known.get(key)
    if (subscriber) this.#subscribers.remove(topic, subscriber)
    this.#known.delete(key)
  }

  #save(session: Session): Promise<unknown> {
    return this.#store.put('session', session.id, session)
  }
}

/** The parser makes user properties without a prototype, which the encoder does not take for an object. */
export function plain(properties: BrokerPacket['properties']): BrokerPacket['properties'] {
  if (!properties) return undefined
  const { userProperties } = properties
  return { ...properties, ...(userProperties && { userProperties: { ...userProperties } }) }
}
