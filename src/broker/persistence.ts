/** What aedes asks of a store, answered from memory and from our disk. */

import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Subscription } from 'aedes'
import { GatewayError } from '../errors.ts'
import type { BrokerLimits } from './config.ts'
import type { AedesClient, BrokerPacket } from './internals.ts'
import { plain, type Sessions, type StoredSubscription } from './sessions.ts'
import type { Store } from './store.ts'
import { SHARED, TopicMap } from './topics.ts'

type RetainedLimits = Pick<BrokerLimits, 'max_retained' | 'max_retained_size'>
type ClientRef = Pick<AedesClient, 'id' | 'clean'>
type Will = BrokerPacket & { brokerId: string; clientId: string }
type Found = Pick<BrokerPacket, 'messageId'>

const NOBODY: readonly never[] = []

/**
 * Implements the persistence that aedes 2 expects, without its outgoing queues: those are sent by `Outbound`, which knows
 * what a client can take. Retained messages are held in memory and on disk.
 */
export class Persistence {
  readonly #store: Store
  readonly #sessions: Sessions
  readonly #retained = new Map<string, BrokerPacket>()
  readonly #limits: RetainedLimits
  /** Of their topics and payloads, about. */
  #retainedBytes = 0
  /** QoS 2 publishes whose PUBREL has not come. */
  readonly #received = new Map<string, Set<number>>()
  /** Subscriptions that were granted: aedes stores all of a SUBSCRIBE when one of them is. */
  readonly #granted = new WeakSet<object>()
  #brokerId = ''

  constructor(store: Store, sessions: Sessions, limits: RetainedLimits) {
    this.#store = store
    this.#sessions = sessions
    this.#limits = limits
    for (const packet of store.all<BrokerPacket>('retained')) this.#retain(packet.topic, packet)
  }

  /** Why a message may not be retained; undefined when it may. */
  retainedProblem({ payload, topic }: BrokerPacket): GatewayError | undefined {
    const held = this.#retained.get(topic)
    if (payload.length === 0) return undefined
    const bytes = this.#retainedBytes + payload.length - (held?.payload.length ?? -topic.length)
    const full = (what: string) => new GatewayError('BROKER_FULL', `broker (mqtt): retaining on "${topic}": ${what}`)
    if (held === undefined && this.#retained.size >= this.#limits.max_retained)
      return full(`${this.#retained.size} messages are retained; raise broker.limits.max_retained`)
    return bytes > this.#limits.max_retained_size
      ? full(`there is no room beside ${this.#retainedBytes} bytes; raise broker.limits.max_retained_size`)
      : undefined
  }

  async setup(broker: { id: string }): Promise<void> {
    this.#brokerId = broker.id
  }

  /** A subscription may be stored. */
  grant(subscription: object): void {
    this.#granted.add(subscription)
  }

  /** Whether this QoS 2 publish was taken and its PUBREL has not come. */
  received(clientId: string, messageId: number | undefined): boolean {
    return messageId !== undefined && (this.#of(clientId)?.has(messageId) ?? false)
  }

  /** Nothing more is asked of a client whose session ended with its connection. */
  release(clientId: string): void {
    this.#received.delete(clientId)
  }

  async storeRetained(packet: BrokerPacket): Promise<void> {
    const { topic, payload, qos, properties, messageExpiry } = packet
    const kept = { cmd: 'publish', topic, payload, qos, retain: true, properties: plain(properties), messageExpiry }
    // Kept already, before it was acknowledged.
    if (payload.length > 0 && this.#retained.get(topic)?.payload === payload) return
    const had = this.#retain(topic, payload.length > 0 ? (kept as BrokerPacket) : undefined)
    if (payload.length === 0 && !had) return
    const written =
      payload.length > 0 ? this.#store.put('retained', topic, kept) : this.#store.remove('retained', topic)
    if (qos > 0) await written
  }

  /** Returns whether there was one. */
  #retain(topic: string, packet: BrokerPacket | undefined): boolean {
    const held = this.#retained.get(topic)
    if (held) this.#retainedBytes -= topic.length + held.payload.length
    this.#retained.delete(topic)
    if (packet) this.#retained.set(topic, packet)
    if (packet) this.#retainedBytes += topic.length + packet.payload.length
    return held !== undefined
  }

  createRetainedStream(filter: string): Readable {
    return this.createRetainedStreamCombi([filter])
  }

  createRetainedStreamCombi(filters: readonly string[]): Readable {
    return Readable.from(this.#matching(filters))
  }

  async addSubscriptions(client: ClientRef, subscriptions: Subscription[]): Promise<void> {
    await this.#sessions.subscribe(
      client.id,
      subscriptions.filter((subscription) => this.#granted.has(subscription)),
    )
  }

  async removeSubscriptions(client: ClientRef, topics: string[]): Promise<void> {
    await this.#sessions.unsubscribe(client.id, topics)
  }

  async subscriptionsByClient(client: ClientRef): Promise<readonly StoredSubscription[]> {
    return this.#sessions.subscriptions(client.id).map((subscription) => ({ ...subscription }))
  }

  /** Called when a session ends, and when one begins anew. */
  async cleanSubscriptions(client: ClientRef): Promise<void> {
    this.#received.delete(client.id)
    await this.#sessions.end(client.id)
  }

  async subscriptionsByTopic(topic: string): Promise<readonly { clientId: string }[]> {
    return this.#sessions.subscribers(topic)
  }

  async outgoingEnqueue(subscription: { clientId: string }, packet: BrokerPacket): Promise<void> {
    await this.#sessions.enqueue([subscription.clientId], packet)
  }

  async outgoingEnqueueCombi(subscriptions: readonly { clientId: string }[], packet: BrokerPacket): Promise<void> {
    await this.#sessions.enqueue(
      subscriptions.map(({ clientId }) => clientId),
      packet,
    )
  }

  async outgoingUpdate(): Promise<void> {}

  async outgoingClearMessageId(): Promise<void> {}

  outgoingStream(): Readable {
    return Readable.from(NOBODY)
  }

  async incomingStorePacket(client: ClientRef, { messageId }: Found): Promise<void> {
    if (messageId === undefined) return
    const ids = this.#of(client.id) ?? new Set()
    this.#received.set(client.id, ids.add(messageId))
    if (!client.clean) await this.#store.put('received', client.id, true, messageId)
  }

  async incomingGetPacket(client: ClientRef, { messageId }: Found): Promise<Found> {
    if (!this.received(client.id, messageId)) throw new Error('no such packet')
    return { messageId }
  }

  /**
   * Never rejects: aedes answers a PUBREL either way, and looks at no rejection (lib/handlers/pubrel.js), so that two
   * PUBRELs in one packet ended the process. Resolves once it is gone from the disk: a use of the identifier that is
   * answered before would be taken for a repetition after a restart.
   */
  async incomingDelPacket(client: ClientRef, { messageId }: Found): Promise<void> {
    if (messageId === undefined || !this.#of(client.id)?.delete(messageId) || client.clean) return
    while (!(await this.#store.remove('received', client.id, messageId).then(yes, no)))
      await sleep(AGAIN_MS, undefined, { ref: false })
  }

  async putWill(client: ClientRef, packet: Will): Promise<void> {
    packet.brokerId = this.#brokerId
    packet.clientId = client.id
    await this.#store.put('will', client.id, { ...packet, properties: plain(packet.properties) })
  }

  async getWill(client: ClientRef): Promise<Will | undefined> {
    return this.#store.get<Will>('will', client.id)
  }

  async delWill(client: ClientRef): Promise<Will | undefined> {
    const will = await this.getWill(client)
    if (will) await this.#store.remove('will', client.id)
    return will
  }

  streamWill(brokers: Readonly<Record<string, unknown>> = {}): Readable {
    return Readable.from([...this.#store.all<Will>('will')].filter(({ brokerId }) => !brokers[brokerId]))
  }

  getClientList(): Readable {
    return Readable.from(NOBODY)
  }

  async countOffline(): Promise<{ subsCount: number; clientsCount: number }> {
    return { subsCount: 0, clientsCount: 0 }
  }

  async destroy(): Promise<void> {}

  #of(clientId: string): Set<number> | undefined {
    const known = this.#received.get(clientId)
    if (known) return known
    const ids = new Set<number>()
    for (const [messageId] of this.#store.each('received', clientId)) ids.add(messageId)
    this.#received.set(clientId, ids)
    return ids
  }

  *#matching(filters: readonly string[]): Generator<BrokerPacket> {
    // [MQTT5 3.8.4] a shared subscription gets no retained messages.
    const own = filters.filter((filter) => !filter.startsWith(SHARED))
    const [only] = own
    if (own.length === 1 && only !== undefined && !/[+#]/.test(only)) {
      const packet = this.#retained.get(only)
      if (packet) yield packet
      return
    }
    const wanted = new TopicMap<true>()
    for (const filter of own) wanted.add(filter, true)
    for (const packet of this.#retained.values()) if (wanted.match(packet.topic).length > 0) yield packet
  }
}

/** After which a disk that refused is asked again. */
const AGAIN_MS = 1_000
const yes = (): boolean => true
const no = (): boolean => false
