/** A draft stands for its own event only, and may be written more than once. */

import { expect, test } from 'vitest'
import { decodeEvent, draftOf, EventDraft, encodeEvent } from './codec.ts'
import type { CloudEvent } from './event.ts'

const make = (id: string): CloudEvent => ({
  specversion: '1.0',
  id,
  source: '/codec',
  type: 'codec.test',
  data: new Uint8Array([1, 2, 3]),
})

test('a draft of another event is not used, also of one that looks the same', () => {
  const event = make('a')
  const draft = new EventDraft(event)
  expect(draftOf(event, draft)).toBe(draft)
  expect(draftOf(make('a'), draft)).not.toBe(draft)
  expect(draftOf(event)).not.toBe(draft)
})

test.each(['plain', 'naïve – 日本 🚀', 'latin ÿ'])('what is written twice is read twice: %s', (id) => {
  const event = make(id)
  const draft = new EventDraft(event)
  const bytes = Buffer.alloc(2 * draft.bytes)
  draft.writeTo(bytes, 0)
  draft.writeTo(bytes, draft.bytes)
  expect(decodeEvent(bytes.subarray(0, draft.bytes))).toMatchObject({ id, source: '/codec' })
  expect(decodeEvent(bytes.subarray(draft.bytes)).data).toEqual(Buffer.from([1, 2, 3]))
})

test('a draft of what was encoded before writes those bytes', () => {
  const encoded = encodeEvent(make('naïve'))
  const among = Buffer.concat([Buffer.alloc(3, 1), encoded, Buffer.alloc(5, 1)])
  const event = decodeEvent(among, 3, 3 + encoded.length)
  expect(event).toEqual({ ...make('naïve'), data: Buffer.from([1, 2, 3]) })
  const draft = new EventDraft(event, among, 3, 3 + encoded.length)
  const bytes = Buffer.alloc(2 + draft.bytes)
  draft.writeTo(bytes, 2)
  expect(bytes.subarray(2)).toEqual(Buffer.from(encoded))
})
