/** What goes wrong while a function is served: in its own terms where there are some, and else in the log alone. */

import { expect, test } from 'vitest'
import { GatewayError } from '../errors.ts'
import type { Asked } from './asking.ts'
import { serve } from './desk.ts'
import { type Caller, type Host, HostError } from './host.ts'

const ASKED: Asked = { kind: 'asked', slot: 0, callId: 'c1', id: 7, what: 'kv.get', ask: { store: 's', keys: ['k'] } }
const event = { specversion: '1.0', id: 'e', source: '/test', type: 'calls' } as const
const caller: Caller = {
  function: 'resize@2',
  callId: 'c1',
  attempt: 1,
  event,
  deadline: Date.now() + 1_000,
  signal: new AbortController().signal,
  asked: 0,
}
const pool = { invoke: () => Promise.reject(new Error('nothing is called here')) }

const nothing = () => Promise.reject(new Error('nothing of that is asked here'))
const hostOf = (thrown: unknown): Host => ({
  store: () => Promise.reject(thrown),
  send: nothing,
  publish: nothing,
  request: nothing,
  call: nothing,
})

async function served(thrown: unknown) {
  const lines: object[] = []
  const told = await serve(ASKED, hostOf(thrown), caller, pool, (line) => lines.push(line))
  return { told, lines }
}

test('an error of the host is told as it is', async () => {
  const { told, lines } = await served(new HostError('other', 's (store): reading: the key is too long'))
  const problem = { kind: 'other', code: undefined, message: 's (store): reading: the key is too long' }
  expect(told).toEqual({ kind: 'told', id: 7, problem })
  expect(lines).toEqual([])
})

test('an error of the gateway is told in its words', async () => {
  const { told, lines } = await served(new GatewayError('OVERLOADED', 's (store): reading: too many wait'))
  expect(told.problem).toMatchObject({ kind: 'unavailable', message: 's (store): reading: too many wait' })
  expect(lines).toEqual([])
})

test('any other is told to the log, and to the function that it is there', async () => {
  const { told, lines } = await served(new Error('EIO: i/o error, read /var/lib/headgate/kv/data.mdb'))
  expect(told.problem).toEqual({
    kind: 'unavailable',
    code: undefined,
    message: 'the gateway could not do this; its log says why',
  })
  const message = 'kv.get (host): failed: Error: EIO: i/o error, read /var/lib/headgate/kv/data.mdb'
  expect(lines).toEqual([{ function: 'resize@2', callId: 'c1', level: 'error', message }])
})
