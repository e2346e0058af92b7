/** Secrets are found wherever a schema may put them. */

import { expect, test } from 'vitest'
import * as z from 'zod'
import { duration, secret } from './scalars.ts'
import { hideSecrets, secretsIn } from './secrets.ts'

const login = z.strictObject({ user: z.string(), password: secret() })
const schema = z.strictObject({
  name: z.string(),
  wait: duration().optional(),
  sources: z.record(
    z.string(),
    z.union([z.strictObject({ url: secret() }), z.strictObject({ url: z.string(), login })]),
  ),
  tokens: z.array(secret()).default([]),
  pair: z.tuple([z.string(), secret()]).optional(),
})

const value = {
  name: 'shop',
  wait: '30s',
  sources: { db: { url: 'postgres://u:pw1@h/d' }, q: { url: 'amqp://h', login: { user: 'u', password: 'pw2' } } },
  tokens: ['t1', 't2'],
  pair: ['name', 'pw3'],
}

test('hides what any alternative of a union calls secret, at any depth, and nothing else', () => {
  expect(hideSecrets(schema, value)).toEqual({
    name: 'shop',
    wait: '30s',
    sources: {
      db: { url: '(hidden)' },
      q: { url: '(hidden)', login: { user: 'u', password: '(hidden)' } },
    },
    tokens: ['(hidden)', '(hidden)'],
    pair: ['name', '(hidden)'],
  })
})

test('lists the secrets of a value', () => {
  expect(secretsIn(schema, value)).toEqual(['postgres://u:pw1@h/d', 'amqp://h', 'pw2', 't1', 't2', 'pw3'])
  expect(secretsIn(schema, { name: 'empty', sources: {}, tokens: [''] })).toEqual([])
})

test('leaves the value as it is', () => {
  const before = structuredClone(value)
  hideSecrets(schema, value)
  expect(value).toEqual(before)
})
