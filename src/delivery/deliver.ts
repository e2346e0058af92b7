/** The back half of the path: invoke -> reply -> settle, with retry and dead letter as the two ways to fail. */

import { GatewayError, toGatewayError } from '../errors.ts'
import type { Delivery, Figures, Journal, Outcome } from '../journal/journal.ts'
import { type Reply, type ReplyPublisher, replyTopic } from '../reply/reply.ts'
import type { Route } from '../router/route.ts'
import type { Activity, ActivityStream } from './activity.ts'
import { deadlineOf, errorReply, isCall, okReply } from './answer.ts'
import { type BuryParts, bury } from './bury.ts'
import { pace, refuseLoop } from './chain.ts'
import { type EmitParts, emitChildren } from './children.ts'
import { passTime, SYSTEM_CLOCK } from './clock.ts'
import { both, handOver, isWorthATry } from './fallback.ts'
import { judge, toFailure } from './retry.ts'
import type { Handled, Target } from './target.ts'
import type { Transformer } from './transform.ts'

export interface DeliverParts extends BuryParts, EmitParts {
  readonly journal: Pick<Journal, 'settle' | 'find' | 'release'>
  readonly replies: ReplyPublisher
  readonly activity: ActivityStream
  /** What the route's `fallback` names, when it has one. */
  readonly fallback?: Target
  /** Absent where no route has a transform. */
  readonly transformer?: Transformer
  /** What is for a sink that is gone is given back, as the same attempt: its lane is held. */
  readonly waits?: boolean
  /** Whether the caller of a call has gone away. */
  readonly cancelled: (callId: string) => boolean
  /** The number under which the journal keeps the configuration that attempts are made under. */
  readonly generation?: number
  /** SHA-256 of the files of functions, by `name@version`. */
  readonly digests?: ReadonlyMap<string, string>
  /** That of the function that is called. */
  readonly digest?: string | undefined
  /** The time by which callers set deadlines; `now` when absent. */
  readonly wall?: () => number
}

/** How long a delivery whose outcome cannot be told keeps its place before it runs again. */
const UNTOLD_MS = 1_000

/**
 * How an attempt ended. `untold` when it did not: what it emitted could not be kept, so that it has no outcome yet.
 * `waits` when it is none, as its sink is gone.
 */
type Attempted =
  | { readonly waits: true }
  | { readonly outcome: Outcome; readonly handled?: Handled; readonly error?: GatewayError }
  | { readonly untold: GatewayError }

/** What an attempt spends, made once and filled in on its way: a class, so that all of them have one shape. */
class AttemptSpent implements Figures {
  tookMs = 0
  queueMs: number | undefined = undefined
  runMs: number | undefined = undefined
  worker: number | undefined = undefined
  cold: boolean | undefined = undefined
  unanswered = false
  readonly generation: number | undefined
  /** No figure, and not to be taken for one. */
  #recording: Uint8Array | undefined

  constructor(generation: number | undefined) {
    this.generation = generation
  }

  get recording(): Uint8Array | undefined {
    return this.#recording
  }

  set recording(recording: Uint8Array | undefined) {
    this.#recording = recording
  }
}

/**
 * Runs one delivery to its outcome. What the function emitted is durable and the reply is out before the settle, so a
 * crash in between repeats them rather than losing them. Resolves once the settle is handed to the journal, which
 * frees the lane's place; `settled` of the result resolves once it is on disk. When `signal` is aborted nothing is
 * settled: the delivery is released, as the same attempt.
 */
export async function deliver(
  delivery: Delivery,
  route: Route,
  target: Target,
  parts: DeliverParts,
  signal: AbortSignal,
): Promise<{ readonly settled: Promise<void> }> {
  const begun = parts.now()
  const spent = new AttemptSpent(parts.generation)
  const tried = await attempt(delivery, route, target, parts, spent, signal)
  const attempted = parts.fallback ? await fallBack(tried, delivery, route, parts.fallback, parts, signal) : tried
  if ('untold' in attempted) {
    await putOff(delivery, attempted.untold, begun, parts, signal)
    return { settled: Promise.resolve() }
  }
  if ('waits' in attempted || (signal.aborted && attempted.outcome.status !== 'done')) {
    parts.journal.release(delivery)
    return { settled: Promise.resolve() }
  }
  const { handled, error } = attempted
  let { outcome } = attempted
  let unanswered: GatewayError | undefined
  try {
    if (outcome.status === 'dead' && error) {
      const waits = (full: GatewayError): void => tellPutOff(delivery, full, begun, parts)
      outcome = { ...outcome, error: await bury(delivery, route, outcome.error, parts, waits, signal) }
    }
    const reply = replyOf(delivery, attempted)
    if (reply) await parts.replies.publish(reply, delivery.event)
  } catch (thrown) {
    unanswered = toGatewayError(thrown)
    // A topic that can never be published on: nobody can be told, now or later, but the operator.
    if (unanswered.disposition !== 'reject') {
      await putOff(delivery, unanswered, begun, parts, signal)
      return { settled: Promise.resolve() }
    }
  }
  const at = parts.now()
  spent.tookMs = at - begun
  spent.unanswered = unanswered !== undefined
  const settled = parts.journal.settle(delivery, outcome)
  report(delivery, outcome, { handled, unanswered }, begun, at, parts)
  return { settled }
}

/** The outcome could not be told, because a disk is full: the same attempt runs again. Throws what ends the gateway. */
async function putOff(
  delivery: Delivery,
  error: GatewayError,
  begun: number,
  parts: DeliverParts,
  signal: AbortSignal,
): Promise<void> {
  if (error.disposition === 'fatal') throw error
  tellPutOff(delivery, error, begun, parts)
  await passTime(parts.clock ?? SYSTEM_CLOCK, UNTOLD_MS, signal).catch(() => {})
  parts.journal.release(delivery)
}

function tellPutOff(delivery: Delivery, error: GatewayError, begun: number, parts: DeliverParts): void {
  const outcome = { status: 'retry', at: parts.now() + UNTOLD_MS, error: toFailure(error) } as const
  report(delivery, outcome, {}, begun, parts.now(), parts)
}

async function attempt(
  delivery: Delivery,
  route: Route,
  target: Target,
  parts: DeliverParts,
  spent: AttemptSpent,
  signal: AbortSignal,
): Promise<Attempted> {
  const { event, callId, draft } = delivery
  const deadline = deadlineOf(event)
  const pause = pace(event)
  const wall = parts.wall ?? parts.now
  try {
    if (pause > 0) await passTime(parts.clock ?? SYSTEM_CLOCK, pause, signal)
    const begun = wall()
    refuse(delivery, deadline, begun, parts)
    const limit = Math.min(begun + route.timeoutMs, deadline ?? Number.POSITIVE_INFINITY)
    const work = { event, draft, callId, attempt: delivery.attempt, deadline: limit, spent }
    const handled = await target.handle(work, signal)
    if (handled.children.length > 0) await emitChildren(handled.children, event, delivery.id, parts)
    return { outcome: doneBy(handled, delivery, spent), handled }
  } catch (thrown) {
    const error = toGatewayError(thrown)
    // It is our journal that has no room or no disk, whatever the target did: no attempt of the delivery's.
    if (error.code === 'JOURNAL_FULL' || error.disposition === 'fatal') return { untold: error }
    if (error.code === 'SINK_GONE' && parts.waits) return { waits: true }
    const now = parts.now()
    const facts = {
      attempt: delivery.attempt,
      acceptedAt: delivery.acceptedAt,
      now,
      digest: parts.digest,
      ...(deadline === undefined ? {} : { deadline: deadline + now - wall() }),
    }
    return { outcome: { ...judge(error, facts, route.retry), figures: spent, recording: spent.recording }, error }
  }
}

function doneBy({ answer }: Handled, { answers }: Delivery, figures: AttemptSpent): Outcome {
  const { recording } = figures
  if (!answers || answer === undefined) return { status: 'done', figures, recording }
  return { status: 'done', figures, recording, answer }
}

/**
 * Lets the fallback try what would be dead; everything else stays as it is. Its success is the delivery's, its failure
 * is told beside that of the target. After a crash in between it may run again, as any attempt may.
 */
async function fallBack(
  tried: Attempted,
  delivery: Delivery,
  route: Route,
  fallback: Target,
  parts: DeliverParts,
  signal: AbortSignal,
): Promise<Attempted> {
  if (!('outcome' in tried) || tried.outcome.status !== 'dead' || tried.error === undefined) return tried
  const { error, outcome } = tried
  if (signal.aborted || !isWorthATry(error)) return tried
  const name = route.fallback?.text ?? ''
  try {
    const handled = await handOver(delivery, route, outcome.error, fallback, parts, signal)
    const answer = delivery.answers && handled.answer ? { answer: handled.answer } : {}
    const instead = { fallback: name, error: outcome.error }
    return { outcome: { ...ran(outcome), status: 'done', ...answer, fallback: instead }, handled }
  } catch (thrown) {
    const second = toGatewayError(thrown)
    if (second.code === 'JOURNAL_FULL' || second.disposition === 'fatal') return { untold: second }
    const told = both(error, name, second)
    return { outcome: { ...ran(outcome), status: 'dead', error: toFailure(told) }, error: told }
  }
}

/** What is kept of the attempt of the route's own target. */
const ran = ({ figures, recording }: Outcome) => (figures === undefined ? {} : { figures, recording })

/** Throws when the work is not to be begun: a loop, a deadline that passed, a caller that has gone. */
function refuse(
  { event, callId, route }: Delivery,
  deadline: number | undefined,
  now: number,
  { cancelled }: DeliverParts,
): void {
  refuseLoop(event, route)
  if (deadline !== undefined && now >= deadline) {
    throw new GatewayError(
      'CALL_TIMED_OUT',
      `${route} (route): delivering "${event.id}": the caller's deadline passed before the work began`,
    )
  }
  if (cancelled(callId)) {
    throw new GatewayError(
      'CALL_CANCELLED',
      `${route} (route): delivering "${event.id}": the caller went away before the work began`,
    )
  }
}

const wantsReply = ({ answers, event }: Delivery, handled: Handled | undefined): boolean =>
  answers && (isCall(event) || handled?.answer?.data !== undefined)

/** What its caller is told; an error without what became of its copy. */
function replyOf(
  delivery: Delivery,
  { error, handled, outcome }: Extract<Attempted, { outcome: Outcome }>,
): Reply | undefined {
  const { answers, callId, event } = delivery
  if (outcome.status === 'dead' && error && answers && isCall(event)) return errorReply(callId, outcome.error, error)
  if (outcome.status !== 'done' || !wantsReply(delivery, handled)) return undefined
  return okReply(callId, handled?.answer ?? {}, handled?.cold)
}

function report(
  delivery: Delivery,
  outcome: Outcome,
  { handled, unanswered }: { readonly handled?: Handled | undefined; readonly unanswered?: GatewayError | undefined },
  begun: number,
  at: number,
  { activity }: DeliverParts,
): void {
  const { attempt: number, callId, event, route, to } = delivery
  // Filled in step by step: each object spread into another costs as much as all of this.
  const told: Told = {
    kind: 'settled',
    event,
    callId,
    route,
    to,
    attempt: number,
    outcome: outcome.status,
    tookMs: at - begun,
  }
  if (outcome.status !== 'done') told.error = outcome.error
  else if (outcome.fallback) Object.assign(told, outcome.fallback)
  if (outcome.status === 'retry') told.retryInMs = outcome.at - at
  if (handled?.cold !== undefined) told.cold = handled.cold
  if (handled?.runMs !== undefined) told.runMs = handled.runMs
  if (unanswered) told.unanswered = { topic: replyTopic(event, callId), error: toFailure(unanswered) }
  activity.publish(told)
}

type Settled = Extract<Activity, { kind: 'settled' }>
type Told = { -readonly [Name in keyof Settled]: Settled[Name] }
