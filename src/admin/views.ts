/** Records of the gateway as JSON for people and programs: times in RFC 3339, data as CloudEvents' JSON format has it. */

import type { Activity } from '../delivery/activity.ts'
import type { Remembered } from '../delivery/refusals.ts'
import type { Standing } from '../delivery/standing.ts'
import { type CloudEvent, formatJsonEvent, isJsonType, type Origin } from '../event/index.ts'
import type { Answer, AttemptRecord, DeadLetter, DeliveryRecord, EventRecord } from '../journal/journal.ts'
import type { Verdict } from '../router/router.ts'
import { type Group, groupOf } from './groups.ts'

const time = (ms: number): string => new Date(ms).toISOString()
const optionalTime = <K extends string>(name: K, ms: number | undefined) =>
  ms === undefined ? {} : { [name]: time(ms) }

/** The event in CloudEvents' JSON format, data included. */
export const eventView = (event: CloudEvent): object => JSON.parse(Buffer.from(formatJsonEvent(event)).toString())

/** The attributes of an event, and how many bytes of data it has. */
export function attributesView({ data, extensions, ...attributes }: CloudEvent): object {
  return { ...attributes, ...extensions, ...(data && { bytes: data.length }) }
}

/** Says which function made an attempt; undefined where that is not known, or it was none. */
export type FunctionOf = (
  route: string,
  to: string,
  generation: number | undefined,
) => { readonly name: string; readonly digest?: string } | undefined

/** What there is to say of an event: what it was, where each delivery stands, and what the routes say of it. */
export const recordView = (
  record: EventRecord,
  verdicts: readonly Verdict[],
  functionOf: FunctionOf = () => undefined,
  standings: ReadonlyMap<string, Standing> = new Map(),
): object => ({
  callId: record.callId,
  acceptedAt: time(record.acceptedAt),
  origin: record.origin,
  event: eventView(record.event),
  deliveries: record.deliveries.map((delivery) => ({
    ...deliveryView(delivery, record.acceptedAt, functionOf),
    ...standingView(standings.get(delivery.id)),
  })),
  verdicts,
})

function deliveryView(
  { answer, due, firstErrorAt, settledAt, tries, ...rest }: DeliveryRecord,
  acceptedAt: number,
  functionOf: FunctionOf,
): object {
  const made = ({ generation }: AttemptRecord) => functionOf(rest.route, rest.to, generation)
  return {
    ...rest,
    ...(tries && {
      tries: tries.map((each, at) => attemptView(each, at === 0 ? acceptedAt : tries[at - 1]?.at, made(each))),
    }),
    ...optionalTime('due', due),
    ...optionalTime('firstErrorAt', firstErrorAt),
    ...optionalTime('settledAt', settledAt),
    ...(rest.error && { group: groupOf(rest.to, rest.error) }),
    ...(answer && { answer: answerView(answer) }),
  }
}

/** Of what is not settled: since when it runs, or what it waits for. */
function standingView(standing: Standing | undefined): object {
  if (standing === undefined) return {}
  if ('runsSince' in standing) return { runsSince: time(standing.runsSince) }
  const { until, ...wait } = standing
  return { waits: { ...wait, ...optionalTime('until', until) } }
}

/** `waitMs`: since the event was accepted, or the attempt before had ended. */
function attemptView({ at, tookMs = 0, ...rest }: AttemptRecord, before = at, made: ReturnType<FunctionOf>): object {
  const begun = at - tookMs
  const by = made && { function: made.name, ...(made.digest ? { sha256: made.digest } : {}) }
  return { ...rest, startedAt: time(begun), endedAt: time(at), waitMs: Math.max(0, begun - before), tookMs, ...by }
}

/** What was not accepted, or taken by no route. */
export const refusalView = ({ at, event, ...rest }: Remembered): object => ({
  ...rest,
  at: time(at),
  ...(event && { event: attributesView(event) }),
})

function answerView({ data, ...rest }: Answer): object {
  return { ...rest, ...(data && dataView(data, rest.datacontenttype)) }
}

/** As in CloudEvents: JSON as it is, text as a string, anything else in base64. */
function dataView(data: Uint8Array, contentType: string | undefined): object {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(data)
    return { data: isJsonType(contentType ?? 'application/json') ? parsed(text) : text }
  } catch {
    return { data_base64: Buffer.from(data).toString('base64') }
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

/** A dead letter without its data, for lists. */
export const letterView = (letter: DeadLetter): object => ({
  ...letterHead(letter),
  event: attributesView(letter.event),
})

/** A dead letter with its whole event. */
export const letterDetail = (letter: DeadLetter): object => ({ ...letterHead(letter), event: eventView(letter.event) })

const letterHead = ({ event: _, firstAt, lastAt, ...rest }: DeadLetter): object => ({
  ...rest,
  group: groupOf(rest.to, rest.error),
  firstAt: time(firstAt),
  lastAt: time(lastAt),
})

/** What several dead letters died of. */
export const groupView = ({ firstAt, lastAt, ...rest }: Group): object => ({
  ...rest,
  firstAt: time(firstAt),
  lastAt: time(lastAt),
})

/** Something that happened on the path, as one line of `tail`. */
export const activityView = ({ event, ...activity }: Activity, now: number): object => ({
  time: time(now),
  ...activity,
  event: attributesView(event),
})

/** Where an activity came in. What is settled no longer knows. */
export const originOf = (activity: Activity): Origin =>
  activity.kind === 'settled' ? { source: '', address: '' } : activity.origin
