/** Who takes which publishes before they are acknowledged. */

import type { Ingress } from '../connector/broker.ts'
import { TopicMap } from './topics.ts'

export class Intercepts {
  #taken = new TopicMap<Ingress>()
  #count = 0
  /** The filters of the last one that ended, while no other has begun. */
  #orphaned: TopicMap<true> | undefined
  #waiting: (() => void)[] = []

  /** See `BrokerPort.intercept`. */
  add(filters: readonly string[], ingress: Ingress): () => void {
    this.#orphaned = undefined
    this.#count++
    for (const filter of filters) this.#taken.add(filter, ingress)
    for (const again of this.#waiting.splice(0)) again()
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

  /** Who takes a publish; each once, also when several of its filters match. */
  match(topic: string): readonly Ingress[] {
    const found = this.#taken.match(topic)
    return found.length < 2 ? found : [...new Set(found)]
  }

  /**
   * Whether a topic was taken by the last intercept that ended. Its publishes are not acknowledged until another begins
   * (or the connection ends, and the client sends them again): a source that stops must not turn them into plain
   * messages that nobody journals.
   */
  orphaned(topic: string): boolean {
    return this.#orphaned !== undefined && this.#orphaned.match(topic).length > 0
  }

  /** Calls back, in order, once there is an intercept again. */
  later(again: () => void): void {
    this.#waiting.push(again)
  }
}
