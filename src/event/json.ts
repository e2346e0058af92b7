/** The JSON event format of CloudEvents 1.0.2: data stays the very bytes of the text, whatever a number would become. */

import { isAscii, isUtf8 } from 'node:buffer'
import { GatewayError } from '../errors.ts'
import { assemble } from './attributes.ts'
import type { CloudEvent } from './event.ts'
import { checkText, type Span, scanObject } from './scan.ts'
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
  // One character a byte, so that what is found in the text is found in the bytes.
  const text = asBuffer(bytes).toString('latin1')
  const { data, names } = findMembers(text)
  // What the scan has checked need not be built to be checked again: a null stands in for data.
  const rest = data === undefined ? text : `${text.slice(0, data.start)}null${text.slice(data.end)}`
  const members = JSON.parse(isAscii(bytes) ? rest : utf8(rest)) as Members
  if (Object.keys(members).length < names.length) throw twice(names)
  return checkEvent(build(members, data && bytes.subarray(data.start, data.end)), DOING)
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

/** The text that UTF-8 bytes mean, given one character a byte. */
const utf8 = (latin1: string): string => Buffer.from(latin1, 'latin1').toString('utf8')

/** Where the value of `data` lies, and the names of all members as they are meant. */
function findMembers(text: string): { readonly data: Span | undefined; readonly names: readonly string[] } {
  const names: string[] = []
  let data: Span | undefined
  scanObject(text, (raw, start, end) => {
    const name = raw.includes('\\') ? String(JSON.parse(`"${raw}"`)) : raw
    if (name === 'data') {
      if (data !== undefined) throw twice(['data', 'data'])
      data = { start, end }
    }
    names.push(name)
  })
  return { data, names }
}

/** Readers would differ on which of the two holds. */
function twice(names: readonly string[]): GatewayError {
  const name = names.find((each, at) => names.indexOf(each) < at) ?? ''
  return invalid(`${shown(utf8(name))} stands twice`)
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
  const value: unknown = JSON.parse(asBuffer(slice).toString('utf8'))
  if (typeof value !== 'string') return slice
  if (!value.isWellFormed()) throw invalid('"data" holds half of a surrogate pair, which no UTF-8 text has')
  return encoder.encode(value)
}

/** Checks that bytes are one JSON text that is not too deep, without building it. Throws EVENT_INVALID that says why not. */
export function checkJson(bytes: Uint8Array): void {
  if (!isUtf8(bytes)) throw invalid('not UTF-8 text')
  checkText(asBuffer(bytes).toString('latin1'))
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
