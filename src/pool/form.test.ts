/** The output form: what it makes of answers, and what of what is no answer. */

import { expect, test } from 'vitest'
import type { CloudEvent } from '../event/index.ts'
import { type Formed, failureIn, formed } from './form.ts'

const EVENT: CloudEvent = { specversion: '1.0', id: 'e', source: '/s', type: 't' }
const BATCH: CloudEvent = { ...EVENT, type: 'headgate.batch', extensions: { batchsize: 2 }, data: Buffer.from('[1,2]') }
const CALL: CloudEvent = {
  ...EVENT,
  type: 'headgate.call',
  data: Buffer.from('{"items":[1,2,3],"batch_id":"b"}'),
}

const RAN = { callId: 'c1', name: 'f', event: EVENT, version: '', runMs: 1.23456, memoryBytes: 65_536 }

function read(answer: unknown, event = EVENT, version = '2') {
  const data = typeof answer === 'string' ? Buffer.from(answer) : Buffer.from(JSON.stringify(answer))
  const reply = { data, datacontenttype: 'text/plain', status: 201 }
  return formed({ kind: 'response', reply, events: [] }, { ...RAN, event, version })
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
  expect(formed(none, RAN)).toBe(none)
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
  expect(read({ success: true, data: [done, { ...done, events: [] }] }, BATCH)).toMatchObject({
    ...refused,
    message: 'item 1 of its "data" has "events"; answer with them beside "data"',
  })
  // One for each, or it is data like any other.
  expect(read({ success: true, data: [done] }, BATCH)).not.toHaveProperty('items')
  expect(read({ success: true, data: [done, 1] }, BATCH)).not.toHaveProperty('items')
  expect(read({ success: true, data: [done, done, done] }, CALL)).not.toHaveProperty('items')
})

const SOLD = { specversion: '1.0', source: '/shop', type: 'sold' }

test('its events are emitted, and are no part of what the caller gets', () => {
  const answer = read(
    '{"success":true,"status":202,"events":[{"specversion":"1.0","id":"own","source":"/s","type":"t"},' +
      ' {"specversion":"1.0","source":"/s","type":"t","region":"eu","data":{"n":12345678901234567890}} ]}',
  )
  if (answer.kind !== 'response') throw new Error(JSON.stringify(answer))
  expect(answer.reply?.status).toBe(202)
  expect(jsonOf(answer)).not.toHaveProperty('events')
  // What has no id gets one that is the same for each attempt, and its data are the bytes that they were.
  expect(answer.events.map(({ id }) => id)).toEqual(['own', 'c1/f/1'])
  expect(answer.events[1]).toMatchObject({ extensions: { region: 'eu' }, datacontenttype: 'application/json' })
  expect(Buffer.from(answer.events[1]?.data ?? []).toString()).toBe('{"n":12345678901234567890}')
})

test('an event without an id is called by its batch, in which it is tried again', () => {
  expect(read({ success: true, events: [SOLD] }, BATCH)).toMatchObject({ events: [{ ...SOLD, id: 'e/f/0' }] })
})

test.each([{}, { events: null }, { events: [] }])('nothing is emitted: %j', (more) =>
  expect(read({ success: true, ...more })).toMatchObject({ kind: 'response', events: [] }),
)

test.each([
  ['no list', { a: 1 }, 'emitting events: "events" is no list; answer with a list of CloudEvents'],
  ['no event', [7], /^emitting event 0: event \(json\): reading: /],
  ['nothing of an event', [SOLD, {}], /^emitting event 1: .*"specversion" is missing; write 1\.0/],
  ['no source', [{ ...SOLD, source: undefined }], /"source" is missing/],
  ['an id that is empty', [{ ...SOLD, id: '' }], /"id" is empty/],
  ['an extension in capitals', [{ ...SOLD, Region: 1 }], /"Region" cannot name an extension/],
  ['too many', Array.from({ length: 1_001 }, () => SOLD), 'emitting events: there are 1001; 1000 are the most'],
  [
    'too many extensions',
    [{ ...SOLD, ...Object.fromEntries(Array.from({ length: 101 }, (_, at) => [`x${at}`, 1])) }],
    'emitting event 0: it has 101 extensions; 100 are the most',
  ],
])('unfit, and all of the answer with it: %s', (_, events, what) => {
  const found = read({ success: true, events })
  expect(found).toMatchObject({ kind: 'unfit' })
  expect(found).toHaveProperty('what', typeof what === 'string' ? what : expect.stringMatching(what))
})

test.each([99, 199.5, 600, -1])('refused, as it is no status: %j', (status) =>
  expect(read({ success: true, status })).toMatchObject({
    ...refused,
    message: expect.stringContaining(`the "status" ${status}; a status is a whole number from 200 to 599`),
  }),
)

test('a member that is called status and is no number is its own', () =>
  expect(jsonOf(read({ success: true, status: 'shipped' }))).toMatchObject({ status: 'shipped' }))

test.each([
  [
    'says all of it',
    { code: 'NO_RATE', message: 'm', type: 'business' },
    undefined,
    { kind: 'reject', fault: 'business' },
  ],
  ['leaves open whether', { message: 'm' }, 'system', { kind: 'reject', fault: 'system', message: 'm' }],
  ['leaves open what', { message: 'm' }, undefined, { kind: 'retry', message: 'm' }],
  [
    'is of another mind',
    { message: 'm', retryable: true, retry_after_ms: 7 },
    'validation',
    { kind: 'retry', afterMs: 7 },
  ],
] as const)('a failure that a program wrote %s', (_, error, ended, expected) =>
  expect(failureIn(Buffer.from(JSON.stringify({ success: false, error })), ended)).toMatchObject(expected),
)

test.each(['', 'Usage: f', '{"success":true}', '{"success":false}', '{"success":false,"error":"no"}', '[]'])(
  'no failure that a program wrote: %s',
  (text) => expect(failureIn(Buffer.from(text), 'validation')).toBeUndefined(),
)
