/** Events of the SDK to ours and back: what a program gives is what the gateway keeps. */

import { CloudEvent as SdkEvent } from 'cloudevents'
import { expect, test } from 'vitest'
import { contentOf, fromSdk, toSdk } from './sdk.ts'

const BASE = { id: '1', source: '/s', type: 't', time: '2026-01-31T12:00:00.123456+02:00' }
const text = (data: Uint8Array | undefined) => data && Buffer.from(data).toString()

test.each([
  ['an object', { a: 1 }, undefined, '{"a":1}', 'application/json'],
  ['null', null, undefined, 'null', 'application/json'],
  ['a number', 0, 'application/vnd.x+json', '0', 'application/vnd.x+json'],
  ['text', 'ü', undefined, 'ü', 'text/plain'],
  ['text that is JSON already', '{"a":1.0}', 'application/json', '{"a":1.0}', 'application/json'],
  ['empty text', '', undefined, '', 'text/plain'],
  ['bytes', Buffer.from('raw'), undefined, 'raw', undefined],
  ['a view of other bytes', new Uint8Array(Buffer.from('-raw-')).subarray(1, 4), 'a/b', 'raw', 'a/b'],
  ['nothing', undefined, undefined, undefined, undefined],
])('data that is %s', (_, data, datacontenttype, bytes, type) => {
  const event = fromSdk(new SdkEvent({ ...BASE, data, ...(datacontenttype && { datacontenttype }) }))
  expect([text(event.data), event.datacontenttype]).toEqual([bytes, type])
  const again = fromSdk(toSdk(event))
  expect({ ...again, data: text(again.data) }).toEqual({ ...event, data: bytes === '{"a":1.0}' ? '{"a":1}' : bytes })
})

test('attributes and extensions stay what they are; those of our own form, too', () => {
  const given = new SdkEvent({ ...BASE, subject: 'x', extone: 1, exttwo: true })
  const event = fromSdk(given)
  expect(event).toEqual({ specversion: '1.0', ...BASE, subject: 'x', extensions: { extone: 1, exttwo: true } })
  expect(fromSdk(event)).toEqual(event)
  expect(toSdk(event)).toEqual(given)
})

test('the base64 of the JSON format is read to its bytes, which the SDK does not', () => {
  const event = fromSdk({ ...BASE, data_base64: 'AP8=' })
  expect([...(event.data ?? [])]).toEqual([0, 255])
})

test('an event without an id gets one', () => {
  expect(fromSdk({ source: '/s', type: 't' }).id).toMatch(/^[0-9a-f-]{36}$/)
})

test('what is no event, and what is no data, is refused by name', () => {
  expect(() => fromSdk({ ...BASE, type: '' })).toThrow(/event \(program\): reading: "type" is empty/)
  expect(() => fromSdk({ ...BASE, specversion: '0.3' })).toThrow(/specversion/)
  expect(() => contentOf('{', 'application/json')).toThrow(expect.objectContaining({ code: 'EVENT_INVALID' }))
  const circle: Record<string, unknown> = {}
  circle['self'] = circle
  expect(() => contentOf(circle)).toThrow(/circular/i)
  expect(() => contentOf(Symbol('x'))).toThrow(/a symbol is no data/)
})
