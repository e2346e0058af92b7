/** What errors of AWS mean, to an operator and to a delivery. */

import { expect, test } from 'vitest'
import { isForGood, reasonOf, retryAfterOf } from './problem.ts'

const wanted = { what: 'queue "jobs"', permissions: 'sqs:ReceiveMessage' }
const named = (name: string, message = 'm', more: object = {}) => Object.assign(new Error(message), { name, ...more })
const client = (name: string, httpStatusCode = 400) =>
  named(name, 'm', { $fault: 'client', $metadata: { httpStatusCode } })

test.each([
  [named('QueueDoesNotExist'), 'there is no queue "jobs"; create it'],
  [named('AWS.SimpleQueueService.NonExistentQueue'), 'there is no queue "jobs"; create it'],
  [named('AccessDenied'), 'access denied to queue "jobs"; the role needs sqs:ReceiveMessage'],
  [named('InvalidClientTokenId'), 'are not accepted (InvalidClientTokenId)'],
  [client('SomethingElse', 403), 'are not accepted, or the role lacks sqs:ReceiveMessage; status 403'],
  [named('CredentialsProviderError'), 'there are no credentials for queue "jobs"; set'],
  [named('Error', 'Region is missing'), 'queue "jobs" has no region; set region, or AWS_REGION'],
  [
    named('Error', 'connect ECONNREFUSED', { code: 'ECONNREFUSED' }),
    'no answer for queue "jobs": connect ECONNREFUSED',
  ],
  [named('TimeoutError', 'late\n  by far'), 'no answer for queue "jobs": late by far'],
  [named('KmsDisabled', 'the key is off'), 'queue "jobs": KmsDisabled: the key is off'],
  ['thrown', 'queue "jobs": thrown'],
])('%s', (error, text) => expect(reasonOf(error, wanted)).toContain(text))

test('where it was looked for is told when that was configured', () => {
  const reason = reasonOf(named('QueueDoesNotExist'), { ...wanted, endpoint: 'http://127.0.0.1:9324' })
  expect(reason).toContain('no queue "jobs" at "http://127.0.0.1:9324"')
})

test('for good is what an event brings with it, not what an operator or time can cure', () => {
  expect(isForGood(client('InvalidMessageContents'))).toBe(true)
  expect(isForGood(client('InvalidParameterValue'))).toBe(true)
  for (const [name, status] of [
    ['QueueDoesNotExist', 400],
    ['AccessDenied', 403],
    ['RequestThrottled', 400],
    ['Unknown', 401],
    ['Unknown', 429],
    ['InternalError', 500],
  ] as const)
    expect(isForGood(client(name, status)), name).toBe(false)
  expect(isForGood(named('Error', 'connect ECONNREFUSED'))).toBe(false)
})

test('a time to wait is taken when it is seconds', () => {
  const told = (value: string) =>
    retryAfterOf(named('SlowDown', 'm', { $response: { headers: { 'retry-after': value } } }))
  expect(told('7')).toBe(7_000)
  expect(told('soon')).toBeUndefined()
  expect(retryAfterOf(new Error('m'))).toBeUndefined()
})
