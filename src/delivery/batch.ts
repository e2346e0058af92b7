/**
 * Makes several deliveries with one invocation: each is judged, answered and settled for itself, with the same outcome, or
 * with its own where the function says what became of each.
 */

import { hash } from 'node:crypto'
import { type CloudEvent, formatJsonBatch } from '../event/index.ts'
import type { Delivery } from '../journal/journal.ts'
import type { ItemOutcome, Spent } from '../pool/pool.ts'
import type { Route } from '../router/route.ts'
import { type DeliverParts, deliver } from './deliver.ts'
import type { Room } from './room.ts'
import type { Handled, Target, Work } from './target.ts'
import { transforming } from './transform.ts'

/** What a target gets in place of the events. */
export const BATCH_TYPE = 'headgate.batch'

export interface BatchRun {
  /** Those that will be tried again, all at one time. */
  readonly again: readonly Delivery[]
  /** Resolves once every settle is on disk. */
  readonly settled: Promise<void>
}

/**
 * Runs deliveries of one lane to their outcomes. The target is invoked once, with those that are still to be made; what
 * it emits came of the first. Resolves, as `deliver` does, once the settles are handed to the journal.
 */
export async function deliverBatch(
  deliveries: readonly Delivery[],
  route: Route,
  target: Target,
  parts: DeliverParts,
  signal: AbortSignal,
): Promise<BatchRun> {
  const together = new Together(deliveries.length, route.name, target, signal)
  const again: Delivery[] = []
  let at: number | undefined
  const journal: DeliverParts['journal'] = {
    find: (key) => parts.journal.find(key),
    release: (delivery) => parts.journal.release(delivery),
    settle(delivery, outcome) {
      if (outcome.status !== 'retry') return parts.journal.settle(delivery, outcome)
      // Jitter would tear them apart.
      at ??= outcome.at
      again.push(delivery)
      return parts.journal.settle(delivery, { ...outcome, at })
    },
  }
  const room = parts.room && beside(parts.room, deliveries)
  const transform = transforming(route, parts)
  const members = deliveries.map((delivery) => together.member(delivery))
  const made = await Promise.all(
    members.map(async ({ delivery, ...member }) => {
      try {
        const own = transform ? transform(member, delivery.answers) : member
        return (await deliver(delivery, route, own, { ...parts, journal, room }, signal)).settled
      } finally {
        member.gone()
      }
    }),
  )
  return { again, settled: Promise.all(made).then(() => undefined) }
}

/** The room that there is while all of the batch is held. */
const beside = (room: Room, deliveries: readonly Delivery[]): Room => ({
  couldHold: (events) => room.couldHold([...new Set([...deliveries.map(({ event }) => event), ...events])]),
  hasRoomFor: (event) => room.hasRoomFor(event),
})

/** Waits until each member has come to its attempt, or to its end without one; then all have the one result. */
class Together {
  readonly #route: string
  readonly #target: Target
  readonly #signal: AbortSignal
  readonly #works = new Map<string, Work>()
  readonly #order: string[] = []
  readonly #result = Promise.withResolvers<Handled>()
  readonly #spent: Spent = {}
  #missing: number

  constructor(members: number, route: string, target: Target, signal: AbortSignal) {
    this.#missing = members
    this.#route = route
    this.#target = target
    this.#signal = signal
    // Nobody waits for it when no member came to its attempt.
    this.#result.promise.catch(() => undefined)
  }

  member(delivery: Delivery): Target & { readonly delivery: Delivery; gone(): void } {
    const { id } = delivery
    this.#order.push(id)
    let counted = false
    const count = (): void => {
      if (counted) return
      counted = true
      this.#missing -= 1
      if (this.#missing === 0) this.#go()
    }
    return {
      delivery,
      answers: this.#target.answers,
      gone: count,
      handle: async (work) => {
        this.#works.set(id, work)
        count()
        const handled = await this.#result.promise.finally(() => {
          if (work.spent) Object.assign(work.spent, this.#spent)
        })
        return this.#partOf(handled, id)
      },
    }
  }

  /** What is one member's of the result. Throws what became of it, when that is no answer. */
  #partOf(handled: Handled, id: string): Handled {
    const made = this.#order.filter((one) => this.#works.has(one))
    const { items, ...rest } = handled
    const item = items?.[made.indexOf(id)]
    if (item && 'error' in item) throw item.error
    const first = made.find((_, index) => !isFailed(items?.[index]))
    const own = item ? { ...rest, answer: item } : rest
    return first === id ? own : shareOf(own)
  }

  #go(): void {
    const works = this.#order.flatMap((id) => this.#works.get(id) ?? [])
    const [first] = works
    if (first === undefined) return
    const work: Work = {
      event: batchOf(
        works.map(({ event }) => event),
        this.#route,
        this.#order.filter((id) => this.#works.has(id)),
      ),
      callId: first.callId,
      attempt: Math.max(...works.map(({ attempt }) => attempt)),
      deadline: Math.max(...works.map(({ deadline }) => deadline)),
      spent: this.#spent,
    }
    this.#target.handle(work, this.#signal).then(this.#result.resolve, this.#result.reject)
  }
}

const isFailed = (item: ItemOutcome | undefined): boolean => item !== undefined && 'error' in item

/** What was emitted, and the time it took, are told once. */
const shareOf = ({ answer }: Handled): Handled => ({ children: [], ...(answer ? { answer } : {}) })

/** The same members make the same event. */
function batchOf(events: readonly CloudEvent[], route: string, ids: readonly string[]): CloudEvent {
  return {
    specversion: '1.0',
    id: hash('sha256', ids.join(' ')).slice(0, 32),
    source: `/headgate/routes/${route}`,
    type: BATCH_TYPE,
    datacontenttype: 'application/cloudevents-batch+json',
    data: formatJsonBatch(events),
    extensions: { batchsize: events.length },
  }
}
