/** The output form: what it makes of answers, and what of what is no answer. */

import { expect, test } from 'vitest'
import type { CloudEvent } from '../event/index.ts'
import { type Formed, formed } from './form.ts'

const EVENT: CloudEvent = { specversion: '1.0', id: 'e', source: '/s', type: 't' }
const BATCH: CloudEvent = { ...EVENT, type: 'headgate.batch', extensions: { batchsize: 2 }, data: Buffer.from('[1,2]') }
const CALL: CloudEvent = {
  ...EVENT,
  type: 'headgate.call',
  data: Buffer.from('{"items":[1,2,3],"batch_id":"b"}'),
}

function read(answer: unknown, event = EVENT, version = '2') {
  const data = typeof answer === 'string' ? Buffer.from(answer) : Buffer.from(JSON.stringify(answer))
  const reply = { data, datacontenttype: 'text/plain', status: 201 }
  return formed({ kind: 'response', reply, events: [] }, { event, version, runMs: 1.23456, memoryBytes: 65_536 })
}

const jsonOf = (lifted: ReturnType<typeof read>): unknown =>
  lifted.kind === 'response' && JSON.parse(Buffer.from(lifted.reply?.data ?? []).toString())

test('a success is completed with what was measured', () => {
  const answer = read({ success: true, data: { a: 1 } })
  expect(answer).toMatchObject({ kind: 'response', reply: { datacontenttype: 'application/json', status: 201 } })
  expect(jsonOf(answer)).toEqual({
    success: true,
    data: { a: 1 },
    error: null,
    metadata: { processing_time_ms: 1.235, memory_used_bytes: 65_536, items_processed: 1, function_version: '2' },
  })
  expect(jsonOf(read({ success: true }, EVENT, ''))).toMatchObject({ data: null, metadata: { function_version: null } })
})

test('what the function says of itself stands, and so does what is its own', () => {
  const metadata = { items_processed: 40, region: 'eu' }
  expect(jsonOf(read({ success: true, metadata, more: 1 }))).toMatchObject({
    more: 1,
    metadata: { ...metadata, processing_time_ms: 1.235 },
  })
  expect(jsonOf(read({ success: true }, CALL))).toMatchObject({ metadata: { items_processed: 3 } })
  expect(jsonOf(read({ success: true }, BATCH))).toMatchObject({ metadata: { items_processed: 2 } })
})

test('no reply stays none', () => {
  const none = { kind: 'response', reply: undefined, events: [] } as const
  expect(formed(none, { event: EVENT, version: '', runMs: 1, memoryBytes: 1 })).toBe(none)
})

const refused = { kind: 'reject', fault: 'system', code: 'OUTPUT_INVALID' }
test.each([
  ['no JSON', '{'],
  ['a list', []],
  ['nothing', null],
  ['no success', { data: 1 }],
  ['a text', { success: 'yes' }],
])('refused, as it is not in the form: %s', (_, answer) => expect(read(answer)).toMatchObject(refused))

test.each([
  ['a text', 'it broke', { kind: 'retry', message: 'it broke' }],
  ['nothing', undefined, { kind: 'retry', message: 'it answered "success": false, and not why' }],
  [
    'a type',
    { type: 'ValidationError', code: 'NO_NAME', message: 'm' },
    { kind: 'reject', fault: 'validation', code: 'NO_NAME', message: 'm' },
  ],
  ['a kind', { kind: 'business', message: 'm' }, { kind: 'reject', fault: 'business', code: 'NOT_DONE' }],
  [
    'a fault of the system',
    { type: 'SystemError', code: 'DOWN', message: 'm' },
    { kind: 'retry', message: 'DOWN: m', fingerprint: 'code:DOWN' },
  ],
  ['a time', { type: 'TimeoutError', message: 'm', retry_after_ms: 1500.5 }, { kind: 'retry', afterMs: 1500 }],
  ['its own mind', { type: 'SystemError', message: 'm', retryable: false }, { kind: 'reject', fault: 'system' }],
  ['another', { type: 'ValidationError', message: 'm', retryable: true }, { kind: 'retry', message: 'm' }],
  ['no number', { message: 'm', retry_after_ms: 'soon' }, { kind: 'retry', afterMs: undefined }],
])('a failure with %s', (_, error, expected) => {
  expect(read({ success: false, error })).toMatchObject(expected)
})

test('of a batch of a route each item may have an outcome of its own', () => {
  const done = { success: true, data: 1 }
  const { items } = read({ success: true, data: [done, { success: false, error: 'no' }] }, BATCH) as Formed
  expect(items).toMatchObject([{ value: done }, { kind: 'retry', message: 'no' }])
  // One for each, or it is data like any other.
  expect(read({ success: true, data: [done] }, BATCH)).not.toHaveProperty('items')
  expect(read({ success: true, data: [done, 1] }, BATCH)).not.toHaveProperty('items')
  expect(read({ success: true, data: [done, done, done] }, CALL)).not.toHaveProperty('items')
})
