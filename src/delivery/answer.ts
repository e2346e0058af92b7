/** What a caller hears, and when an event is a call at all. */

import type { GatewayError } from '../errors.ts'
import { CALL_EXTENSIONS, type CloudEvent, extension } from '../event/index.ts'
import type { Answer, DeliveryRecord, EventRecord, Failure, Journal } from '../journal/journal.ts'
import type { Reply, ReplyPublisher } from '../reply/reply.ts'

/** Whether the sender wants an answer. */
export const isCall = (event: CloudEvent): boolean => {
  const { extensions } = event
  return (
    extensions !== undefined &&
    (CALL_EXTENSIONS.callId in extensions ||
      CALL_EXTENSIONS.replyTo in extensions ||
      CALL_EXTENSIONS.replyForm in extensions)
  )
}

/** The instant after which the caller no longer waits, in milliseconds since the epoch; undefined when it named none. */
export function deadlineOf(event: CloudEvent): number | undefined {
  const text = extension(event, CALL_EXTENSIONS.deadline)
  const instant = text === undefined ? Number.NaN : Date.parse(text)
  return Number.isNaN(instant) ? undefined : instant
}

export const okReply = (callId: string, answer: Answer, cold?: boolean): Reply => ({
  callId,
  status: 'ok',
  ...(answer.data === undefined ? {} : { data: answer.data }),
  ...(answer.datacontenttype === undefined ? {} : { datacontenttype: answer.datacontenttype }),
  ...(answer.status === undefined ? {} : { httpStatus: answer.status }),
  ...(cold ? { cold } : {}),
})

/** The third is the error as it was thrown, where that is at hand: more is known of it than is kept. */
export const errorReply = (
  callId: string,
  error: Failure,
  { cold, retryAfterMs }: Partial<Pick<GatewayError, 'cold' | 'retryAfterMs'>> = {},
): Reply => ({
  callId,
  status: 'error',
  ...(cold ? { cold } : {}),
  error: {
    type: error.type,
    code: error.detailCode ?? error.code,
    message: error.message,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  },
})

/** The reply that a held call has had, or undefined while it has none. */
export function replyOf(record: EventRecord, callId: string = record.callId): Reply | undefined {
  const answering = record.deliveries.find(({ answers }) => answers)
  return answering && settledReply(answering, callId)
}

function settledReply({ status, answer, error }: DeliveryRecord, callId: string): Reply | undefined {
  if (status === 'done') return okReply(callId, answer ?? {})
  return status === 'dead' && error ? errorReply(callId, error) : undefined
}

export interface RepeatParts {
  readonly journal: Pick<Journal, 'find'>
  readonly replies: ReplyPublisher
}

/** Answers a call that is held already: with its first answer when it has one; otherwise that is still to come. */
export async function repeated(
  { journal, replies }: RepeatParts,
  event: CloudEvent,
  callId: string,
  first: string,
): Promise<void> {
  if (!isCall(event)) return
  const reply = await heldReply(journal, first, callId)
  if (reply) return replies.publish(reply, event)
  replies.follow(callId, first, event)
  // It may have come between looking and following.
  const late = await heldReply(journal, first, first)
  if (late) await replies.publish(late, event)
}

async function heldReply(journal: RepeatParts['journal'], first: string, callId: string): Promise<Reply | undefined> {
  const record = await journal.find({ callId: first })
  return record && replyOf(record, callId)
}
