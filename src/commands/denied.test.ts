/** Denials of a run, put together. */

import { expect, test } from 'vitest'
import { allowOptions } from '../pool/config.ts'
import { type Wanted, wanting } from '../pool/grants.ts'
import { lackOf } from '../pool/wasi/denial.ts'
import { wouldAllow } from './denied.ts'

const allowing = (...wanted: readonly (Wanted | undefined)[]) => {
  const allow = wouldAllow(wanted.map((each) => lackOf('wasi:x/y#z', { key: 'f' }, each)))
  // It can be written under a function as it stands.
  if (allow !== undefined) allowOptions.parse(allow)
  return allow
}

test('what each denial wants is in one value, and nothing twice', () => {
  expect(
    allowing(
      wanting.config('currency'),
      wanting.kv('rates'),
      wanting.config('constructor'),
      undefined,
      wanting.kv('rates'),
      wanting.http({ host: '127.0.0.1', port: 8123 }),
      wanting.http({ host: 'api.example' }),
      wanting.messaging('publish', `a/\${b}`),
    ),
  ).toEqual({
    config: { currency: '<value>', constructor: '<value>' },
    kv: ['rates'],
    http: [{ host: '127.0.0.1', port: 8123 }, 'api.example'],
    messaging: { publish: [`a/\${b}`] },
  })
})

test('a host and a limit are allowed both, and of a limit that was passed twice the larger', () => {
  const to = [{ host: 'a.example', private: false }]
  const limit = (size: string) => wanting.httpLimit('request_size', size, to)
  const host = wanting.http({ host: 'b.example' })
  expect(allowing(limit('9KiB'), host, limit('10KiB'), limit('2KiB'))).toEqual({
    http: { to: ['a.example', 'b.example'], request_size: '10KiB' },
  })
  expect(allowing(host, limit('9KiB'))).toEqual({ http: { to: ['b.example', 'a.example'], request_size: '9KiB' } })
})

test('a folder that is read and written stands once', () => {
  for (const folder of [
    [wanting.dir('/data', false), wanting.dir('/data', true)],
    [wanting.dir('/data', true), wanting.dir('/data', false)],
  ])
    expect(allowing(...folder, wanting.dir('/other', false))).toEqual({
      dirs: [
        { guest: '/data', host: '<folder>', write: true },
        { guest: '/other', host: '<folder>' },
      ],
    })
})

test('where nothing would allow it nothing is said', () => {
  expect(allowing(undefined, wanting.outside('/data'))).toBeUndefined()
  expect(allowing()).toBeUndefined()
})
