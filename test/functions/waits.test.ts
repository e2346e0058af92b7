/** Programs wait like any other function: a component of `wasi:cli` beside others, a module of wasip1 with its thread. */

import { expect, test } from 'vitest'
import { allowOptions, grantsOf } from '../../src/pool/allow-options.ts'
import { eventually } from '../services/eventually.ts'
import { guest, open, spec, textOf } from './open.ts'
import { NotingHost } from './replaying.ts'

const grants = grantsOf(allowOptions.parse({ kv: ['things'], http: ['api.example'] }), (path) => path)
const command = { wasm: guest('fickle-command'), grants }
const program = { wasm: guest('hostile-program') }

/** A host whose stores answer once `release` is called. */
function gated(): { readonly host: NotingHost; readonly release: () => void } {
  const host = new NotingHost()
  const { promise, resolve } = Promise.withResolvers<void>()
  host.until = promise
  return { host, release: resolve }
}

test('components of wasi:cli wait in one worker at once, each on a copy of its own, and others are answered meanwhile', async () => {
  const { host, release } = gated()
  await using opened = await open([spec('f', { ...command, max: 8 }), spec('other')], { host })
  const calls = Array.from({ length: 12 }, () => opened.call('f', 'kv.sleep.http', 'api.example'))
  await eventually(() => host.waiting === 8, { what: '8 calls wait', withinMs: 30_000 })
  expect(textOf(await opened.call('other', 'sleep', '1'))).toBe('slept')
  release()
  const answers = (await Promise.all(calls)).map(textOf)
  for (const each of answers)
    expect(each).toMatch(/^kv Ok\("a value of then .*"\), sleep \d\S+, http Ok\("200 .* an answer/)
  expect(new Set(answers).size).toBe(12)
  expect(host.done.filter((each) => each === 'send /asked')).toHaveLength(12)
})

test('a component of wasi:cli that sleeps lets others run, and ends by its exit code after it has waited', async () => {
  await using opened = await open([spec('f', command), spec('g', command)], { host: new NotingHost() })
  const order: string[] = []
  const asleep = opened.call('f', 'rest', '', { deadline: Date.now() + 3_000 }).catch(() => order.push('asleep'))
  const failed = await opened.call('g', 'sleep.kv.exit').catch((error: unknown) => error)
  order.push('answered')
  expect(failed).toMatchObject({
    code: 'FUNCTION_RETRY',
    fingerprint: 'exit:1',
    message: expect.stringMatching(/sleep .*a value of then/),
  })
  await asleep
  expect(order).toEqual(['answered', 'asleep'])
})

test('a module of wasip1 that sleeps has its thread to itself: others are answered before it wakes', async () => {
  await using opened = await open([spec('f', program), spec('other')])
  const order: string[] = []
  const asleep = opened.call('f', 'sleep', '3000').then(() => order.push('slept'))
  const others = Array.from({ length: 20 }, () => opened.call('other', 'sleep', '1').then(() => order.push('answered')))
  await Promise.all([asleep, ...others])
  expect(order).toEqual([...others.map(() => 'answered'), 'slept'])
})

test('a module of wasip1 that sleeps too long is ended at its time; who waits in its thread runs again', async () => {
  const { host, release } = gated()
  const specs = [spec('f', { ...program, timeoutMs: 500 }), spec('g', command)]
  await using opened = await open(specs, { host })
  const waiting = opened.call('g', 'kv', '')
  await eventually(() => host.waiting === 1, { what: 'it waits' })
  await expect(opened.call('f', 'sleep', '60000')).rejects.toMatchObject({ code: 'FUNCTION_TIMED_OUT' })
  release()
  expect(textOf(await waiting)).toContain('a value of then')
})
