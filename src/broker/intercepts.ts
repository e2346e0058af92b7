/** Who takes which publishes before they are acknowledged. */

import type { Ingress } from '../connector/broker.ts'
import { TopicMap } from './topics.ts'

export class Intercepts {
  #taken = new TopicMap<Ingress>()
  #count = 0
  /** The filters of the last one that ended, while no other has begun. */
  #orphaned: TopicMap<true> | undefined

  /** See `BrokerPort.intercept`. */
  add(filters: readonly string[], ingress: Ingress): () => void {
    this.#orphaned = undefined
    this.#count++
    for (const filter of filters) this.#taken.add(filter, ingress)
    let ended = false
    return () => {
      if (ended) return
      ended = true
      for (const filter of filters) this.#taken.remove(filter, ingress)
      if (--this.#count > 0) return
      this.#orphaned = new TopicMap()
      for (const filter of filters) this.#orphaned.add(filter, true)
    }
  }

  match(topic: string): readonly Ingress[] {
    return this.#taken.match(topic)
  }

  /**
   * Whether a topic was taken by the last intercept that ended. Its publishes are not acknowledged until another begins
   * (or the connection ends, and the client sends them again): a source that stops must not turn them into plain
   * messages that nobody journals.
   */
  orphaned(topic: string): boolean {
    return this.#orphaned !== undefined && this.#orphaned.match(topic).length > 0
  }
}
