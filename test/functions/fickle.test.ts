/** Whatever interface a function speaks, a call of it that failed can be run again, also one that was ended at its deadline. */

import { describe, expect, test } from 'vitest'
import { allowOptions, grantsOf } from '../../src/pool/allow-options.ts'
import type { FunctionSpec } from '../../src/pool/index.ts'
import { guest, open, spec, textOf } from './open.ts'
import { ENV as env, expectSame, expectSameEnd, fail, NotingHost } from './replaying.ts'

const allow = { config: { rate: 'seven' }, kv: ['things'], http: ['api.example'], messaging: { publish: ['orders/#'] } }
const reaching = grantsOf(allowOptions.parse(allow), (path) => path)
const alone = grantsOf(allowOptions.parse({ config: { rate: 'seven' } }), (path) => path)

const HTTP = guest('fickle-http')
const COMMAND = guest('fickle-command')
const fickle = (wasm: string, overrides: Partial<FunctionSpec> = {}) => [spec('f', { wasm, env, ...overrides })]

describe.each([
  { what: 'a component of wasi:http', wasm: HTTP, last: 'status' },
  { what: 'a component of wasi:cli', wasm: COMMAND, last: 'exit' },
])('$what', ({ wasm, last }) => {
  test.each(['clock.random.trap', 'sleep.trap', 'config.trap', `clock.sleep.random.${last}`])(
    'that waits for nobody is run again with the clocks and random numbers of then: %s',
    async (words) => {
      await using opened = await open(fickle(wasm, { grants: alone }))
      const first = await fail(opened, words)
      const second = await fail(opened, words)
      await expectSame(first, wasm)
      await expectSame(second, wasm)
    },
  )

  test.each([
    'clock.random.trap',
    'sleep.trap',
    'kv.trap',
    'http.trap',
    'race.trap',
    'publish.trap',
    `kv.race.config.publish.sleep.http.kv.clock.${last}`,
  ])('that waits for others is told what they said then, and nothing is done again: %s', async (words) => {
    const host = new NotingHost()
    await using opened = await open(fickle(wasm, { grants: reaching }), { host })
    const failed = await fail(opened, words, 'api.example')
    const done = [...host.done]
    if (/kv|http/.test(words)) expect(failed.message).toMatch(/of then/)
    if (words.includes('race')) expect(failed.message).toMatch(/200 after \d/)
    await expectSame(failed, wasm)
    expect(host.done).toEqual(done)
  })

  test('that succeeds replies once more', async () => {
    const host = new NotingHost()
    await using opened = await open(fickle(wasm, { grants: reaching }), { host })
    expect(textOf(await opened.call('f', 'kv.sleep.http.publish', 'api.example'))).toMatch(/an answer of then/)
    expect(host.done).toEqual(['write 1', 'send /asked', 'publish orders/new'])
  })

  test.each(['clock.loop', 'random.clock.rest'])(
    'that is ended at its deadline has its recording, and comes to the same end: %s',
    async (words) => {
      await using opened = await open(fickle(wasm, { grants: alone, timeoutMs: 400 }))
      const failed = await fail(opened, words)
      expect(await expectSameEnd(failed, wasm)).toBe(words.endsWith('rest') ? 'sleep' : undefined)
    },
  )

  test.each([
    ['clock.loop', undefined],
    ['kv.http.loop', undefined],
    ['clock.rest', 'wait'],
  ])('that waits, and is ended, comes to the same end: %s', async (words, waits) => {
    const host = new NotingHost()
    await using opened = await open(fickle(wasm, { grants: reaching, timeoutMs: 800 }), { host })
    const failed = await fail(opened, words, 'api.example')
    const done = [...host.done]
    expect(await expectSameEnd(failed, wasm)).toBe(waits)
    expect(host.done).toEqual(done)
  })

  test('that waits for what is never told is ended alone, and waits for the same again', async () => {
    const host = new NotingHost()
    await using opened = await open(fickle(wasm, { grants: reaching, timeoutMs: 1_000 }), { host })
    host.until = new Promise(() => {})
    const failed = await fail(opened, 'clock.kv', 'api.example')
    expect(failed.message).toContain('while it waited')
    expect(await expectSameEnd(failed, wasm)).toBe('kv.get')
    const short = await fail(opened, 'http.kv', 'api.example', { deadline: Date.now() + 200 })
    expect(short.recording.deadlineMs).toBeLessThan(1_000)
    expect(await expectSameEnd(short, wasm)).toBe('kv.get')
  })
})
