/** What the HTTP face would emit for a request is what it emits for one that comes in. */

import { expect, test } from 'vitest'
import type { Context } from '#connector'
import { httpConfig } from './config.ts'
import { trial } from './trial.ts'

const NOW = Date.parse('2026-01-01T00:00:00Z')
const config = httpConfig.parse({ wait: '10s' })
const nothing = () => undefined
const context: Context = {
  name: 'http',
  maxInFlight: 1,
  log: { debug: nothing, info: nothing, warn: nothing, error: nothing },
  credit: { refusal: nothing, wait: async () => undefined },
  cursor: { get: async () => undefined, set: async () => undefined },
  meter: { stands: nothing, troubled: nothing, reconnected: nothing, ended: nothing },
  broker: { intercept: () => nothing, mayPublish: () => true, publish: async () => undefined },
  calls: { reply: () => new Promise(nothing), find: async () => undefined, cancel: nothing, functions: () => [] },
  health: { alive: () => true, ready: async () => [] },
  hooks: { take: () => nothing, find: nothing },
  clock: { now: () => NOW, until: async () => undefined },
}
const sent = (path: string, headers: Record<string, string> = {}, body = '{}') =>
  trial({ method: 'POST', path, query: '', headers, body: Buffer.from(body) }, config, context)

test('a request to a route is a call that skips the journal, with the deadline of its caller', () => {
  const [[event, offer] = []] = sent('/orders', { 'content-type': 'application/json' })
  expect(offer).toEqual({ address: 'POST /orders', direct: true })
  expect(event).toMatchObject({
    type: 'headgate.http.request',
    subject: '/orders',
    time: '2026-01-01T00:00:00.000Z',
    extensions: { replyform: 'http', callid: expect.any(String), deadline: '2026-01-01T00:00:10.000Z' },
  })
})

test.each([
  [{ prefer: 'respond-async' }, undefined],
  [{ 'idempotency-key': 'k' }, '2026-01-01T00:00:10.000Z'],
])('with %j it is journaled', (headers, deadline) => {
  const [[event, offer] = []] = sent('/orders', headers)
  expect(offer?.direct).toBe(false)
  expect(event?.extensions?.['deadline']).toBe(deadline)
})

test('a function is called by its name', () => {
  expect(sent('/call/echo')[0]).toMatchObject([
    { type: 'headgate.call', subject: 'echo' },
    { address: 'POST /call/echo' },
  ])
})

test.each(['/call/desk/shout', '/call/desk%2Fshout'])('%s is a function of a service', (path) => {
  expect(sent(path)[0]).toMatchObject([
    { type: 'headgate.call', subject: 'desk', extensions: { function: 'shout' } },
    { address: 'POST /call/desk/shout' },
  ])
})

test('CloudEvents are taken as they are, and nothing else is at /events', () => {
  const event = { specversion: '1.0', id: '1', source: '/s', type: 't' }
  const made = sent('/events', { 'content-type': 'application/cloudevents-batch+json' }, JSON.stringify([event, event]))
  expect(made).toEqual(Array(2).fill([expect.objectContaining(event), { address: 'POST /events' }]))
  expect(() => sent('/events')).toThrow('no CloudEvent')
})
