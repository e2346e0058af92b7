/** The last events that were not accepted, or that no route took: the journal does not know them, and somebody asks. */

import type { GatewayError } from '../errors.ts'
import type { CloudEvent, Origin } from '../event/index.ts'
import type { Failure } from '../journal/journal.ts'
import { Denials } from './denials.ts'

/** How many are remembered, and how many bytes of their data; an event with more than so much is remembered without. */
const MOST = 1_024
const MOST_BYTES = 4 * 2 ** 20
const LARGE = 16 * 1_024

/** What is known of an event that the journal does not hold. */
export interface Refusal {
  /** `failed`: it was run without the journal, and nothing came of it. */
  readonly kind: 'refused' | 'unmatched' | 'failed'
  /** Milliseconds since the epoch; of the last time, when it came more than once. */
  readonly at: number
  readonly origin: Origin
  /** Absent when it could not be read. Without data when that was large. */
  readonly event?: CloudEvent
  readonly callId?: string
  /** Who sent it, where that is known: the MQTT client, or the address. */
  readonly client?: string
  /** The number under which the journal keeps the routes of that time. */
  readonly generation?: number
}

export interface Remembered extends Refusal {
  /** Why; absent when no route took it. */
  readonly error?: Pick<Failure, 'code' | 'message' | 'type'>
  /** How often it came. */
  readonly times: number
}

/** What a source knows of an event that it did not accept. */
export type SeenBySource = Partial<Pick<Refusal, 'callId' | 'client' | 'event'>> & Pick<Refusal, 'origin'>

export class Refusals {
  /** What calls were denied. */
  readonly denials = new Denials()
  /** Oldest first. */
  readonly #held = new Map<string, Remembered>()
  /** The name of what was refused with an error: its source may know more of it. */
  readonly #names = new WeakMap<GatewayError, string>()
  #bytes = 0

  add(refusal: Refusal, error?: GatewayError): void {
    const { event, kind, origin } = refusal
    // Whoever sends what cannot be read at one place, again and again, is told of once.
    const place = `${kind}\n${origin.source}\n${origin.address}`
    const name = event
      ? `${place}\n${event.source}\n${event.id}`
      : `${place}\n${refusal.client ?? ''}\n${refusal.callId ?? ''}\n${error?.code}`
    const before = this.#held.get(name)
    if (error) this.#names.set(error, name)
    this.#enter(name, {
      ...refusal,
      ...(event && { event: small(event) }),
      ...(error && { error: { code: error.code, message: error.message, type: error.type } }),
      times: (before?.times ?? 0) + 1,
    })
  }

  /** A source tells of an event that it did not accept. What the gateway refused it with is known already. */
  seen(error: GatewayError, seen: SeenBySource, now: number): void {
    const name = this.#names.get(error)
    const before = name === undefined ? undefined : this.#held.get(name)
    if (name === undefined || before === undefined) this.add({ kind: 'refused', at: now, ...seen }, error)
    else this.#held.set(name, { ...seen, ...before })
  }

  /** What is remembered of an id, a callId, a client or an address, newest first; of all without one. */
  find(key?: string): readonly Remembered[] {
    return [...this.#held.values()].reverse().filter((each) => key === undefined || isOf(each, key))
  }

  #enter(name: string, remembered: Remembered): void {
    this.#forget(name)
    this.#held.set(name, remembered)
    this.#bytes += remembered.event?.data?.length ?? 0
    for (const oldest of this.#held.keys()) {
      if (this.#held.size <= MOST && this.#bytes <= MOST_BYTES) return
      this.#forget(oldest)
    }
  }

  #forget(name: string): void {
    this.#bytes -= this.#held.get(name)?.event?.data?.length ?? 0
    this.#held.delete(name)
  }
}

const isOf = ({ callId, client, event, origin }: Remembered, key: string): boolean =>
  event?.id === key || callId === key || client === key || origin.address === key

/** Its data may be a view of what came in with it, which is not to be held. */
function small({ data, ...event }: CloudEvent): CloudEvent {
  return data === undefined || data.length > LARGE ? event : { ...event, data: data.slice() }
}
