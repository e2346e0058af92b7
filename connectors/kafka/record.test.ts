/** What an event is as a record, in both modes, and that reading it gives the event again. */

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { attributeTexts, type CloudEvent } from '#connector'
import { normalize } from './normalize.ts'
import { type OutgoingRecord, toRecord } from './record.ts'

const event: CloudEvent = {
  specversion: '1.0',
  id: 'o-1',
  source: '/shop',
  type: 'order.created',
  subject: 'orders/7',
  datacontenttype: 'application/json',
  extensions: { partitionkey: 'customer-7', note: 'Grüße', count: 3 },
  data: Buffer.from('{"n":1.0}'),
}

const readBack = ({ headers, key, value }: OutgoingRecord): CloudEvent => {
  const given = Object.fromEntries(Object.entries(headers).map(([name, text]) => [name, Buffer.from(text)]))
  const record = { key: key === null ? null : Buffer.from(key), value, headers: given, timestamp: '0', offset: '0' }
  return normalize(record, { name: 'n', topic: 't', partition: 0 }).event
}

test('binary: attributes as headers, data as value, the partition key as key', () => {
  expect(toRecord(event, { mode: 'binary' })).toEqual({
    key: 'customer-7',
    value: Buffer.from('{"n":1.0}'),
    headers: {
      ce_specversion: '1.0',
      ce_id: 'o-1',
      ce_source: '/shop',
      ce_type: 'order.created',
      ce_subject: 'orders/7',
      ce_partitionkey: 'customer-7',
      ce_note: 'Grüße',
      ce_count: '3',
      'content-type': 'application/json',
    },
  })
})

test('structured: the JSON format, and its content type', () => {
  const { headers, key, value } = toRecord(event, { mode: 'structured' })
  expect([key, headers]).toEqual(['customer-7', { 'content-type': 'application/cloudevents+json; charset=UTF-8' }])
  expect(JSON.parse(String(value))).toMatchObject({ id: 'o-1', data: { n: 1 } })
})

test('an event without data is a tombstone; the key can be made of any attribute, and an empty one is none', () => {
  const { data: _, datacontenttype: __, ...bare } = event
  expect(toRecord(bare, { mode: 'binary' }).value).toBeNull()
  expect(toRecord(event, { mode: 'binary', key: '{type}/{subject}' }).key).toBe('order.created/orders/7')
  expect(toRecord(event, { mode: 'binary', key: '{nothing}' }).key).toBeNull()
})

test('what was written is read as the event that it was', () => {
  const texts = fc.stringMatching(/^[a-zA-Z0-9 äß€%"]{1,20}$/)
  const events = fc.record({ id: texts, subject: texts, note: texts, data: fc.uint8Array({ minLength: 1 }) })
  fc.assert(
    fc.property(events, fc.constantFrom('binary', 'structured'), ({ data, id, note, subject }, mode) => {
      const given: CloudEvent = { ...event, id, subject, extensions: { note }, datacontenttype: 'image/png', data }
      const read = readBack(toRecord(given, { mode }))
      expect(attributeTexts(read).toSorted()).toEqual(attributeTexts(given).toSorted())
      expect(read.datacontenttype).toBe('image/png')
      expect(Buffer.from(read.data ?? [])).toEqual(Buffer.from(data))
    }),
  )
})
