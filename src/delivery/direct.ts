/** The path without the journal: at most once, lowest latency, for QoS 0 and for callers that wait. */

import { toGatewayError } from '../errors.ts'
import type { Entry, Fallback, RouteRef } from '../journal/journal.ts'
import type { ReplyPublisher } from '../reply/reply.ts'
import type { Route } from '../router/route.ts'
import type { Match } from '../router/router.ts'
import type { Accept } from './accept.ts'
import type { ActivityStream } from './activity.ts'
import { deadlineOf, errorReply, isCall, okReply } from './answer.ts'
import { refuseLoop } from './chain.ts'
import { emitChildren } from './children.ts'
import { both, fallbackOf, handOver, isWorthATry } from './fallback.ts'
import type { Refusals } from './refusals.ts'
import { toFailure } from './retry.ts'
import type { Handled, Target } from './target.ts'
import { type Transformer, transforming } from './transform.ts'

export interface DirectParts {
  readonly replies: ReplyPublisher
  readonly activity: ActivityStream
  readonly accept: Accept
  readonly target: (to: string) => Target
  readonly now: () => number
  /** Remembers for a while what nothing came of: the journal does not know it. */
  readonly refusals?: Pick<Refusals, 'add'>
  /** Absent where no route has a transform. */
  readonly transformer?: Transformer
}

/** Runs deliveries once and answers their callers. */
export class DirectRunner {
  readonly #parts: DirectParts
  readonly #abort = new AbortController()
  readonly #running = new Set<Promise<void>>()

  constructor(parts: DirectParts) {
    this.#parts = parts
  }

  /** Begins a delivery. Whatever comes of it is answered and reported, never thrown. */
  run(entry: Entry, ref: RouteRef, match: Match): void {
    const work = this.#run(entry, ref, match).finally(() => this.#running.delete(work))
    this.#running.add(work)
  }

  /** Resolves once what is under way now has ended. */
  async settled(): Promise<void> {
    await Promise.all(this.#running)
  }

  /** Waits up to `graceMs` for what is under way, then aborts it. */
  async stop(graceMs: number): Promise<void> {
    const timer = setTimeout(() => this.#abort.abort(), graceMs)
    await Promise.all(this.#running)
    clearTimeout(timer)
  }

  async #run(entry: Entry, ref: RouteRef, { route }: Match): Promise<void> {
    const { activity, now, replies } = this.#parts
    const { callId, event } = entry
    const begun = now()
    const base = { kind: 'settled', event, callId, route: ref.route, to: ref.to, attempt: 1 } as const
    try {
      const { handled, instead } = await this.#make(entry, ref, route)
      activity.publish({ ...base, outcome: 'done', tookMs: now() - begun, ...figures(handled), ...instead })
      if (ref.answers && (isCall(event) || handled.answer?.data))
        await replies.publish(okReply(callId, handled.answer ?? {}, handled.cold), event)
    } catch (thrown) {
      const error = toGatewayError(thrown)
      this.#parts.refusals?.add({ kind: 'failed', at: now(), event, origin: entry.origin, callId }, error)
      activity.publish({ ...base, outcome: 'dead', tookMs: now() - begun, error: toFailure(error) })
      if (ref.answers && isCall(event))
        await replies.publish(errorReply(callId, toFailure(error), error), event).catch(() => {})
    }
  }

  /** Resolves once the target has made it and what it emitted is taken; or else the fallback. */
  async #make({ callId, event }: Entry, ref: RouteRef, route: Route): Promise<Made> {
    const { accept, now, target } = this.#parts
    const { signal } = this.#abort
    try {
      refuseLoop(event, ref.route)
      const limit = Math.min(now() + route.timeoutMs, deadlineOf(event) ?? Number.POSITIVE_INFINITY)
      const own = target(ref.to)
      const goal = transforming(route, this.#parts)?.(own, ref.answers === true) ?? own
      const handled = await goal.handle({ event, callId, attempt: 1, deadline: limit }, signal)
      const { children } = handled
      await emitChildren(children, event, `${callId}/${ref.to}`, { accept })
      return { handled }
    } catch (thrown) {
      const error = toGatewayError(thrown)
      const fallback = fallbackOf(route, ref.to)?.text
      if (fallback === undefined || signal.aborted || !isWorthATry(error)) throw error
      const failure = toFailure(error)
      const given = { id: `${callId}/${ref.to}`, event, callId, to: ref.to }
      try {
        const handled = await handOver(given, route, failure, target(fallback), this.#parts, signal)
        return { handled, instead: { fallback, error: failure } }
      } catch (second) {
        throw both(error, fallback, toGatewayError(second))
      }
    }
  }
}

interface Made {
  readonly handled: Handled
  /** Present when it was the fallback that made it. */
  readonly instead?: Fallback
}

const figures = (handled: Handled) => ({
  ...(handled.cold === undefined ? {} : { cold: handled.cold }),
  ...(handled.runMs === undefined ? {} : { runMs: handled.runMs }),
})
