/** The JSON format: exact bytes, clear refusals, and texts made to break a parser. */

import { expect, test } from 'vitest'
import { formatJsonEvent, parseJsonEvent } from './json.ts'
import { MAX_JSON_DEPTH } from './scan.ts'

const bytes = (text: string) => new TextEncoder().encode(text)
const text = (data: Uint8Array | undefined) => (data === undefined ? undefined : new TextDecoder().decode(data))
const HEAD = '"specversion":"1.0","id":"1","source":"/s","type":"t"'
const withData = (data: string, more = '') => parseJsonEvent(bytes(`{${HEAD}${more},"data":${data}}`))

test.each([
  '1.0',
  '12345678901234567890',
  '1E400',
  '{"a" : [1.50, 1e2],\n "b":"\\u00e9\\/"}',
  '"text"',
  'null',
  'false',
  '[]',
  '"\\\\"',
  '"a\\"},{"',
  '"é 🚀"',
])('data %s survives byte for byte', (data) => {
  const event = withData(data)
  expect(text(event.data)).toBe(data)
  expect(event.datacontenttype).toBe('application/json')
  expect(text(parseJsonEvent(formatJsonEvent(event)).data)).toBe(data)
})

test('data is found wherever it stands, also behind an escaped key and between white space', () => {
  const event = parseJsonEvent(bytes(` { "d\\u0061ta" :\n [1.0] , ${HEAD}, "note": "\\"data\\":1" }\n`))
  expect(text(event.data)).toBe('[1.0]')
  expect(event.extensions).toEqual({ note: '"data":1' })
})

test('attributes keep characters that take several bytes, and data after them is still exact', () => {
  const event = parseJsonEvent(bytes(`{${HEAD},"subject":"Zürich 🚀","data":{"n":1.0}}`))
  expect(event.subject).toBe('Zürich 🚀')
  expect(text(event.data)).toBe('{"n":1.0}')
})

test('data is absent, empty, or bytes, as sent', () => {
  expect(parseJsonEvent(bytes(`{${HEAD}}`))).toEqual({ specversion: '1.0', id: '1', source: '/s', type: 't' })
  expect(parseJsonEvent(bytes(`{${HEAD},"data_base64":""}`)).data).toEqual(Buffer.alloc(0))
  expect([...(parseJsonEvent(bytes(`{${HEAD},"data_base64":"AP8="}`)).data ?? [])]).toEqual([0, 255])
  expect(text(withData('"a\\nb"', ',"datacontenttype":"text/plain"').data)).toBe('a\nb')
  expect(text(withData('"<x/>"', ',"datacontenttype":"application/xml"').data)).toBe('<x/>')
})

test('an attribute that is null is absent', () => {
  expect(parseJsonEvent(bytes(`{${HEAD},"subject":null,"ext":null}`))).not.toHaveProperty('subject')
})

test('extensions keep their types', () => {
  const event = parseJsonEvent(bytes(`{${HEAD},"n":-7,"b":true,"s":"x","constructor":"c"}`))
  expect(event.extensions).toEqual({ n: -7, b: true, s: 'x', constructor: 'c' })
})

test.each([
  ['', /not JSON: it ends too early/],
  ['{', /not JSON/],
  [`{${HEAD}`, /not JSON/],
  [`{${HEAD},"data":{"a":}}`, /not JSON: unexpected "}" at byte 67/],
  [`{${HEAD},"data":01}`, /not JSON/],
  [`{${HEAD}} x`, /not JSON/],
  ['[]', /expected an object at byte 0/],
  ['7', /expected an object/],
  [`{${HEAD},"id":"2"}`, /"id" stands twice/],
  [`{${HEAD},"data":1,"d\\u0061ta":2}`, /"data" stands twice/],
  [`{${HEAD},"data":1,"data_base64":"AA=="}`, /both "data" and "data_base64"/],
  [`{${HEAD},"data_base64":"A"}`, /not base64/],
  [`{${HEAD},"data_base64":"A_=="}`, /not base64/],
  [`{${HEAD},"__proto__":{"polluted":true}}`, /"__proto__" cannot name an extension/],
  [`{${HEAD},"Bad":"1"}`, /"Bad" cannot name an extension/],
  [`{${HEAD},"ext":{"a":1}}`, /extension "ext" is an object/],
  [`{${HEAD},"ext":1.5}`, /extension "ext" is 1.5; numbers are whole/],
  [`{${HEAD},"ext":2147483648}`, /numbers are whole/],
  [`{${HEAD},"subject":"a\\u0000b"}`, /"subject" is "a\\u0000b"/],
  [`{${HEAD},"subject":"\\ud800"}`, /"subject"/],
  [`{${HEAD},"datacontenttype":"text/plain","data":"\\ud800"}`, /surrogate/],
  ['{"specversion":"1.0","id":"","source":"/s","type":"t"}', /"id" is empty/],
  ['{"specversion":"0.3","id":"1","source":"/s","type":"t"}', /"specversion" is "0.3"; only "1.0"/],
  ['{"id":7}', /"specversion" is missing.*"id" is 7; it must be a string.*"source" is missing.*"type" is missing/],
])('refuses %s', (json, message) => {
  expect(() => parseJsonEvent(bytes(json))).toThrow(expect.objectContaining({ code: 'EVENT_INVALID' }))
  expect(() => parseJsonEvent(bytes(json))).toThrow(message)
  expect(Object.prototype).not.toHaveProperty('polluted')
})

test('refuses bytes that are not UTF-8', () => {
  expect(() => parseJsonEvent(Uint8Array.of(0x7b, 0xff, 0x7d))).toThrow(/not UTF-8/)
})

test.each(['[', '{"a":'])('refuses a depth bomb of %s at once, wherever it stands', (open) => {
  const bomb = open.repeat(500_000)
  for (const json of [`{${HEAD},"data":${bomb}`, `{"ext":${bomb}`, bomb]) {
    const started = performance.now()
    expect(() => parseJsonEvent(bytes(json))).toThrow(expect.objectContaining({ code: 'EVENT_INVALID' }))
    expect(performance.now() - started).toBeLessThan(2_000)
  }
})

test('takes the deepest data that is allowed, and writes deeper data as base64', () => {
  const deep = (levels: number) => '['.repeat(levels) + ']'.repeat(levels)
  expect(text(withData(deep(MAX_JSON_DEPTH)).data)).toBe(deep(MAX_JSON_DEPTH))
  expect(() => withData(deep(MAX_JSON_DEPTH + 1))).toThrow(/nested deeper than 128 levels/)
  const event = { ...withData('0'), data: bytes(deep(MAX_JSON_DEPTH + 1)) }
  expect(text(formatJsonEvent(event))).toContain('data_base64')
  expect(parseJsonEvent(formatJsonEvent(event)).data).toEqual(Buffer.from(event.data))
})

test('data that only claims to be JSON is written as base64', () => {
  const event = { ...withData('0'), data: bytes('{"a":1}}{') }
  expect(text(parseJsonEvent(formatJsonEvent(event)).data)).toBe('{"a":1}}{')
})
