/** The npm `cloudevents` SDK as the oracle where it is right, and each known fault of its version 10.0.0 by name. */

import { HTTP, CloudEvent as SdkEvent, ValidationError } from 'cloudevents'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { anyEvent } from './arbitrary.ts'
import type { CloudEvent } from './event.ts'
import { formatHttpBinary, formatHttpStructured, parseHttpEvent } from './http.ts'
import { parseJsonEvent } from './json.ts'
import { validateEvent } from './validate.ts'

const none = new Uint8Array()
const bytes = (text: unknown) => new TextEncoder().encode(String(text))
const EVENT: CloudEvent = { specversion: '1.0', id: '1', source: '/s', type: 't' }
const BASE = { 'ce-specversion': '1.0', 'ce-id': '1', 'ce-source': '/s', 'ce-type': 't' }

/** Data that the SDK handles right: a JSON object, or plain text that is not empty. */
const body = fc.oneof(
  fc
    .dictionary(fc.stringMatching(/^[a-z]{1,8}$/), fc.integer(), { minKeys: 1, noNullPrototype: true })
    .map((value) => ({
      datacontenttype: 'application/json',
      data: bytes(JSON.stringify(value)),
    })),
  fc.stringMatching(/^[a-z ]{1,20}$/).map((text) => ({ datacontenttype: 'text/plain', data: bytes(text) })),
)
/** Attributes that the SDK handles right: no time (precision is lost), nothing falsy, nothing to escape in a header. */
const ascii = fc.stringMatching(/^[A-Za-z0-9./-]{1,20}$/)
const tame = fc
  .tuple(
    anyEvent,
    ascii,
    ascii,
    ascii,
    fc.dictionary(fc.stringMatching(/^x[a-z0-9]{1,9}$/), ascii, { noNullPrototype: true }),
    body,
  )
  .map(
    ([{ source }, id, type, subject, extensions, data]): CloudEvent => ({
      ...EVENT,
      ...data,
      id,
      type,
      subject,
      source: source.replace(/[^A-Za-z0-9/]/g, 'a') || '/',
      ...(Object.keys(extensions).length > 0 && { extensions }),
    }),
  )
const text = (data: unknown) => (typeof data === 'string' ? data : JSON.stringify(data))
const sdk = (event: CloudEvent) => {
  const { data, extensions, ...attributes } = event
  const value = data && Buffer.from(data).toString()
  const parsed = event.datacontenttype === 'application/json' && value ? JSON.parse(value) : value
  return new SdkEvent({ ...attributes, ...extensions, data: parsed })
}
const ours = (event: CloudEvent) => ({ ...event, data: event.data && Buffer.from(event.data).toString() })
const theirs = (event: unknown) => {
  const { time: _, data, ...attributes } = (event as SdkEvent<unknown>).toJSON()
  return { ...attributes, data: text(data) }
}
const flat = ({ extensions, ...event }: CloudEvent) => ({ ...ours(event), ...extensions })

describe('both agree', () => {
  test('what we write, the SDK reads', () => {
    fc.assert(
      fc.property(tame, (event) => {
        for (const { headers, body: data } of [formatHttpBinary(event), formatHttpStructured(event)])
          expect(theirs(HTTP.toEvent({ headers, body: Buffer.from(data ?? none).toString() }))).toEqual(flat(event))
      }),
    )
  })

  test('what the SDK writes, we read', () => {
    fc.assert(
      fc.property(tame, (event) => {
        for (const { headers, body: data } of [HTTP.binary(sdk(event)), HTTP.structured(sdk(event))]) {
          const read = parseHttpEvent(headers as Record<string, string>, bytes(data))
          const { time: _, ...rest } = ours(read)
          expect(rest).toEqual(ours(event))
        }
      }),
    )
  })

  test.each(['id', 'source', 'type', 'specversion'])('an event without %s is refused', (name) => {
    const { [name as 'id']: _, ...json } = { ...EVENT, time: '2026-01-31T12:00:00Z' } as Record<string, unknown>
    expect(() => parseJsonEvent(bytes(JSON.stringify(json)))).toThrow()
    if (name === 'source' || name === 'type') expect(() => new SdkEvent(json)).toThrow(ValidationError)
  })
})

// Each of these says what the SDK does; when a new version does better, the test fails and the binding can be thrown out.
describe('known faults of the SDK', () => {
  const structured = (json: object, type = 'application/cloudevents+json') =>
    HTTP.toEvent({
      headers: { 'content-type': type },
      body: JSON.stringify({ ...EVENT, ...json }),
    }) as SdkEvent<unknown>

  test.each([
    'application/cloudevents+json; charset=UTF-8',
    'application/cloudevents+json;charset=utf-8',
    'Application/CloudEvents+json',
  ])('it refuses %s', (type) => {
    expect(() => structured({}, type)).toThrow()
    expect(parseHttpEvent({ 'content-type': type }, bytes(JSON.stringify(EVENT)))).toEqual(EVENT)
  })

  test('it replaces an empty id by a new one', () => {
    expect(structured({ id: '' }).id).not.toBe('')
    expect(validateEvent({ ...EVENT, id: '' })).toEqual(['"id" is empty'])
  })

  test('it takes an extension that is an object', () => {
    expect(structured({ ext: { a: 1 } })['ext']).toEqual({ a: 1 })
    expect(() => parseJsonEvent(bytes(JSON.stringify({ ...EVENT, ext: { a: 1 } })))).toThrow(/an object/)
  })

  test('it loses the precision and the zone of a time', () => {
    const time = '2026-01-31T12:00:00.123456+02:00'
    expect(structured({ time }).time).not.toBe(time)
    expect(parseJsonEvent(bytes(JSON.stringify({ ...EVENT, time }))).time).toBe(time)
  })

  test('it neither decodes nor encodes header values', () => {
    const message = { headers: { ...BASE, 'ce-subject': 'a%20b' }, body: '' }
    expect((HTTP.toEvent(message) as SdkEvent<unknown>).subject).toBe('a%20b')
    expect(parseHttpEvent(message.headers, none).subject).toBe('a b')
    expect(HTTP.binary(sdk({ ...EVENT, subject: 'ü' })).headers['ce-subject']).toBe('ü')
    expect(formatHttpBinary({ ...EVENT, subject: 'ü' }).headers['ce-subject']).toBe('%C3%BC')
  })

  test('it turns data_base64 into numbers of four bytes, and JSON numbers into doubles', () => {
    expect((structured({ data_base64: 'AP8=' }).data as Uint32Array).byteLength).toBe(8)
    expect([...(parseJsonEvent(bytes(JSON.stringify({ ...EVENT, data_base64: 'AP8=' }))).data ?? [])]).toEqual([0, 255])
    const json = JSON.stringify(EVENT).replace('}', ',"data":12345678901234567890}')
    expect(
      text(
        (HTTP.toEvent({ headers: { 'content-type': 'application/cloudevents+json' }, body: json }) as SdkEvent<unknown>)
          .data,
      ),
    ).not.toBe('12345678901234567890')
    expect(ours(parseJsonEvent(bytes(json))).data).toBe('12345678901234567890')
  })
})
