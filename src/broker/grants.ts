/** What the subscriptions of one client make of a message: its QoS, and their identifiers. */

import type { BrokerPacket, Subscribed } from './internals.ts'
import { parseShared, TopicMap } from './topics.ts'

export class Grants {
  readonly #filters = new TopicMap<Subscribed>()
  #lowest = 2
  #identified = false

  constructor(subscriptions: Readonly<Record<string, Subscribed>>) {
    for (const [filter, subscribed] of Object.entries(subscriptions)) {
      this.#filters.add(parseShared(filter)?.filter ?? filter, subscribed)
      if (subscribed.qos < this.#lowest) this.#lowest = subscribed.qos
      if (subscribed.si !== undefined) this.#identified = true
    }
  }

  /**
   * [MQTT-3.3.5-1] the highest QoS that a matching subscription was granted, at most that of the message;
   * [MQTT-3.3.4-3] and the identifiers of all that match.
   */
  tailor(packet: BrokerPacket): BrokerPacket {
    if (this.#lowest >= packet.qos && !this.#identified) return packet
    const matching = this.#filters.match(packet.topic)
    const highest = Math.max(0, ...matching.map(({ qos }) => qos))
    const tailored = { ...packet, qos: Math.min(highest, packet.qos) as 0 | 1 | 2 }
    const identifiers = matching.flatMap(({ si }) => si ?? [])
    if (identifiers.length > 0) tailored.properties = { ...packet.properties, subscriptionIdentifier: identifiers }
    return tailored
  }
}
