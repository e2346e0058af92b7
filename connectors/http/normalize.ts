/** Request -> CloudEvent, pure: what already is an event passes through, everything else becomes `headgate.http.request`. */

import {
  CALL_EXTENSIONS,
  type CloudEvent,
  type Context,
  checkEvent,
  type ExtensionValue,
  extension,
  type HttpHeaders,
  httpMode,
  parseHttpEvent,
  STRUCTURED_TYPE,
  withExtensions,
} from '#connector'
import { HttpProblem, refuse } from './problem.ts'

/** A request as it came in, body read. */
export interface HttpRequest {
  readonly method: string
  readonly path: string
  readonly query: string
  readonly headers: HttpHeaders
  readonly body: Uint8Array
}

/** What the request does not say itself. */
export interface Given {
  /** The name of the source. */
  readonly name: string
  /** A fresh UUIDv7, for a request without an Idempotency-Key. */
  readonly id: string
  /** Milliseconds since the epoch. */
  readonly now: number
}

/** Returns the event that a request to a route is. Throws EVENT_INVALID, or 415 for an event in an unknown format. */
export function normalizeRequest(request: HttpRequest, given: Given): CloudEvent {
  if (httpMode(request.headers) !== undefined) return eventOf(request)
  const { method, path, query } = request
  return plainEvent(request, given, 'headgate.http.request', path, { method, ...(query === '' ? {} : { query }) })
}

/**
 * Returns the event that a call of a function by its name is; its data are the JSON parameters. Of `<service>/<function>`
 * the service is the subject and the function the extension `function`, as in a call over MQTT.
 */
export function normalizeCall(request: HttpRequest, given: Given, name: string): CloudEvent {
  const [subject = '', as] = name.split('/')
  const extensions = as === undefined ? {} : { function: as }
  if (httpMode(request.headers) === undefined) return plainEvent(request, given, 'headgate.call', subject, extensions)
  const event = eventOf(request)
  return as === undefined ? event : withExtensions(event, extensions)
}

/** Adds the W3C trace context of the request to an event that has none of its own. */
export function traced(event: CloudEvent, headers: HttpHeaders): CloudEvent {
  const traceparent = headers['traceparent']
  if (typeof traceparent !== 'string' || event.extensions?.['traceparent'] !== undefined) return event
  if (!isTraceparent(traceparent)) return event
  const tracestate = headers['tracestate']
  // A tab may separate its members; no attribute may hold one.
  return withExtensions(
    event,
    typeof tracestate === 'string' ? { traceparent, tracestate: tracestate.replaceAll('\t', ' ') } : { traceparent },
  )
}

/** The key with which a repeated request is known again; the quotes of a structured field are no part of it. */
export function idempotencyKey(headers: HttpHeaders): string | undefined {
  const value = headers['idempotency-key']
  if (typeof value !== 'string') return undefined
  const key = value.replace(/^"(.*)"$/, '$1')
  if (key === '' || key.length > 255)
    throw new HttpProblem(400, 'EVENT_INVALID', 'idempotency-key must have 1 to 255 characters')
  return key
}

/** Returns the event. Throws when it names a call or a reply topic that a caller over HTTP may not name. */
export function checkCallNames(event: CloudEvent, { name, broker }: Pick<Context, 'name' | 'broker'>): CloudEvent {
  const callId = extension(event, CALL_EXTENSIONS.callId)
  if (callId !== undefined && (callId === '' || callId.length > 255 || TOPIC_SIGNS.test(callId)))
    throw refuse('EVENT_INVALID', name, `reading callid: it must have 1 to 255 characters, without +, # and /`)
  const replyTo = extension(event, CALL_EXTENSIONS.replyTo)
  if (replyTo !== undefined && (replyTo === '' || /^\$|[+#]/.test(replyTo)))
    throw refuse('REPLY_TOPIC_REFUSED', name, `reading replyto: it must be a topic, without +, # and $ in front`)
  if (replyTo !== undefined && !broker.mayPublish(replyTo))
    throw refuse(
      'REPLY_TOPIC_REFUSED',
      name,
      'reading replyto: nothing can be published on it; see broker.limits.max_topic_levels',
    )
  return event
}

const TRACEPARENT = /^(?!ff)([0-9a-f]{2})-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}(-.*)?$/
const ALL_ZERO = /-0{32}-|-0{16}-/
/** Versions after 00 may have more at the end: Trace Context, 4.3. */
function isTraceparent(text: string): boolean {
  const [whole, version, more] = TRACEPARENT.exec(text) ?? []
  return whole !== undefined && !ALL_ZERO.test(text) && (version !== '00' || more === undefined)
}

const TOPIC_SIGNS = /[+#/]/

function eventOf({ headers, body }: HttpRequest): CloudEvent {
  const mode = httpMode(headers)
  if (mode === 'unknown')
    throw new HttpProblem(
      415,
      'EVENT_INVALID',
      `content-type ${headers['content-type']} is no format that is read here; send ${STRUCTURED_TYPE}`,
      { accept: STRUCTURED_TYPE },
    )
  return parseHttpEvent(headers, body)
}

function plainEvent(
  { headers, body }: HttpRequest,
  { name, id, now }: Given,
  type: string,
  subject: string,
  extensions: Readonly<Record<string, ExtensionValue>>,
): CloudEvent {
  const contentType = headers['content-type']
  return checkEvent(
    {
      specversion: '1.0',
      id: idempotencyKey(headers) ?? id,
      source: `/http/${encodeURIComponent(name)}`,
      type,
      subject,
      time: new Date(now).toISOString(),
      ...(typeof contentType === 'string' ? { datacontenttype: contentType } : {}),
      extensions,
      ...(body.length === 0 ? {} : { data: body }),
    },
    `${name} (http): reading the request`,
  )
}
