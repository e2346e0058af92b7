/** The service envelope: `{ messageId, callId, replyTo, headers, body: { function, parameters } }` on `service/<name>`. Pure. */

import * as z from 'zod'
import {
  CALL_EXTENSIONS,
  type ClientPublish,
  type CloudEvent,
  checkJson,
  GatewayError,
  uuidv7,
  validateEvent,
  withExtensions,
} from '#connector'
import { eventOf, head, withResponseTopic } from './normalize.ts'

/** A call that cannot be made, and what is known of who wants to hear of it. */
export interface Unreadable {
  readonly problem: GatewayError
  readonly callId: string
  readonly messageId: string | undefined
  /** Where an answer may go; undefined when none can be read. */
  readonly replyTo: string | undefined
}

const name = (max: number) =>
  z
    .string()
    .min(1)
    .max(max)
    .refine((text) => !/[\p{Cc}+#/]/u.test(text), { error: 'has a character that a topic level may not have' })

const envelope = z.object({
  messageId: z.string().min(1).max(255).optional(),
  callId: name(255).optional(),
  replyTo: z.string().min(1).optional(),
  headers: z.record(z.string(), z.unknown()).optional(),
  body: z.object({ function: name(255).optional(), parameters: z.unknown().optional() }),
})

type Envelope = z.output<typeof envelope>

/**
 * Returns the call that a publish on `service/<name>` is: `headgate.call` with the service as subject, body.function as
 * the extension `function` and the parameters as JSON data. An event passes through; a payload with a Response Topic
 * that is no envelope is taken for the parameters.
 */
export function readCall(publish: ClientPublish, service: string): CloudEvent | Unreadable {
  let parsed: unknown
  try {
    const event = eventOf(publish)
    if (event) return withResponseTopic(event, publish.properties)
    parsed = parse(publish)
  } catch (error) {
    return unreadable(publish, service, error instanceof Error ? error.message : String(error), undefined)
  }
  const isEnvelope = typeof parsed === 'object' && parsed !== null && 'body' in parsed
  if (publish.properties?.responseTopic !== undefined && !isEnvelope)
    return withResponseTopic(bareCall(publish, service, parsed !== undefined), publish.properties)
  const read = envelope.safeParse(parsed)
  if (read.success) return callOf(publish, service, read.data)
  const problems = read.error.issues.map(({ path, message }) => `${path.join('.') || 'envelope'}: ${message}`)
  return unreadable(publish, service, problems.join('; '), parsed)
}

/** Undefined for what is not JSON, where a Response Topic says that it need not be. */
function parse({ payload, properties }: ClientPublish): unknown {
  try {
    checkJson(payload)
    return JSON.parse(new TextDecoder().decode(payload))
  } catch (error) {
    if (properties?.responseTopic === undefined) throw error
    return undefined
  }
}

function callOf(publish: ClientPublish, service: string, { messageId, callId, replyTo, headers, body }: Envelope) {
  const base = bareCall(publish, service, true)
  const { traceparent } = headers ?? {}
  const call: CloudEvent = {
    ...base,
    id: messageId ?? base.id,
    datacontenttype: 'application/json',
    data: new TextEncoder().encode(JSON.stringify(body.parameters ?? null)),
  }
  const answer = replyTo ?? publish.properties?.responseTopic
  return withExtensions(call, {
    ...(callId !== undefined && { [CALL_EXTENSIONS.callId]: callId }),
    ...(answer !== undefined && { [CALL_EXTENSIONS.replyTo]: answer }),
    [CALL_EXTENSIONS.replyForm]: 'envelope',
    ...(body.function !== undefined && { function: body.function }),
    ...(typeof traceparent === 'string' && { traceparent }),
  })
}

function bareCall(publish: ClientPublish, service: string, json: boolean): CloudEvent {
  const base = { ...head(publish), type: 'headgate.call', subject: service, data: publish.payload }
  const contentType = publish.properties?.contentType ?? (json ? 'application/json' : undefined)
  const typed = { ...base, ...(contentType !== undefined && { datacontenttype: contentType }) }
  return validateEvent(typed).length === 0 ? typed : base
}

function unreadable(publish: ClientPublish, service: string, what: string, parsed: unknown): Unreadable {
  const { callId, messageId, replyTo } = (typeof parsed === 'object' && parsed ? parsed : {}) as Record<string, unknown>
  const readable = typeof callId === 'string' && name(255).safeParse(callId).success ? callId : undefined
  const topic = typeof replyTo === 'string' ? replyTo : publish.properties?.responseTopic
  return {
    problem: new GatewayError('EVENT_INVALID', `service/${service} (mqtt): reading the envelope: ${what}`),
    callId: readable ?? publish.identity ?? uuidv7(),
    messageId: typeof messageId === 'string' ? messageId : undefined,
    replyTo: topic ?? (readable === undefined ? undefined : `replies/${readable}`),
  }
}
