/** The output form is read whatever interface a function speaks. */

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
