/** What a connector may do with the embedded broker: take publishes before they are acknowledged, and publish. */

/** MQTT 5 properties of a publish; absent with MQTT 3. */
export interface PublishProperties {
  readonly contentType?: string
  readonly responseTopic?: string
  readonly correlationData?: Uint8Array
  /** Seconds. */
  readonly messageExpiry?: number
  readonly payloadIsText?: boolean
  /** In order; a name may come more than once. */
  readonly userProperties?: readonly (readonly [name: string, value: string])[]
}

/** A message to be published, or one that was. */
export interface Publish {
  readonly topic: string
  readonly payload: Uint8Array
  readonly qos: 0 | 1 | 2
  readonly retain: boolean
  readonly properties?: PublishProperties
}

/** A publish by a client, before it is acknowledged. */
export interface ClientPublish extends Publish {
  readonly clientId: string
  readonly protocol: 3 | 4 | 5
  /**
   * Names this publish across DUP redelivery: the client's session and its packet identifier, told apart from the
   * next use of that identifier. Absent at QoS 0.
   */
  readonly identity?: string
  /** Whether this client may publish to a topic: it may only name a reply topic that it may publish to. */
  mayPublish(topic: string): boolean
}

/** Resolves once the publish is accepted: PUBACK or PUBREC goes out then. Rejects when it is not; it is not acknowledged then. */
export type Ingress = (publish: ClientPublish) => Promise<void>

export interface BrokerPort {
  /**
   * Calls `ingress` once for each publish whose topic matches one of `filters`, before it is acknowledged and
   * forwarded. Returns a function that ends it.
   */
  intercept(filters: readonly string[], ingress: Ingress): () => void
  /** Whether anything can be published on a topic at all: a reply topic on which nothing can is refused up front. */
  mayPublish(topic: string): boolean
  /** Resolves once the broker holds the message: delivered to those online, queued for sessions that are away. */
  publish(message: Publish): Promise<void>
}
