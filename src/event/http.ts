/** The HTTP binding of CloudEvents 1.0.2: binary, structured and batch messages. */

import { isUtf8 } from 'node:buffer'
import { GatewayError } from '../errors.ts'
import { attributeTexts, eventFromTexts } from './attributes.ts'
import { formatJsonBatch, parseJsonBatch } from './batch.ts'
import type { CloudEvent } from './event.ts'
import { formatJsonEvent, parseJsonEvent } from './json.ts'
import { mediaType } from './text.ts'
import { shown } from './validate.ts'

/** Headers as Node gives them: names in lower case. */
export type HttpHeaders = Readonly<Record<string, string | readonly string[] | undefined>>

/** A message of the HTTP binding; header names in lower case. */
export interface HttpMessage {
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array | undefined
}

export const STRUCTURED_TYPE = 'application/cloudevents+json'
export const BATCH_TYPE = 'application/cloudevents-batch+json'
const DOING = 'event (http): reading headers'
/** What may stand in a header as it is: U+0021 to U+007E but for " and %. */
const PLAIN = /^[\x21\x23\x24\x26-\x7e]*$/

/**
 * Tells how a message carries an event. `unknown` is an event in a format that is not read here; undefined is no event
 * at all.
 */
export function httpMode(headers: HttpHeaders): 'binary' | 'structured' | 'batch' | 'unknown' | undefined {
  const contentType = headers['content-type']
  if (typeof contentType === 'string') {
    const type = mediaType(contentType)
    if (type === STRUCTURED_TYPE) return 'structured'
    if (type === BATCH_TYPE) return 'batch'
    if (type.startsWith('application/cloudevents')) return 'unknown'
  }
  return headers['ce-specversion'] !== undefined || headers['ce-id'] !== undefined || headers['ce-type'] !== undefined
    ? 'binary'
    : undefined
}

/** Reads the events of a message: one, or those of a batch. Data are views of `body`. Throws EVENT_INVALID. */
export function parseHttpEvents(headers: HttpHeaders, body: Uint8Array): readonly CloudEvent[] {
  return httpMode(headers) === 'batch' ? parseJsonBatch(body) : [parseHttpEvent(headers, body)]
}

/** Reads the one event of a binary or structured message. Throws EVENT_INVALID that says what is wrong and where. */
export function parseHttpEvent(headers: HttpHeaders, body: Uint8Array): CloudEvent {
  switch (httpMode(headers)) {
    case 'structured':
      return parseJsonEvent(body)
    case 'binary':
      return parseBinary(headers, body)
    case 'batch':
      throw invalid(`a batch where one event is wanted`)
    case 'unknown':
      throw invalid(`content-type ${shown(headers['content-type'])} is not read here; send ${STRUCTURED_TYPE}`)
    default:
      throw invalid(
        `no CloudEvent; send ce-id, ce-source, ce-type and ce-specversion, or content-type ${STRUCTURED_TYPE}`,
      )
  }
}

/** Writes an event in binary mode: attributes as `ce-` headers, data as the body. */
export function formatHttpBinary(event: CloudEvent): HttpMessage {
  const headers: Record<string, string> = {}
  for (const [name, text] of attributeTexts(event)) headers[`ce-${name}`] = encodeHeader(text)
  if (event.datacontenttype !== undefined) headers['content-type'] = event.datacontenttype
  return { headers, body: event.data }
}

/** Writes an event in structured mode. */
export const formatHttpStructured = (event: CloudEvent): HttpMessage => ({
  headers: { 'content-type': STRUCTURED_TYPE },
  body: formatJsonEvent(event),
})

/** Writes events as one batch. */
export const formatHttpBatch = (events: readonly CloudEvent[]): HttpMessage => ({
  headers: { 'content-type': BATCH_TYPE },
  body: formatJsonBatch(events),
})

function parseBinary(headers: HttpHeaders, body: Uint8Array): CloudEvent {
  const texts: [string, string][] = []
  for (const header in headers) {
    if (!header.startsWith('ce-')) continue
    const value = headers[header]
    if (typeof value !== 'string') continue
    if (header === 'ce-datacontenttype') throw invalid(`"ce-datacontenttype" is not a header; content-type carries it`)
    texts.push([header.slice(3), decodeHeader(header, value)])
  }
  const contentType = headers['content-type']
  // HTTP cannot tell an empty body from none.
  const data = body.length === 0 ? undefined : body
  return eventFromTexts(texts, typeof contentType === 'string' ? contentType : undefined, data, DOING)
}

/** Percent-encodes what a header cannot carry (HTTP binding 3.1.3.2): space, ", % and all outside U+0021 to U+007E. */
export const encodeHeader = (text: string): string =>
  PLAIN.test(text) ? text : text.replace(/[^\x21\x23\x24\x26-\x7e]+/g, encodeRun)

const encodeRun = (run: string): string =>
  Buffer.from(run, 'utf8').reduce((out, byte) => `${out}%${byte.toString(16).toUpperCase().padStart(2, '0')}`, '')

/** Undoes quoting, then one round of percent-encoding. Throws EVENT_INVALID when what comes out is not UTF-8. */
function decodeHeader(header: string, value: string): string {
  const text =
    value.length > 1 && value.startsWith('"') && value.endsWith('"')
      ? value.slice(1, -1).replace(/\\(.)/g, '$1')
      : value
  if (PLAIN.test(text)) return text
  const utf8 = rawUtf8(text)
  try {
    if (utf8 !== undefined) return decodeURIComponent(utf8)
  } catch {}
  throw invalid(`"${header}" is ${shown(value)}, which is not percent-encoded UTF-8; write "%" as %25`)
}

/** Node hands header bytes over one character a byte. Those that were raw UTF-8 are read as that; undefined when they were not. */
function rawUtf8(text: string): string | undefined {
  if (/^[\x20-\x7e\t]*$/.test(text)) return text
  const bytes = Buffer.from(text, 'latin1')
  return isUtf8(bytes) ? bytes.toString('utf8') : undefined
}

const invalid = (what: string): GatewayError => new GatewayError('EVENT_INVALID', `${DOING}: ${what}`)
