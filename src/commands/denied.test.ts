/** Denials of a run, put together. */

import { expect, test } from 'vitest'
import { wouldAllow } from './denied.ts'

const line = (allow: string) => `denied wasi:x/y#z: functions.f is not allowed it; write there: allow: ${allow}`

test('what each denial wants is in one value, and nothing twice', () => {
  const lines = [
    'kept in a: b = c',
    line('{ config: { currency: <value> } }'),
    line('{ kv: [rates] }'),
    line('{ config: { low: <value> } }'),
    line('{ kv: [rates] }'),
    line('{ http: [{ host: "127.0.0.1", port: 8123 }] }'),
    line('{ http: [{ host: api.example }] }'),
    line('{ messaging: { publish: [a/b] } }'),
  ]
  expect(wouldAllow(lines)).toBe(
    '{ config: { currency: <value>, low: <value> }, kv: [ rates ], http: [ { host: 127.0.0.1, port: 8123 }, { host: api.example } ], messaging: { publish: [ a/b ] } }',
  )
})

test('where nothing would allow it nothing is said', () => {
  expect(wouldAllow(['denied wasi:sockets/tcp#connect: functions have no sockets', 'hello'])).toBeUndefined()
})
