/** What happens on the path, as it happens: for `tail`, metrics and logs. Costs nothing when nobody listens. */

import type { CloudEvent, Origin } from '../event/index.ts'
import type { Failure } from '../journal/journal.ts'

export type Activity =
  | {
      readonly kind: 'accepted'
      readonly event: CloudEvent
      readonly origin: Origin
      readonly callId: string
      readonly routes: readonly string[]
      readonly duplicate: boolean
      /** Routes that left it out, as they had one of its name. */
      readonly repeated?: readonly string[]
    }
  | { readonly kind: 'unmatched'; readonly event: CloudEvent; readonly origin: Origin }
  | {
      readonly kind: 'settled'
      readonly event: CloudEvent
      readonly callId: string
      readonly route: string
      readonly to: string
      readonly attempt: number
      readonly outcome: 'done' | 'retry' | 'dead'
      /** Milliseconds from the start of the attempt. */
      readonly tookMs: number
      /** Of the target; of what is done all the same when the route's fallback did it. */
      readonly error?: Failure
      /** The fallback that did it. */
      readonly fallback?: string
      /** Milliseconds until the next attempt. */
      readonly retryInMs?: number
      readonly cold?: boolean
      /** Milliseconds inside the function. */
      readonly runMs?: number
      /** The reply was given up: nothing can ever be published on its topic. */
      readonly unanswered?: { readonly topic: string; readonly error: Failure }
    }

export type Listener = (activity: Activity) => void

export class ActivityStream {
  readonly #listeners = new Set<Listener>()

  publish(activity: Activity): void {
    for (const listener of this.#listeners) listener(activity)
  }

  /** Calls `listener` for all that happens from now on. Returns a function that ends it. */
  subscribe(listener: Listener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }
}
