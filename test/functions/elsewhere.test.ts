/** Functions that somebody else's tools made run as they are: guests/README.md says which, and how. */

import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { inspectFunction } from '../../src/pool/index.ts'
import { guest, open, spec, textOf } from './open.ts'

const SPEAKS = { 'word-count': 'handler', 'spin-hello': 'http', 'line-count': 'command', upper: 'wasip1' }
const NAMES = Object.keys(SPEAKS)

test('they are of the four interfaces, and the page says which', async () => {
  const page = readFileSync(new URL('guests/README.md', import.meta.url), 'utf8')
  const made = page.slice(page.indexOf('## Made elsewhere'))
  for (const [name, speaks] of Object.entries(SPEAKS)) {
    expect(await inspectFunction(guest(name))).toMatchObject({ interface: speaks })
    expect(made).toContain(`| [${name}](${name})`)
  }
})

test('what the Rust project and wit-bindgen make of the interface alone', async () => {
  await using opened = await open([spec('word-count', { wasm: guest('word-count') })])
  const event = { specversion: '1.0', id: '1', source: '/s', type: 't', data: Buffer.from('one two  three') } as const
  const counted = await opened.call('word-count', '', '', { event, attempt: 2 })
  expect(counted.reply).toMatchObject({ datacontenttype: 'application/json' })
  expect(JSON.parse(textOf(counted))).toEqual({ words: 3, attempt: 2 })
  await expect(opened.call('word-count', '')).rejects.toMatchObject({
    code: 'FUNCTION_REJECTED',
    message: expect.stringMatching(/e\d+ has no text/),
  })
})

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
