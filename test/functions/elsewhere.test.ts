/** Functions that somebody else's tools made run as they are: guests/README.md says which, and how. */

import { expect, test } from 'vitest'
import { guest, open, spec, textOf } from './open.ts'

const NAMES = ['spin-hello', 'line-count', 'upper']

test('a handler of the Spin SDK, a program of stock Rust, a program of Debian clang and wasi-libc', async () => {
  await using opened = await open(NAMES.map((name) => spec(name, { wasm: guest(name) })))
  const event = { specversion: '1.0', id: '1', source: '/s', type: 'order.created', data: Buffer.from('"x"') } as const
  const json = '{"specversion":"1.0","id":"1","source":"/s","type":"order.created","data":"x"}'
  const spin = await opened.call('spin-hello', '', '', { event })
  expect(spin.reply).toMatchObject({ status: 201, datacontenttype: 'text/plain' })
  expect(textOf(spin)).toBe('POST / order.created "x"')
  expect(textOf(await opened.call('line-count', '', '', { event }))).toBe(`{"lines":1,"bytes":${json.length}}\n`)
  expect(textOf(await opened.call('upper', '', '', { event }))).toBe(json.toUpperCase())
  const refused = { ...event, subject: 'give up' }
  await expect(opened.call('line-count', '', '', { event: refused })).rejects.toMatchObject({
    code: 'FUNCTION_RETRY',
    message: 'line-count (function): handling the event: exit code 1: Error: "it says to give up"',
  })
})
