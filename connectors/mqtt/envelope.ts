/**
 * The service envelope on `service/<name>`: `{ messageId, callId, replyTo, headers, body: { function, parameters } }`, or a
 * batch, `body: { function, items, batch_id }`. Pure.
 */

import * as z from 'zod'
import {
  CALL_EXTENSIONS,
  type ClientPublish,
  type CloudEvent,
  checkJson,
  type ExtensionValue,
  GatewayError,
  MAX_JSON_DEPTH,
  uuidv7,
  validateEvent,
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

const NOT_IN_A_LEVEL = /[\p{Cc}+#/]/u

const name = (max: number) =>
  z
    .string()
    .min(1)
    .max(max)
    .refine((text) => !NOT_IN_A_LEVEL.test(text), { error: 'has a character that a topic level may not have' })

const envelope = z.object({
  messageId: z.string().min(1).max(255).optional(),
  callId: name(255).optional(),
  replyTo: z.string().min(1).optional(),
  headers: z.record(z.string(), z.unknown()).optional(),
  body: z
    .object({
      function: name(255).optional(),
      parameters: z.unknown().optional(),
      items: z.array(z.unknown()).optional(),
      batch_id: z.string().min(1).max(255).optional(),
    })
    .refine(({ items, parameters }) => items === undefined || parameters === undefined, {
      error: 'has parameters and items; send either',
    }),
})

type Envelope = z.output<typeof envelope>

const encoder = new TextEncoder()
/** A byte order mark is no JSON, and not dropped in silence. */
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

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
  if (isPlainEnvelope(parsed)) return callOf(publish, service, parsed)
  const read = envelope.safeParse(parsed)
  if (read.success) return callOf(publish, service, read.data)
  const problems = read.error.issues.map(({ path, message }) => `${path.join('.') || 'envelope'}: ${message}`)
  return unreadable(publish, service, problems.join('; '), parsed)
}

/** Undefined for what is not JSON, where a Response Topic says that it need not be. */
function parse({ payload, properties }: ClientPublish): unknown {
  try {
    if (!isShallow(payload)) checkJson(payload)
    return JSON.parse(decoder.decode(payload))
  } catch (error) {
    if (properties?.responseTopic !== undefined) return undefined
    checkJson(payload) // says what is wrong, and where.
    throw error
  }
}

/** Whether JSON cannot be too deep, read without the scan that would tell: JSON.parse alone is several times faster. */
function isShallow(payload: Uint8Array): boolean {
  let opened = 0
  for (let at = 0; at < payload.length; at++) {
    const byte = payload[at]
    if ((byte === 0x5b || byte === 0x7b) && ++opened > MAX_JSON_DEPTH) return false
  }
  return true
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const isShort = (value: unknown): value is string => typeof value === 'string' && value !== '' && value.length <= 255

const isName = (value: unknown): value is string => isShort(value) && !NOT_IN_A_LEVEL.test(value)

/** What the schema takes, checked in a tenth of its time; what is refused here, the schema finds words for. */
function isPlainEnvelope(parsed: unknown): parsed is Envelope {
  if (!isObject(parsed)) return false
  const { messageId, callId, replyTo, headers, body } = parsed
  return (
    (messageId === undefined || isShort(messageId)) &&
    (callId === undefined || isName(callId)) &&
    (replyTo === undefined || (typeof replyTo === 'string' && replyTo !== '')) &&
    (headers === undefined || isObject(headers)) &&
    isObject(body) &&
    (body['function'] === undefined || isName(body['function'])) &&
    body['items'] === undefined &&
    body['batch_id'] === undefined
  )
}

function callOf(publish: ClientPublish, service: string, call: Envelope): CloudEvent {
  const { specversion, id, source } = head(publish)
  const messageId = call.messageId ?? id
  return {
    specversion,
    id: messageId,
    source,
    type: 'headgate.call',
    subject: service,
    datacontenttype: 'application/json',
    extensions: extensionsOf(publish, call),
    data: encoder.encode(JSON.stringify(parametersOf(call.body, messageId))),
  }
}

/** Those of a batch are its items and its name, which is the message's when it has none. */
const parametersOf = ({ batch_id, items, parameters = null }: Envelope['body'], messageId: string): unknown =>
  items === undefined ? parameters : { items, batch_id: batch_id ?? messageId }

function extensionsOf({ properties }: ClientPublish, { callId, replyTo, headers, body }: Envelope) {
  const extensions: Record<string, ExtensionValue> = {}
  const answer = replyTo ?? properties?.responseTopic
  const traceparent = headers?.['traceparent']
  if (callId !== undefined) extensions[CALL_EXTENSIONS.callId] = callId
  if (answer !== undefined) extensions[CALL_EXTENSIONS.replyTo] = answer
  extensions[CALL_EXTENSIONS.replyForm] = 'envelope'
  if (body.function !== undefined) extensions['function'] = body.function
  if (typeof traceparent === 'string') extensions['traceparent'] = traceparent
  return extensions
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
