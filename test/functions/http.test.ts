/** Components of wasi:http/incoming-handler: what they are asked, what their response means, and that none does harm. */

import { afterAll, beforeAll, expect, test } from 'vitest'
import type { CloudEvent } from '../../src/event/index.ts'
import { guest, type OpenPool, open, spec, textOf } from './open.ts'

const options = { wasm: guest('hostile-http'), env: { SIZE: '10' } }
let opened: OpenPool
beforeAll(async () => {
  opened = await open([spec('f', options), spec('hasty', { ...options, timeoutMs: 300 })])
})
afterAll(() => opened[Symbol.asyncDispose]())

const failure = (type: string, subject = '') => opened.call('f', type, subject).catch((error: unknown) => error)

const EVENT: CloudEvent = {
  specversion: '1.0',
  id: 'e 1',
  source: '/s',
  type: 'what.it.was',
  subject: 'größe',
  datacontenttype: 'application/json',
  extensions: { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' },
  data: Buffer.from('{"a":1}'),
}

test('an event is a POST in the binary mode of CloudEvents', async () => {
  const { reply } = await opened.call('f', '', '', { event: EVENT, callId: 'the-call', attempt: 2 })
  expect(Buffer.from(reply?.data ?? []).toString()).toBe(`Method::Post /
ce-id: e%201
ce-source: /s
ce-specversion: 1.0
ce-subject: gr%C3%B6%C3%9Fe
ce-traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01
ce-type: what.it.was
content-length: 7
content-type: application/json
headgate-attempt: 2
headgate-call-id: the-call
host: headgate
traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01

{"a":1}`)
  expect(reply).toMatchObject({ datacontenttype: 'text/plain', status: 200 })
})

test('what came in as a request keeps method, path and query; parameters are the body of a direct call', async () => {
  const type = 'headgate.http.request'
  const event = { ...EVENT, type, subject: '/api/v1/images/7', extensions: { method: 'PUT', query: 'size=2' } }
  expect(textOf(await opened.call('f', '', '', { event }))).toMatch(/^Method::Put \/api\/v1\/images\/7\?size=2\n/)
  const called = textOf(await opened.call('f', 'x', '', { parameters: '[1]' }))
  expect(called).toContain('content-length: 3\ncontent-type: application/json\n')
  expect(called).toMatch(/\n\n\[1\]$/)
})

test('the status is the outcome of an event, and a reply to whoever asked over HTTP', async () => {
  expect((await opened.call('f', 'status', '204')).reply?.status).toBe(204)
  const said = (code: number) => `f (function): handling the event: status ${code}: it says why`
  for (const status of ['500', '503', '429'])
    expect(await failure('status', status)).toMatchObject({
      code: 'FUNCTION_RETRY',
      message: said(Number(status)),
      retryAfterMs: 7_000,
      fingerprint: `http:${status}`,
    })
  expect(await failure('status', '404')).toMatchObject({
    code: 'FUNCTION_REJECTED',
    message: said(404),
    type: 'ValidationError',
    detailCode: 'HTTP_404',
  })
})

test('no response, half a one and an error in its place are another attempt', async () => {
  for (const [type, fingerprint] of [
    ['silent', 'http:no-response'],
    ['torn', 'http:torn-response'],
    ['error', 'http:internal-error'],
  ] as const)
    expect(await failure(type)).toMatchObject({ code: 'FUNCTION_RETRY', fingerprint })
})

test('an instance is used again, and replaced when it traps', async () => {
  await failure('trap')
  expect(textOf(await opened.call('f', 'calls'))).toBe('1')
  expect(textOf(await opened.call('f', 'calls'))).toBe('2')
  expect(await failure('trap')).toMatchObject({ code: 'FUNCTION_TRAPPED' })
  expect(textOf(await opened.call('f', 'calls'))).toBe('1')
  const calls = Array.from({ length: 300 }, () => opened.call('f', 'calls'))
  expect((await Promise.all(calls)).length).toBe(300)
})

test('one that answers no second request gets a fresh copy for each, and nobody notices', async () => {
  const once = { wasm: guest('hostile-http'), env: { ONCE: '1' } }
  await using pool = await open([spec('f', once), spec('cold', { ...once, min: 0 })])
  for (const name of ['f', 'cold', 'cold', 'f', 'cold', 'f'])
    expect(textOf(await pool.call(name, 'calls')), name).toBe('1')
  const calls = Array.from({ length: 50 }, () => pool.call('f', 'calls'))
  expect(new Set((await Promise.all(calls)).map(textOf))).toEqual(new Set(['1']))
  await expect(pool.call('f', 'trap')).rejects.toMatchObject({ code: 'FUNCTION_TRAPPED' })
  expect(textOf(await pool.call('f', 'calls'))).toBe('1')
})

test('what it passes to its host is counted before the host makes anything of it: the lift bomb', async () => {
  const before = process.memoryUsage.rss()
  // 500 header values that all name one region of 8 MiB: 4 GiB for a host that copies each.
  expect(await failure('bomb', '500')).toMatchObject({
    code: 'FUNCTION_TRAPPED',
    message: expect.stringContaining('more than 16 MiB'),
  })
  expect(process.memoryUsage.rss() - before).toBeLessThan(200e6)
  expect(await failure('headers', '1001')).toMatchObject({ message: expect.stringContaining('1000 headers') })
  expect(textOf(await opened.call('f', 'headers', '1000'))).toBe('set')
  expect(await failure('keep', '20000')).toMatchObject({ message: expect.stringContaining('host resources') })
  expect(await failure('large', '17')).toMatchObject({ message: expect.stringContaining('more than 16 MiB') })
  expect((await opened.call('f', 'large', '8')).reply?.data.length).toBe(8 << 20)
})

test('no header is smuggled in, and a flood of lines is cut', async () => {
  expect(textOf(await opened.call('f', 'split'))).toBe('false')
  expect(textOf(await opened.call('f', 'flood', '1000', { callId: 'flood' }))).toBe('flooded')
  const lines = opened.lines.filter(({ callId }) => callId === 'flood')
  expect(lines.reduce((sum, { message }) => sum + message.length, 0)).toBeLessThan(100_000)
})

test('a request of its own is denied in the terms of the interface, told once and counted', async () => {
  const before = opened.pool.stats()[0]?.denied.http ?? 0
  const reply = await opened.call('f', 'fetch', '', { callId: 'fetch' })
  expect(textOf(reply)).toBe('ErrorCode::HttpRequestDenied')
  const told = opened.lines.filter(({ callId }) => callId === 'fetch')
  expect(told).toEqual([
    expect.objectContaining({
      level: 'warn',
      message: expect.stringMatching(/^denied wasi:http\/outgoing-handler#handle: /),
    }),
  ])
  await expect.poll(() => opened.pool.stats()[0]?.denied.http).toBe(before + 1)
  expect(textOf(await opened.call('f', 'env'))).toBe('[("SIZE", "10")] false')
})

test('memory and time are capped', async () => {
  expect(await failure('hoard')).toMatchObject({ code: 'FUNCTION_OUT_OF_MEMORY' })
  await expect(opened.call('hasty', 'loop')).rejects.toMatchObject({ code: 'FUNCTION_TIMED_OUT' })
  expect(textOf(await opened.call('hasty', 'env'))).toBe('[("SIZE", "10")] false')
})
