/** Functions that wait for their host: others run in their worker meanwhile, and none outlives its time. */

import { expect, test } from 'vitest'
import { allowOptions, grantsOf } from '../../src/pool/allow-options.ts'
import { type Caller, type Host, HostError, type KeyValueStore } from '../../src/pool/host.ts'
import { eventually } from '../services/eventually.ts'
import { callOf, guest, open, spec, textOf } from './open.ts'

const grants = grantsOf(
  allowOptions.parse({ kv: ['things'], http: ['api.example'], call: ['g'], config: { a: 'b' } }),
  (path) => path,
)
const reach = { wasm: guest('reach'), grants }

const absent = () => Promise.reject(new HostError('unavailable', 'not in this test'))

/** A host with one store, whose values come when `release` says so. */
class SlowHost implements Host {
  waiting = 0
  most = 0
  readonly callers: Caller[] = []
  #wake: (() => void)[] = []
  #open = false

  release(): void {
    this.#open = true
    for (const wake of this.#wake.splice(0)) wake()
  }

  async store(): Promise<KeyValueStore> {
    return { get: this.#get, has: absent, write: absent, keys: absent, increment: absent, swap: absent }
  }

  send = (_request: unknown, caller: Caller) => {
    this.callers.push(caller)
    return new Promise<never>(() => {})
  }
  publish = absent
  request = absent
  call = absent

  readonly #get = async (keys: readonly string[]) => {
    this.most = Math.max(this.most, ++this.waiting)
    if (!this.#open) await new Promise<void>((wake) => this.#wake.push(wake))
    this.waiting--
    return keys.map((key) => Buffer.from(`value of ${key}`))
  }
}

const fails = (work: Promise<unknown>) =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  )

test('as many calls as there are instances wait in one worker at once, and a function that does not wait is answered meanwhile', async () => {
  const host = new SlowHost()
  await using opened = await open([spec('f', { ...reach, max: 16 }), spec('other')], { host })
  const calls = Array.from({ length: 20 }, (_, index) => opened.call('f', 'kv.get', `things ${index}`))
  await eventually(() => host.waiting === 16, { what: '16 calls wait', withinMs: 30_000 })
  expect(textOf(await opened.call('other', 'sleep', '1'))).toBe('slept')
  expect(opened.pool.stats()[0]).toMatchObject({ instances: 16, busy: 16, queued: 4 })
  host.release()
  const answers = await Promise.all(calls)
  expect(answers.map(textOf)).toEqual(calls.map((_, index) => `value of ${index}`))
  expect(host.most).toBe(16)
})

test('a call that waits past its time is ended alone: its instance goes, and its worker stays', async () => {
  const host = new SlowHost()
  await using opened = await open(
    [spec('f', { ...reach, timeoutMs: 60_000 }), spec('hasty', { ...reach, timeoutMs: 200 })],
    { host },
  )
  const kept = opened.call('f', 'kv.get', 'things kept')
  const late = await fails(opened.call('f', 'kv.get', 'things a', { deadline: Date.now() + 200 }))
  expect(late).toMatchObject({ code: 'FUNCTION_TIMED_OUT' })
  expect(await fails(opened.call('hasty', 'kv.get', 'things a'))).toMatchObject({ code: 'FUNCTION_TIMED_OUT' })
  expect(await fails(opened.call('hasty', 'sleep', '60000'))).toMatchObject({ code: 'FUNCTION_TIMED_OUT' })
  // What waited beside them in the same thread went on waiting, and is answered: the thread is the same.
  host.release()
  expect(textOf(await kept)).toBe('value of kept')
})

test('a call that nobody waits for any more is dropped, and what it asked for is ended', async () => {
  const host = new SlowHost()
  await using opened = await open([spec('f', { ...reach, max: 1 })], { host })
  const abort = new AbortController()
  const call = fails(opened.pool.invoke(callOf('f', 'http.get', 'https://api.example/a'), abort.signal))
  await eventually(() => host.callers.length === 1, { what: 'the request is under way' })
  abort.abort(new Error('nobody waits'))
  expect(await call).toMatchObject({ message: 'nobody waits' })
  await eventually(() => host.callers[0]?.signal.aborted === true, { what: 'the request is ended' })
  host.release()
  // There is room for the next.
  expect(textOf(await opened.call('f', 'kv.get', 'things a'))).toBe('value of a')
})

test('a loop between two waits is ended with its thread, and those that wait there run again', async () => {
  const host = new SlowHost()
  await using opened = await open([spec('f', { ...reach, timeoutMs: 500 }), spec('patient', reach)], { host })
  const waiting = opened.call('patient', 'kv.get', 'things a')
  await eventually(() => host.waiting === 1, { what: 'it waits' })
  expect(await fails(opened.call('f', 'loop'))).toMatchObject({ code: 'FUNCTION_TIMED_OUT' })
  host.release()
  expect(await fails(opened.call('f', 'kv.forever', 'things a'))).toMatchObject({ code: 'FUNCTION_TIMED_OUT' })
  expect(textOf(await waiting)).toBe('value of a')
})

test('hundreds of calls that are dropped while they wait leave room for the next', async () => {
  const host = new SlowHost()
  await using opened = await open([spec('f', { ...reach, max: 8 })], { host })
  for (let round = 0; round < 20; round++) {
    const abort = new AbortController()
    const calls = Array.from({ length: 8 }, () =>
      fails(opened.pool.invoke(callOf('f', 'kv.get', 'things a'), abort.signal)),
    )
    await eventually(() => host.waiting === 8 * (round + 1), { what: 'all wait', everyMs: 1, withinMs: 30_000 })
    abort.abort()
    await Promise.all(calls)
  }
  host.release()
  expect(textOf(await opened.call('f', 'kv.get', 'things a'))).toBe('value of a')
  expect(opened.pool.stats()[0]?.instances).toBeLessThanOrEqual(8)
})

test('what is not allowed is refused without waiting, and said with the line that would allow it', async () => {
  await using opened = await open([spec('f', reach), spec('bare', { wasm: guest('reach') })], { host: new SlowHost() })
  for (const name of ['f', 'bare']) {
    expect(await fails(opened.call(name, 'kv.get', 'others a'))).toMatchObject({
      message: expect.stringContaining('AccessDenied'),
    })
    expect(await fails(opened.call(name, 'http.post', 'https://other.example:8443/'))).toMatchObject({
      message: expect.stringContaining('HttpRequestDenied'),
    })
    expect(await fails(opened.call(name, 'call', 'other'))).toMatchObject({
      message: expect.stringContaining('Denied'),
    })
    expect(await fails(opened.call(name, 'publish', 'a/b'))).toMatchObject({
      message: expect.stringContaining('Denied'),
    })
    expect(await fails(opened.call(name, 'request', 'a/b'))).toMatchObject({
      message: expect.stringContaining('Denied'),
    })
  }
  const lines = opened.lines.map(({ message }) => message)
  for (const line of [
    'allow: { kv: [others] }',
    'allow: { http: [{ host: other.example, port: 8443, methods: [POST] }] }',
    'allow: { call: [other] }',
    'allow: { messaging: { publish: [a/b] } }',
    'allow: { messaging: { request: [a/b] } }',
  ])
    expect(lines.filter((each) => each.includes(line))).toHaveLength(2)
  expect(textOf(await opened.call('f', 'config.get', 'a'))).toBe('Some("b")')
})

test('a trap after a wait is a trap, its memory is capped, and a function without a host is told so', async () => {
  await using opened = await open([spec('f', reach)])
  expect(await fails(opened.call('f', 'kv.get', 'things a'))).toMatchObject({
    message: expect.stringContaining('there is no gateway here'),
  })
})
