/** What is written is what is read: properties of every format and binding. */

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { anyEvent, attributeText } from './arbitrary.ts'
import { formatJsonBatch, parseJsonBatch } from './batch.ts'
import { decodeEvent, encodeEvent } from './codec.ts'
import type { CloudEvent } from './event.ts'
import { formatHttpBatch, formatHttpBinary, formatHttpStructured, parseHttpEvent, parseHttpEvents } from './http.ts'
import { formatJsonEvent, parseJsonEvent } from './json.ts'
import { isJsonType } from './text.ts'
import { validateEvent } from './validate.ts'

const bytes = (data: Uint8Array | undefined) => data && Buffer.from(data)
const plain = (event: CloudEvent) => ({ ...event, ...(event.data && { data: bytes(event.data) }) })
/** White space around JSON is no part of it. */
const trimmed = (event: CloudEvent) => {
  if (event.data === undefined || !isJsonType(event.datacontenttype)) return plain(event)
  const text = Buffer.from(event.data).toString('latin1')
  return { ...event, data: Buffer.from(isJson(text) ? text.replace(/^[ \t\r\n]+|[ \t\r\n]+$/g, '') : text, 'latin1') }
}
const isJson = (latin1: string) => {
  try {
    JSON.parse(Buffer.from(latin1, 'latin1').toString())
    return true
  } catch {
    return false
  }
}
/** The binary binding: extensions are text, an empty body is none. */
const asText = ({ extensions, data, ...event }: CloudEvent) => ({
  ...event,
  ...(extensions && { extensions: Object.fromEntries(Object.entries(extensions).map(([k, v]) => [k, String(v)])) }),
  ...(data && data.length > 0 && { data: bytes(data) }),
})
/** Checks many events; what `expect` returns is not the property's answer. */
const check = (run: (event: CloudEvent) => void): void => {
  fc.assert(fc.property(anyEvent, (event) => void run(event)))
}
const none = new Uint8Array()

test('made-up events are valid', () => {
  check((event) => expect(validateEvent(event)).toEqual([]))
})

test('JSON', () => {
  check((event) => expect(plain(parseJsonEvent(formatJsonEvent(event)))).toEqual(trimmed(event)))
})

test('JSON batch', () => {
  const events = fc.array(anyEvent, { maxLength: 5 })
  const property = fc.property(events, (all) => {
    expect(parseJsonBatch(formatJsonBatch(all)).map(plain)).toEqual(all.map(trimmed))
  })
  fc.assert(property, { numRuns: 50 })
})

test('HTTP binary, structured, batch', () => {
  fc.assert(
    fc.property(anyEvent, (event) => {
      const binary = formatHttpBinary(event)
      for (const value of Object.values(binary.headers)) expect(value).toMatch(/^[\x20-\x7e]*$/)
      expect(plain(parseHttpEvent(binary.headers, binary.body ?? none))).toEqual(asText(event))
      const structured = formatHttpStructured(event)
      expect(plain(parseHttpEvent(structured.headers, structured.body ?? none))).toEqual(trimmed(event))
      const batch = formatHttpBatch([event])
      expect(parseHttpEvents(batch.headers, batch.body ?? none).map(plain)).toEqual([trimmed(event)])
    }),
  )
})

test('the binary form of the journal', () => {
  check((event) => expect(plain(decodeEvent(encodeEvent(event)))).toEqual(plain(event)))
})

test('a header that was quoted, or holds raw UTF-8, reads as what it says', () => {
  fc.assert(
    fc.property(attributeText, (subject) => {
      const base = { 'ce-specversion': '1.0', 'ce-id': '1', 'ce-source': '/', 'ce-type': 't' }
      const escaped = subject.replace(/%/g, '%25').replace(/[\\"]/g, '\\$&')
      const raw = Buffer.from(`"${escaped}"`).toString('latin1')
      expect(parseHttpEvent({ ...base, 'ce-subject': raw }, none).subject).toBe(subject)
    }),
  )
})

test('any bytes at all are an event or EVENT_INVALID, never anything else', () => {
  const noise = fc.oneof(
    fc.uint8Array(),
    fc.json().map((text) => Buffer.from(text)),
    fc
      .tuple(anyEvent, fc.nat(), fc.nat(255))
      .map(([event, at, byte]) => formatJsonEvent(event).map((old, i, all) => (i === at % all.length ? byte : old))),
  )
  fc.assert(
    fc.property(noise, (data) => {
      for (const parse of [parseJsonEvent, parseJsonBatch]) {
        try {
          parse(data)
        } catch (error) {
          expect(error).toMatchObject({ code: 'EVENT_INVALID' })
        }
      }
    }),
    { numRuns: 500 },
  )
})
