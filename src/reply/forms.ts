/** Writes a reply in the form that the caller asked for. Pure. */

import { CALL_EXTENSIONS, type CloudEvent, extension, formatJsonEvent } from '../event/index.ts'
import { type Reply, replyTopic } from './reply.ts'

/** A message for the broker, in the terms of MQTT. */
export interface ReplyMessage {
  readonly topic: string
  readonly payload: Uint8Array
  readonly qos: 1
  readonly retain: false
  readonly properties?: {
    readonly contentType?: string
    readonly correlationData?: Uint8Array
    readonly userProperties: readonly (readonly [string, string])[]
  }
}

const EMPTY = new Uint8Array()
const encoder = new TextEncoder()
const decoder = new TextDecoder()
const isJson = (mediaType: string | undefined): boolean => mediaType !== undefined && /[/+]json\b/i.test(mediaType)
const isText = (mediaType: string | undefined): boolean => mediaType === undefined || /^text\//i.test(mediaType)

/** Returns the message that answers the call `event`: an envelope, an MQTT 5 response, or a CloudEvent. */
export function formatReply(reply: Reply, event: CloudEvent): ReplyMessage {
  const base = { topic: replyTopic(event, reply.callId), qos: 1, retain: false } as const
  switch (formOf(event)) {
    case 'envelope':
      return {
        ...base,
        payload: envelope(reply, event),
        properties: { contentType: 'application/json', userProperties: [...marks(reply), ...traceOf(event)] },
      }
    case 'event':
      return {
        ...base,
        payload: formatJsonEvent(replyEvent(reply, event)),
        properties: { contentType: 'application/cloudevents+json', userProperties: [] },
      }
    default:
      return { ...base, payload: reply.data ?? errorBody(reply), properties: response(reply, event) }
  }
}

/** An event that names its call is answered with an event: an MQTT 3 caller would see neither callId nor status of a bare answer. */
function formOf(event: CloudEvent): string | undefined {
  const { callId, replyForm, replyTo } = CALL_EXTENSIONS
  const isCall = extension(event, callId) !== undefined || extension(event, replyTo) !== undefined
  return extension(event, replyForm) ?? (isCall ? 'event' : undefined)
}

/** MQTT 5 [MQTT-3.3.2-16]: the Correlation Data goes back as it came. */
function response(reply: Reply, event: CloudEvent): NonNullable<ReplyMessage['properties']> {
  const correlation = extension(event, CALL_EXTENSIONS.correlationData)
  const contentType = reply.error ? 'application/json' : reply.datacontenttype
  return {
    userProperties: [...marks(reply), ...traceOf(event)],
    ...(contentType === undefined ? {} : { contentType }),
    ...(correlation === undefined ? {} : { correlationData: Buffer.from(correlation, 'base64') }),
  }
}

function marks({ callId, cold, error, status }: Reply): (readonly [string, string])[] {
  const told: (readonly [string, string])[] = [
    ['callid', callId],
    ['status', status],
  ]
  if (error) told.push(['errortype', error.type], ['errorcode', error.code])
  if (cold) told.push(['cold', 'true'])
  return told
}

/** The trace of the call goes out with its answer. */
const traceOf = (event: CloudEvent): (readonly [string, string])[] =>
  ['traceparent', 'tracestate'].flatMap((name) => {
    const value = extension(event, name)
    return value === undefined ? [] : [[name, value] as const]
  })

const errorBody = ({ error }: Reply): Uint8Array => (error ? encoder.encode(JSON.stringify({ error })) : EMPTY)

/** `{ callId, messageId?, status, cold?, body | error }`; JSON data is put in as it is, other text as a string, bytes as base64. */
function envelope(reply: Reply, event: CloudEvent): Uint8Array {
  const { callId, cold, status } = reply
  const head = cold ? { callId, messageId: event.id, status, cold } : { callId, messageId: event.id, status }
  if (reply.error) return encoder.encode(JSON.stringify({ ...head, error: reply.error }))
  const { member, text } = body(reply)
  return encoder.encode(`${JSON.stringify(head).slice(0, -1)},"${member}":${text}}`)
}

function body({ data, datacontenttype }: Reply): { readonly member: 'body' | 'bodyBase64'; readonly text: string } {
  if (data === undefined || data.length === 0) return { member: 'body', text: 'null' }
  if (isJson(datacontenttype) || datacontenttype === undefined) {
    const text = decoder.decode(data)
    if (isValidJson(text)) return { member: 'body', text }
  }
  if (isText(datacontenttype) || isJson(datacontenttype))
    return { member: 'body', text: JSON.stringify(decoder.decode(data)) }
  return { member: 'bodyBase64', text: JSON.stringify(Buffer.from(data).toString('base64')) }
}

function isValidJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

/** Returns the reply to the call `event` as an event. */
export function replyEvent(reply: Reply, event: CloudEvent): CloudEvent {
  const { callId, cold, data, datacontenttype, error, status } = reply
  const marked = { callid: callId, status, correlationid: event.id, ...Object.fromEntries(traceOf(event)) }
  return {
    specversion: '1.0',
    id: `${callId}/reply`,
    source: '/headgate/replies',
    type: status === 'ok' ? 'headgate.reply' : 'headgate.reply.error',
    time: new Date().toISOString(),
    extensions: cold ? { ...marked, cold } : marked,
    ...(error ? { datacontenttype: 'application/json', data: encoder.encode(JSON.stringify(error)) } : {}),
    ...(data && datacontenttype !== undefined ? { datacontenttype } : {}),
    ...(data ? { data } : {}),
  }
}
