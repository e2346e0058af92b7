/** What errors of the client are called, however deep they are wrapped. */

import kafkajs from 'kafkajs'
import { expect, test } from 'vitest'
import { troubleOf } from './trouble.ts'

const protocol = (type: string, retriable = false) =>
  Object.assign(new kafkajs.KafkaJSProtocolError('said the broker'), { type, retriable })
const wrapped = (error: Error) =>
  Object.assign(new Error(error.message), { name: 'KafkaJSNumberOfRetriesExceeded', cause: error })

test.each([
  ['MESSAGE_TOO_LARGE', true, true],
  ['INVALID_RECORD', true, true],
  ['UNKNOWN_TOPIC_OR_PARTITION', true, false],
  ['TOPIC_AUTHORIZATION_FAILED', true, false],
  ['NOT_ENOUGH_REPLICAS', false, false],
])('%s', (type, isFinal, isOfRecord) => {
  for (const error of [protocol(type), wrapped(wrapped(protocol(type)))])
    expect(troubleOf(error)).toMatchObject({ kind: type, isFinal, isOfRecord })
})

test('says where nobody was, and what is no error of the client', () => {
  const refused = Object.assign(new Error('Connection error: connect ECONNREFUSED'), { broker: 'kafka-1:9092' })
  expect(troubleOf(wrapped(refused))).toMatchObject({
    what: 'connection error: connect ECONNREFUSED at kafka-1:9092',
    isFinal: false,
  })
  const login = Object.assign(new Error('SASL SCRAM failed for secret'), { name: 'KafkaJSSASLAuthenticationError' })
  expect(troubleOf('odd')).toMatchObject({ what: 'odd', isFinal: false })
  expect(troubleOf(login)).toMatchObject({
    isFinal: true,
    what: expect.not.stringContaining('secret'),
  })
})
