/** The front half of the path: event -> match -> append. Resolving is the acknowledgement. */

import type { Offer, Receipt } from '../connector/connector.ts'
import { toGatewayError } from '../errors.ts'
import { CALL_EXTENSIONS, type CloudEvent, extension, type Origin, uuidv7 } from '../event/index.ts'
import type { Appended, Entry, Journal, RouteRef } from '../journal/journal.ts'
import type { ReplyPublisher } from '../reply/reply.ts'
import type { Controls, Target } from '../router/route.ts'
import type { Match, Router } from '../router/router.ts'
import type { Activity, ActivityStream } from './activity.ts'
import { errorReply, isCall, okReply, repeated } from './answer.ts'
import type { Breakers } from './breakers.ts'
import { hops } from './chain.ts'
import { SYSTEM_CLOCK } from './clock.ts'
import type { JournalCredit } from './credit.ts'
import type { Refusals } from './refusals.ts'
import { toFailure } from './retry.ts'
import type { NoRoute } from './unknown.ts'

/** Runs a match at most once, without the journal. Never rejects: it answers the caller itself. */
export type RunDirect = (entry: Entry, ref: RouteRef, match: Match) => void

export interface AcceptParts {
  readonly journal: Pick<Journal, 'append' | 'find'>
  readonly router: () => Pick<Router, 'match'>
  readonly replies: ReplyPublisher
  /** Absent for events that come of events: they were paid for. */
  readonly credit?: JournalCredit
  /** Refuses what would only wait for targets that fail. Absent for events that come of events. */
  readonly breakers?: Pick<Breakers, 'refusal'>
  readonly activity: ActivityStream
  readonly runDirect: RunDirect
  /** Says to a caller why no route takes its call. */
  readonly noRoute: NoRoute
  /** The number under which the journal keeps what `router` was made of. */
  readonly generation?: () => number
  /** Remembers for a while what is not accepted, and what no route takes. */
  readonly refusals?: Pick<Refusals, 'add'>
  /** Milliseconds since the epoch; the clock of the machine when absent. */
  readonly now?: () => number
}

/** Takes an event from anywhere. */
export type Accept = (event: CloudEvent, origin: Origin, offer?: Offer) => Promise<Receipt>

/**
 * Builds the one way into the gateway. It resolves once every journaled delivery is on disk, and rejects when there
 * is no room or the disk refuses; nothing is held then.
 */
export const createAccept =
  (parts: AcceptParts): Accept =>
  async (event, origin, offer) => {
    const callId = extension(event, CALL_EXTENSIONS.callId) ?? uuidv7()
    const matches = parts.router().match(event, origin)
    if (matches.length === 0) return unmatched(parts, event, origin, callId)
    const now = parts.now ?? SYSTEM_CLOCK.now
    const resting = parts.breakers?.refusal(matches, now())
    if (resting) throw refused(parts, resting, { event, origin, callId })
    const { refs, direct } = toRefs(matches, offer, now)
    const entry: Entry = { event, origin, callId, routes: refs, generation: parts.generation?.() }
    let appended: Appended | undefined
    try {
      if (refs.length > 0) appended = await append(parts, entry)
    } catch (error) {
      throw refused(parts, error, entry)
    }
    const receipt = receiptOf(appended ?? { callId, duplicate: false }, matches)
    parts.activity.publish(toldOf(event, origin, receipt))
    if (isCall(event) && !isAnswered(refs, direct, receipt)) await parts.replies.publish(okReply(callId, {}), event)
    else if (receipt.duplicate) await repeated(parts, event, callId, receipt.callId)
    if (!receipt.duplicate) for (const { ref, match } of direct) parts.runDirect(entry, ref, match)
    return receipt
  }

/** Its routes are those that took the event: not those that have had one of its name. */
function receiptOf({ callId, duplicate, repeated }: Appended, matches: readonly Match[]): Receipt {
  const routes: string[] = []
  for (const { route } of matches) if (!repeated?.includes(route.name)) routes.push(route.name)
  return repeated === undefined ? { callId, duplicate, routes } : { callId, duplicate, routes, repeated }
}

function toldOf(event: CloudEvent, origin: Origin, { callId, duplicate, repeated, routes }: Receipt): Activity {
  const told = { kind: 'accepted', event, origin, callId, routes, duplicate } as const
  return repeated === undefined ? told : { ...told, repeated }
}

/** Whether a delivery will answer the call, or has: else its caller hears at once that it was taken, and no more. */
const isAnswered = (refs: readonly RouteRef[], direct: readonly Direct[], { repeated = [] }: Receipt): boolean =>
  refs.some(({ answers, route }) => answers && !repeated.includes(route)) || direct.some(({ ref }) => ref.answers)

function append({ credit, journal }: AcceptParts, entry: Entry) {
  if (credit === undefined) return journal.append(entry)
  const refusal = credit.refusal()
  if (refusal) throw refusal
  return credit.hold(journal.append(entry))
}

/** Remembers that the event was refused; returns why. */
function refused<E>(
  { generation, refusals, now = Date.now }: AcceptParts,
  thrown: E,
  { callId, event, origin }: Pick<Entry, 'callId' | 'event' | 'origin'>,
): E {
  const by = generation && { generation: generation() }
  refusals?.add({ kind: 'refused', at: now(), event, origin, callId, ...by }, toGatewayError(thrown))
  return thrown
}

async function unmatched(
  { activity, generation, noRoute, now = Date.now, refusals, replies }: AcceptParts,
  event: CloudEvent,
  origin: Origin,
  callId: string,
): Promise<Receipt> {
  // What a delivery published on a topic is offered to the routes; that none wants it is the rule and says nothing.
  if (hops(event) === 0 || origin.source !== 'mqtt') {
    activity.publish({ kind: 'unmatched', event, origin })
    refusals?.add({
      kind: 'unmatched',
      at: now(),
      event,
      origin,
      callId,
      ...(generation && { generation: generation() }),
    })
  }
  if (isCall(event)) await replies.publish(errorReply(callId, toFailure(noRoute(event, origin))), event)
  return { callId, duplicate: false, routes: [] }
}

const isDirect = ({ route }: Match, offer: Offer | undefined): boolean =>
  route.delivery === 'direct' || (route.delivery === 'auto' && offer?.direct === true && route.controls === undefined)

/** A delivery that skips the journal. */
interface Direct {
  readonly ref: RouteRef
  readonly match: Match
}

const NONE: readonly Direct[] = []

/** One delivery for each route and target. */
function toRefs(
  matches: readonly Match[],
  offer: Offer | undefined,
  now: () => number,
): { readonly refs: readonly RouteRef[]; readonly direct: readonly Direct[] } {
  const answering = answeringOf(matches)
  const refs: RouteRef[] = []
  let direct = NONE
  let place = 0
  for (const match of matches)
    for (const target of targetsOf(match)) {
      const ref = toRef(match, target, place++ === answering, now)
      if (isDirect(match, offer)) direct = [...direct, { ref, match }]
      else refs.push(ref)
    }
  return { refs, direct }
}

const targetsOf = ({ route, target }: Match): readonly Target[] => (target ? [target] : route.to)

/** The place of what answers the call: the first function in the order of the file; without one, the first target. */
function answeringOf(matches: readonly Match[]): number {
  let place = 0
  for (const match of matches)
    for (const { kind } of targetsOf(match)) {
      if (kind === 'function') return place
      place += 1
    }
  return 0
}

/** Written out: this is made for each event. */
function toRef(match: Match, { text: to }: Target, isAnswering: boolean, now: () => number): RouteRef {
  const { key, route } = match
  // Of debounced events most are never run: none of them can be relied on for an answer.
  const answers = isAnswering && route.controls?.debounce === undefined
  const ref = key === undefined ? { route: route.name, to, answers } : { route: route.name, to, answers, key }
  return route.controls ? { ...ref, ...timing(route.controls, match, now()) } : ref
}

/** What the journal is to know of a delivery whose time is not left to chance. */
const timing = ({ debounce, dedupe, delayMs }: Controls, match: Match, now: number): Partial<RouteRef> => ({
  ...(debounce ? debounceOf(debounce, match) : {}),
  ...(delayMs === undefined ? {} : { due: now + delayMs }),
  ...(dedupe && match.dedupe !== undefined ? { once: { name: match.dedupe, windowMs: dedupe.windowMs } } : {}),
})

/** Without a key all events of the route are of one name; with one, those that have no value wait for nothing. */
function debounceOf({ key, ...waits }: NonNullable<Controls['debounce']>, match: Match): Partial<RouteRef> {
  const name = key === undefined ? '' : match.debounce
  return name === undefined ? {} : { debounce: { name, ...waits } }
}
