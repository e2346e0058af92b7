/** The output form is read whatever interface a function speaks. */

import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { example, guest, open, spec, textOf } from './open.ts'

const OUTCOME = { output: 'outcome', version: '7' } as const
const asked = (data: object) =>
  ({
    specversion: '1.0',
    id: 'a',
    source: '/s',
    type: 'headgate.call',
    datacontenttype: 'application/json',
    data: Buffer.from(JSON.stringify(data)),
  }) as const

test.each([
  ['headgate:function', example('echo')],
  ['wasi:cli/command', guest('hostile-command')],
  ['wasip1', guest('hostile-program')],
])('a success of %s is completed, and a failure is one', async (_, wasm) => {
  await using opened = await open([spec('f', { wasm, ...OUTCOME })])
  // The programs write what they read, when it has this type.
  const call = (data: object) => opened.call('f', '', '', { event: asked({ type: 'input', ...data }) })
  expect(JSON.parse(textOf(await call({ success: true, data: 1, items: [1, 2], batch_id: 'b' })))).toMatchObject({
    success: true,
    data: 1,
    error: null,
    metadata: {
      processing_time_ms: expect.any(Number),
      memory_used_bytes: expect.any(Number),
      items_processed: 2,
      function_version: '7',
    },
  })
  const error = { type: 'ValidationError', code: 'SIZE', message: 'no such size' }
  await expect(call({ success: false, error })).rejects.toMatchObject({ code: 'FUNCTION_REJECTED', type: error.type })
  await expect(call({ success: 'no' })).rejects.toThrow('it answered something else than JSON')
})

test('of a response of wasi:http its body is read', async () => {
  await using opened = await open([spec('f', { wasm: guest('hostile-http'), ...OUTCOME })])
  await expect(opened.call('f', 'calls')).rejects.toThrow('it answered something else than JSON')
})

test('data of a call that are no JSON are no batch', async () => {
  await using opened = await open([spec('f', { wasm: guest('outcomes'), ...OUTCOME })])
  const data = Buffer.from('{"answer":{"success":true}} and more')
  const event = { ...asked({}), datacontenttype: 'text/plain', data }
  const { metadata } = JSON.parse(textOf(await opened.call('f', '', '', { event })))
  expect(metadata).toMatchObject({ items_processed: 1 })
})

test.each([
  ['headgate:function', example('echo')],
  ['wasi:cli/command', guest('hostile-command')],
  ['wasip1', guest('hostile-program')],
])('a success of %s emits events, whole or not at all', async (_, wasm) => {
  await using opened = await open([spec('f', { wasm, ...OUTCOME })])
  const call = (data: object) => opened.call('f', '', '', { event: asked({ type: 'input', ...data }), callId: 'c' })
  const sold = { specversion: '1.0', source: '/shop', type: 'sold', data: { lamp: 1 } }
  const { events, reply } = await call({ success: true, status: 201, events: [sold, { ...sold, id: 'own' }] })
  expect(events).toMatchObject([
    { id: 'c/f/0', source: '/shop', type: 'sold', datacontenttype: 'application/json' },
    { id: 'own' },
  ])
  expect(events.map(({ data }) => Buffer.from(data ?? []).toString())).toEqual(['{"lamp":1}', '{"lamp":1}'])
  expect(reply?.status).toBe(201)
  await expect(call({ success: true, events: [sold, { ...sold, source: 7 }] })).rejects.toMatchObject({
    code: 'EVENT_INVALID',
    message: 'f@7 (function): emitting event 1: event (json): reading: "source" is 7; it must be a string',
  })
})

test.each(['c', 'go'])(
  'a kit in %s says all of a failure, and finds the form that it is to answer in',
  async (language) => {
    const wasm = fileURLToPath(new URL(`../../functions/templates/${language}/new-function.wasm`, import.meta.url))
    const refused = { code: 'FUNCTION_REJECTED', type: 'ValidationError', detailCode: 'NAME_MISSING' }
    const message = /: name is missing$/
    for (const output of [undefined, 'outcome'] as const) {
      await using opened = await open([spec('f', { wasm, memoryBytes: 64 << 20, ...(output && { output }) })])
      const failing = opened.call('f', '', '', { event: asked({}) })
      await expect(failing).rejects.toMatchObject({ ...refused, message: expect.stringMatching(message) })
      const greeted = JSON.parse(textOf(await opened.call('f', '', '', { event: asked({ name: 'Ada' }) })))
      const greeting = { greeting: 'Hello, Ada!' }
      if (output) expect(greeted).toMatchObject({ success: true, data: greeting })
      else expect(greeted).toEqual(greeting)
    }
  },
)
