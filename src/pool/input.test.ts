/** What functions are given, by the kind of event. */

import { expect, test } from 'vitest'
import type { CloudEvent } from '../event/index.ts'
import { itemsIn, parametersText, requestOf, standardInput } from './input.ts'
import { outcomeOf } from './outcome.ts'

const CONTEXT = { callId: 'c', function: 'f', version: '', attempt: 1, deadlineMs: 1, parameters: undefined }
const EVENT: CloudEvent = { specversion: '1.0', id: '1', source: '/s', type: 't', data: Buffer.from('{"a":1.0}') }
const CALL: CloudEvent = { ...EVENT, type: 'headgate.call', subject: 'f' }
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString()

test('the data of a call by name are its parameters, as they were written; of an event there are none', () => {
  expect(parametersText(CALL, CONTEXT)).toBe('{"a":1.0}')
  expect(parametersText(CALL, { ...CONTEXT, parameters: '2' })).toBe('2')
  expect(parametersText(EVENT, CONTEXT)).toBeUndefined()
  expect(text(standardInput(CALL, CONTEXT))).toBe('{"a":1.0}')
  const { data: _, ...bare } = CALL
  expect(text(standardInput(bare, CONTEXT))).toBe('null')
  expect(JSON.parse(text(standardInput(EVENT, CONTEXT)))).toEqual({ ...EVENT, data: { a: 1 } })
})

test('a batch of a route is its items and its name, to read and as parameters; a call may bring the same', () => {
  const batch: CloudEvent = { ...EVENT, type: 'headgate.batch', id: 'b "1"', data: Buffer.from('[{"id":"1"}]') }
  const form = { items: [{ id: '1' }], batch_id: 'b "1"' }
  expect(JSON.parse(parametersText(batch, CONTEXT) ?? '')).toEqual(form)
  expect(JSON.parse(text(standardInput(batch, CONTEXT)))).toEqual(form)
  // Handlers of HTTP have the batch format of CloudEvents for it.
  expect(text(requestOf(batch, CONTEXT).body)).toBe('[{"id":"1"}]')
  expect(itemsIn({ ...batch, extensions: { batchsize: 7 } })).toEqual({ count: 7, batch: true })
  const call = (data: string) => itemsIn({ ...CALL, data: Buffer.from(data) })
  expect(call('{"items":[1,2],"batch_id":"b"}')).toEqual({ count: 2, batch: false })
  expect([call('{"items":[1,2]}'), call('{"items":1,"batch_id":"b"}'), call('null'), itemsIn(EVENT)]).toEqual(
    Array(4).fill(undefined),
  )
})

test('a request without a path or a query is one to the root', () => {
  const { method, path } = requestOf({ ...EVENT, type: 'headgate.http.request' }, CONTEXT)
  expect({ method, path }).toEqual({ method: 'POST', path: '/' })
  expect(requestOf({ ...EVENT, subject: '/not/a/path' }, CONTEXT).path).toBe('/')
})

test('a long last line is cut, and codes of sysexits.h are told apart', () => {
  const none = new Uint8Array()
  expect(outcomeOf(1, none, 'x'.repeat(9_999))).toMatchObject({
    kind: 'retry',
    message: expect.stringMatching(/^.{1,600}$/),
  })
  expect(outcomeOf(77, none, '')).toMatchObject({ kind: 'reject', fault: 'business', message: 'exit code 77' })
  expect(outcomeOf(78, none, '')).toMatchObject({ kind: 'reject', fault: 'system', code: 'EXIT_78' })
  expect(outcomeOf(75, none, '')).toMatchObject({ kind: 'retry', fingerprint: 'exit:75' })
  expect(outcomeOf(0, none, 'warned')).toEqual({ kind: 'response', reply: undefined, events: [] })
})
