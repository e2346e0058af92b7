/** What can be read: calls, health, readiness. */

import { expect, test } from 'vitest'
import { Face, problemOf } from './face.ts'

test('GET /calls/<callId>: state and reply, or 404', async () => {
  await using face = await Face.open()
  const base = { state: 'done', acceptedAt: '2026-01-31T12:00:00Z', attempts: 1 } as const
  const reply = { status: 'ok', data: Buffer.from('{"a":1}'), datacontenttype: 'application/json' } as const
  face.gateway.calls.set('a b', { callId: 'a b', ...base, reply: { callId: 'a b', ...reply } })
  face.gateway.calls.set('bytes', {
    callId: 'bytes',
    ...base,
    reply: { callId: 'bytes', status: 'ok', data: Buffer.of(255) },
  })
  face.gateway.calls.set('open', { ...base, callId: 'open', state: 'pending' })
  const read = async (id: string) => (await face.fetch(`/calls/${id}`)).json()
  expect(await read('a%20b')).toEqual({ callId: 'a b', ...base, reply: { ...reply, data: { a: 1 } } })
  expect(await read('bytes')).toMatchObject({ reply: { data_base64: '/w==' } })
  expect(await read('open')).toEqual({ callId: 'open', ...base, state: 'pending' })
  const missing = await face.fetch('/calls/nobody')
  expect(missing.status).toBe(404)
  expect((await problemOf(missing)).detail).toContain('no call of this callId')
})

test('GET /health', async () => {
  await using face = await Face.open()
  expect((await face.fetch('/health')).status).toBe(200)
  expect(await (await face.fetch('/health', { method: 'HEAD' })).text()).toBe('')
  face.gateway.alive = false
  expect((await face.fetch('/health')).status).toBe(503)
})

test('GET /ready names each failing check', async () => {
  await using face = await Face.open()
  face.gateway.checks = [{ name: 'journal', ok: true }]
  expect(await (await face.fetch('/ready')).json()).toEqual({ status: 'ready', checks: face.gateway.checks })
  face.gateway.checks = [
    { name: 'journal', ok: true },
    { name: 'pool', ok: false, detail: 'echo is not warm' },
    { name: 'mqtt', ok: false },
  ]
  const response = await face.fetch('/ready')
  expect(response.status).toBe(503)
  expect(await problemOf(response)).toMatchObject({
    detail: 'not ready: pool: echo is not warm; mqtt',
    checks: face.gateway.checks,
  })
})
