/** The options: what is refused, and in which words. */

import { expect, test } from 'vitest'
import { secretsIn } from '#connector'
import { kafkaConfig, topicsOf } from './config.ts'
import { kafkaSinkConfig } from './sink-config.ts'

const base = { brokers: ['kafka-1:9092'], group: 'g' }

test.each<[object, string]>([
  [{ ...base }, 'write topics, or topic'],
  [{ ...base, topic: 'a', topics: ['b'] }, 'write topics, or topic'],
  [{ ...base, topics: ['a b'] }, '"a b" is not a topic'],
  [{ ...base, topic: 'a', brokers: ['kafka-1'] }, '"kafka-1" is not host:port'],
  [{ ...base, topic: 'a', brokers: [] }, '>=1'],
  [{ ...base, topic: 'a', session_timeout: '10ms' }, 'is shorter than 1s'],
  [{ ...base, topic: 'a', sasl: { mechanism: 'oauthbearer' } }, 'write token, or token_url'],
  [
    {
      ...base,
      topic: 'a',
      sasl: { mechanism: 'oauthbearer', token: 't', token_url: 'http://h', client_id: 'c', client_secret: 's' },
    },
    'write token, or token_url',
  ],
])('%j: %s', (given, wanted) => {
  expect(JSON.stringify(kafkaConfig.safeParse(given).error?.issues)).toContain(JSON.stringify(wanted).slice(1, -1))
})

test('the topics, each once', () => {
  expect(topicsOf(kafkaConfig.parse({ ...base, topics: ['a', 'b', 'a'] }))).toEqual(['a', 'b'])
  expect(topicsOf(kafkaConfig.parse({ ...base, topic: 'a' }))).toEqual(['a'])
})

test('passwords, keys and tokens are secrets, in a source and in a sink', () => {
  const tls = { ca: 'a.pem', cert: 'c.pem', key: 'k.pem' }
  const more = { tls, sasl: { mechanism: 'plain', username: 'ada', password: 'p4ss' } }
  const token = { sasl: { mechanism: 'oauthbearer', token: 't0ken', client_secret: 's3cret' } }
  for (const schema of [kafkaConfig, kafkaSinkConfig]) {
    expect(secretsIn(schema, { ...base, ...more })).toEqual(expect.arrayContaining(['p4ss', 'k.pem']))
    expect(secretsIn(schema, { ...base, ...more })).not.toContain('ada')
    expect(secretsIn(schema, { ...base, ...token })).toEqual(['t0ken', 's3cret'])
  }
})
