/** Request in, event out: each fixture is one of each. */

import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { memoryContext } from '#conformance'
import { checkCallNames, type HttpRequest, normalizeCall, normalizeRequest, traced } from './normalize.ts'

interface Fixture {
  readonly request: Omit<HttpRequest, 'body'> & { readonly body: string }
  /** The function that is called by its name; absent for a route. */
  readonly call?: string
  /** `data` as text. */
  readonly event: object
}

const FOLDER = new URL('fixtures/', import.meta.url)
const GIVEN = { name: 'shop face', id: '0192f0c1-0000-7000-8000-000000000000', now: Date.parse('2026-01-31T12:00:00Z') }

describe('fixtures', () => {
  test.each(readdirSync(FOLDER))('%s', (file) => {
    const { request, call, event } = JSON.parse(readFileSync(new URL(file, FOLDER), 'utf8')) as Fixture
    const message = { ...request, body: Buffer.from(request.body) }
    const normalized = call === undefined ? normalizeRequest(message, GIVEN) : normalizeCall(message, GIVEN, call)
    const { data } = normalized
    expect({ ...normalized, ...(data && { data: Buffer.from(data).toString() }) }).toEqual(event)
  })
})

test('any bytes are data', () => {
  const body = Uint8Array.from([0xff, 0x00, 0xc3])
  expect(normalizeRequest({ method: 'POST', path: '/', query: '', headers: {}, body }, GIVEN).data).toBe(body)
})

test('traceparent is carried only when it is one', () => {
  const event = normalizeRequest({ method: 'GET', path: '/', query: '', headers: {}, body: new Uint8Array() }, GIVEN)
  const good = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
  expect(traced(event, { traceparent: good }).extensions).toMatchObject({ traceparent: good })
  expect(traced(event, { traceparent: `01${good.slice(2)}-x`, tracestate: 'a=1,\tb=2' }).extensions).toMatchObject({
    tracestate: 'a=1, b=2',
  })
  for (const traceparent of [
    `ff${good.slice(2)}`,
    good.toUpperCase(),
    good.replace(/b7.*-/, '0000000000000000-'),
    `${good}-x`,
    'x',
  ])
    expect(traced(event, { traceparent })).toBe(event)
})

test('a caller cannot name a topic of the broker or a wildcard', () => {
  const named = (extensions: Record<string, string>) => () =>
    checkCallNames({ specversion: '1.0', id: '1', source: '/', type: 't', extensions }, memoryContext())
  expect(named({ callid: 'a-b_c', replyto: 'my/replies' })).not.toThrow()
  for (const callid of ['', 'a/b', 'a+', '#', 'x'.repeat(256)])
    expect(named({ callid })).toThrow(expect.objectContaining({ code: 'EVENT_INVALID' }))
  for (const replyto of ['', '$SYS/a', 'a/+', 'a/#'])
    expect(named({ replyto })).toThrow(expect.objectContaining({ code: 'REPLY_TOPIC_REFUSED' }))
})
