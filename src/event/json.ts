/** The JSON event format of CloudEvents 1.0.2: data stays the very bytes of the text, whatever a number would become. */

import { isAscii, isUtf8 } from 'node:buffer'
import { GatewayError } from '../errors.ts'
import { assemble } from './attributes.ts'
import type { CloudEvent } from './event.ts'
import { checkDepth, type Span, scanJson } from './scan.ts'
import { isJsonType, mediaType } from './text.ts'
import { checkEvent, shown } from './validate.ts'

const DOING = 'event (json): reading'
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/
const COMMA = 0x2c
const CLOSE = 0x7d
const encoder = new TextEncoder()

/**
 * Reads an event of `application/cloudevents+json`. JSON data is a view of `bytes`, not a copy. A member that is null is
 * absent, `data` excepted: there it is the JSON value. Throws EVENT_INVALID that says what is wrong and where.
 */
export function parseJsonEvent(bytes: Uint8Array): CloudEvent {
  if (!isUtf8(bytes)) throw invalid(`not UTF-8 text; send other bytes as data_base64`)
  const buffer = asBuffer(bytes)
  // One character a byte, so that what is found in the text is found in the bytes.
  const text = buffer.toString('latin1')
  const span = dataSpan(text)
  const members = parseText(isAscii(bytes) ? text : buffer.toString('utf8'))
  if (typeof members !== 'object' || members === null || Array.isArray(members))
    throw invalid(`expected an object, got ${shown(members)}`)
  return checkEvent(build(members as Members, span && bytes.subarray(span.start, span.end)), DOING)
}

/**
 * Writes an event as `application/cloudevents+json`: JSON data as it is, text of a text type as a string, everything
 * else as base64. White space around JSON data is not kept; nothing else of it changes.
 */
export function formatJsonEvent(event: CloudEvent): Uint8Array {
  const { data, extensions, ...attributes } = event
  const head = { ...attributes, ...extensions }
  if (data === undefined) return encoder.encode(JSON.stringify(head))
  if (isJsonType(event.datacontenttype) && isJson(data)) return withRawData(JSON.stringify(head), data)
  if (isTextType(event.datacontenttype) && isUtf8(data))
    return encoder.encode(JSON.stringify({ ...head, data: asBuffer(data).toString('utf8') }))
  return encoder.encode(JSON.stringify({ ...head, data_base64: asBuffer(data).toString('base64') }))
}

type Members = Readonly<Record<string, unknown>>

const isTextType = (contentType: string | undefined): boolean =>
  contentType !== undefined && mediaType(contentType).startsWith('text/') && !isJsonType(contentType)

/** Returns the same bytes, not a copy, with Node's methods for text. */
export const asBuffer = (bytes: Uint8Array): Buffer =>
  Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)

/** Parses text that came from outside; the error says where it stops being JSON and shows nothing of it. */
export function parseText(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw invalid(`not JSON: ${jsonProblem(error instanceof Error ? error.message : '')}`)
  }
}

/** V8 names the position or the character, not both, and quotes the text around it, which is not ours to show. */
function jsonProblem(message: string): string {
  const [place] = /at position \d+/.exec(message) ?? []
  if (place !== undefined) return `it stops being JSON ${place}`
  const token = /^Unexpected token '(.)'/su.exec(message)?.[1]
  return token === undefined ? 'it ends too early' : `unexpected ${shown(token)}`
}

/** Where the value of `data` lies. A member that comes twice is refused: readers would differ on which one holds. */
function dataSpan(text: string): Span | undefined {
  const seen = new Set<string>()
  let span: Span | undefined
  scanJson(text, (raw, start, end) => {
    const key = raw.includes('\\') ? String(parseText(`"${raw}"`)) : raw
    if (seen.has(key)) throw invalid(`${shown(key)} stands twice, again at byte ${start}`)
    seen.add(key)
    if (key === 'data') span = { start, end }
  })
  return span
}

function build(members: Members, slice: Uint8Array | undefined): CloudEvent {
  const attributes = Object.entries(members).filter(([name]) => name !== 'data' && name !== 'data_base64')
  // The format implies JSON where no type is given; said here, it survives the change to another format.
  return assemble(attributes, slice && 'application/json', readData(members, slice))
}

function readData(members: Members, slice: Uint8Array | undefined): Uint8Array | undefined {
  const base64 = members['data_base64']
  if (base64 !== undefined && base64 !== null) {
    if (slice !== undefined) throw invalid('has both "data" and "data_base64"; send one')
    if (typeof base64 !== 'string' || base64.length % 4 !== 0 || !BASE64.test(base64))
      throw invalid('"data_base64" is not base64 (RFC 4648, section 4, with padding)')
    return Buffer.from(base64, 'base64')
  }
  const type = members['datacontenttype']
  if (slice === undefined || typeof type !== 'string' || isJsonType(type)) return slice
  const value = members['data']
  if (typeof value !== 'string') return slice
  if (!value.isWellFormed()) throw invalid('"data" holds half of a surrogate pair, which no UTF-8 text has')
  return encoder.encode(value)
}

/** Checks that bytes are one JSON text that is not too deep, without keeping it. Throws EVENT_INVALID that says why not. */
export function checkJson(bytes: Uint8Array): void {
  if (!isUtf8(bytes)) throw invalid('not UTF-8 text')
  const text = asBuffer(bytes).toString('latin1')
  checkDepth(text)
  parseText(text)
}

function isJson(data: Uint8Array): boolean {
  try {
    checkJson(data)
    return true
  } catch {
    return false
  }
}

/** Puts `,"data":<data>` before the closing brace. */
function withRawData(head: string, data: Uint8Array): Uint8Array {
  const start = encoder.encode(head)
  const name = encoder.encode('"data":')
  const bytes = new Uint8Array(start.length + name.length + data.length + 1)
  bytes.set(start)
  bytes[start.length - 1] = COMMA
  bytes.set(name, start.length)
  bytes.set(data, start.length + name.length)
  bytes[bytes.length - 1] = CLOSE
  return bytes
}

const invalid = (what: string): GatewayError => new GatewayError('EVENT_INVALID', `${DOING}: ${what}`)
