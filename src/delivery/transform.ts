/** The transforms of a route: what its targets get in place of the event, and its callers in place of the answer. */

import { GatewayError } from '../errors.ts'
import type { CloudEvent } from '../event/index.ts'
import type { Answer } from '../journal/journal.ts'
import type { Route } from '../router/route.ts'
import type { Target, Work } from './target.ts'

/** One evaluation of a JSONata expression. */
export interface Evaluation {
  readonly expression: string
  /** Begins the message of an error: `orders (route): transforming "7"`. */
  readonly doing: string
  /** What `$now()` tells. Milliseconds since the epoch. */
  readonly now: number
  /** How long it may wait for its turn, in milliseconds. */
  readonly patienceMs: number
}

/**
 * Evaluates expressions where nothing waits for them but their own deliveries, and within bounds of time, memory and
 * size. Rejects with TRANSFORM_FAILED, which the same event meets again, TRANSFORM_TIMED_OUT, which it may not, or the
 * reason of `signal`.
 */
export interface Transformer extends AsyncDisposable {
  /** Resolves to the event that the expression makes of this one. */
  event(event: CloudEvent, evaluation: Evaluation, signal: AbortSignal): Promise<CloudEvent>
  /** Resolves to the answer that the expression makes of this one; its status stays. */
  reply(answer: Answer, event: CloudEvent, evaluation: Evaluation, signal: AbortSignal): Promise<Answer>
}

export interface TransformParts {
  /** Absent where no route has a transform. */
  readonly transformer?: Transformer
  readonly now: () => number
}

/** Puts the transforms of a route before and behind a target; those of the answer only where somebody is `answered`. */
export type Transforming = (target: Target, answered: boolean) => Target

/** Returns what transforms for a route; undefined when it has no transforms. */
export function transforming(route: Route, parts: TransformParts): Transforming | undefined {
  const { name, transforms } = route
  if (transforms === undefined) return undefined
  const { now, transformer } = parts
  if (transformer === undefined) throw new GatewayError('INTERNAL', `${name} (route): transforming: nothing can do it`)
  const evaluation = (expression: string, doing: string, { deadline, event }: Work): Evaluation => {
    const at = now()
    return { expression, doing: `${name} (route): ${doing} "${event.id}"`, now: at, patienceMs: deadline - at }
  }
  const { event: toEvent, reply: toReply } = transforms
  const before = async (work: Work, signal: AbortSignal): Promise<Work> => {
    if (toEvent === undefined) return work
    // What it was encoded as is not what it is made to be.
    const { draft: _, ...rest } = work
    const event = await transformer.event(work.event, evaluation(toEvent, 'transforming', work), signal)
    return { ...rest, event }
  }
  return (target, answered) => ({
    answers: target.answers,
    async handle(work, signal) {
      const handled = await target.handle(await before(work, signal), signal)
      if (toReply === undefined || !answered || handled.answer === undefined) return handled
      const doing = evaluation(toReply, 'transforming the reply to', work)
      return { ...handled, answer: await transformer.reply(handled.answer, work.event, doing, signal) }
    },
  })
}
