/** What functions are given, by the kind of event. */

import { expect, test } from 'vitest'
import type { CloudEvent } from '../event/index.ts'
import { parametersText, requestOf, standardInput } from './input.ts'
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
