/** What a guest has its host hold for it is bounded as its own memory is, however little of that it takes. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { parse } from '@bytecodealliance/jco'
import { expect, test } from 'vitest'
import { allowOptions, grantsOf } from '../../src/pool/allow-options.ts'
import { type Host, HostError, type IncomingHttp } from '../../src/pool/host.ts'
import { eventually } from '../services/eventually.ts'
import { grown } from './grown.ts'
import { guest, open, spec, textOf } from './open.ts'

const MIB = 1 << 20
const granted = (allow: object) => grantsOf(allowOptions.parse(allow), (path) => path)
const absent = () => Promise.reject(new HostError('unavailable', 'not in this test'))
const hostOf = (some: Partial<Host>): Host => ({
  store: absent,
  send: absent,
  publish: absent,
  request: absent,
  call: absent,
  ...some,
})

test.each([
  // Without a bound: 1.9 GiB of headers, 3.9 GiB of bodies.
  ['headers', 'fields', '9999'],
  ['bodies that are not sent', 'bodies', '4000'],
])('%s', async (_what, type, count) => {
  await using opened = await open([spec('f', { wasm: guest('hostile-http'), timeoutMs: 60_000 })])
  const bytes = await grown(() =>
    expect(opened.call('f', type, count)).rejects.toMatchObject({
      code: 'FUNCTION_TRAPPED',
      message: expect.stringContaining('it made its host hold more than 64 MiB'),
    }),
  )
  expect(bytes).toBeLessThan(250e6)
  expect(textOf(await opened.call('f', 'fields', '100'))).toBe('kept')
  expect(textOf(await opened.call('f', 'orphans', '10'))).toBe('closed')
  expect(textOf(await opened.call('f', 'request', '4'))).toBe('[false, false, false, false]')
})

test('a little in each call: an instance is replaced before it is much', async () => {
  await using opened = await open([spec('f', { wasm: guest('hostile-http') })])
  let instances = 0
  const bytes = await grown(async () => {
    // 20 MiB each: 4 GiB in all, were it kept for as long as an instance lives.
    for (let call = 0; call < 200; call++) {
      expect(textOf(await opened.call('f', 'fields', '100'))).toBe('kept')
      if (textOf(await opened.call('f', 'calls')) === '1') instances++
    }
  })
  expect(instances).toBeGreaterThan(20)
  expect(bytes).toBeLessThan(400e6)
  // Resources alone, ten thousand of which an instance may have.
  for (let call = 0; call < 20; call++) expect(textOf(await opened.call('f', 'keep', '4000'))).toBe('kept')
})

test('lists of a million empty things', async () => {
  const writes: number[] = []
  const host = hostOf({
    store: async () => ({
      get: absent,
      has: absent,
      write: async (changes) => void writes.push(changes.length),
      keys: absent,
      increment: absent,
      swap: absent,
    }),
  })
  const grants = granted({ kv: ['things'] })
  await using opened = await open([spec('f', { wasm: guest('reach'), grants, memoryBytes: 128 * MIB })], { host })
  const empty = (count: number) =>
    opened.call('f', 'kv.empty', 'things', { event: { ...EVENT, data: Buffer.from(String(count)) } })
  expect(textOf(await empty(10_000))).toBe('set')
  const bytes = await grown(() =>
    expect(empty(1_500_000)).rejects.toMatchObject({ message: expect.stringContaining('more than 16 MiB') }),
  )
  expect(bytes).toBeLessThan(200e6)
  expect(writes).toEqual([10_000])
})

const EVENT = { specversion: '1.0', id: 'e', source: '/test', type: 'kv.empty', subject: 'things' } as const

test('a thousand requests that a guest leaves behind, or has under way when it traps, are ended with its call', async () => {
  const signals = new Set<AbortSignal>()
  let under = 0
  const host = hostOf({
    send: (_request, { signal }) => {
      signals.add(signal)
      under++
      return new Promise<IncomingHttp>((_resolve, reject) =>
        signal.addEventListener('abort', () => {
          under--
          reject(new HostError('connection-terminated', 'its call is over'))
        }),
      )
    },
  })
  const grants = granted({ http: { to: ['api.example'], requests: 1_000 } })
  await using opened = await open([spec('f', { wasm: guest('reach'), grants, max: 2 })], { host })
  for (const type of ['http.hang', 'http.leave', 'http.hang', 'http.leave']) {
    const call = opened.call('f', type, '1000 https://api.example/')
    if (type === 'http.hang') await expect(call).rejects.toMatchObject({ code: 'FUNCTION_TRAPPED' })
    else expect(textOf(await call)).toBe('left')
    await eventually(() => under === 0, { what: 'all are ended', withinMs: 30_000 })
  }
  expect(signals.size).toBe(4)
  expect([...signals].every(({ aborted }) => aborted)).toBe(true)
  // One more than it may is denied, and those before it are ended as well.
  await expect(opened.call('f', 'http.leave', '1001 https://api.example/')).rejects.toThrow('HttpRequestDenied')
  await eventually(() => under === 0, { what: 'all are ended', withinMs: 30_000 })
  expect(textOf(await opened.call('f', 'nothing'))).toBe('nothing')
})

test('responses that nobody reads', async () => {
  const host = hostOf({ send: async () => ({ status: 200, headers: [], body: new Uint8Array(4 * MIB).fill(1) }) })
  const grants = granted({ http: { to: ['api.example'], requests: 1_000 } })
  await using opened = await open([spec('f', { wasm: guest('reach'), grants, max: 1 })], { host })
  const bytes = await grown(async () => {
    for (let call = 0; call < 50; call++) {
      expect(textOf(await opened.call('f', 'http.leave', '8 https://api.example/'))).toBe('left')
      await wait(5)
    }
  })
  expect(bytes).toBeLessThan(500e6)
})

test('a guest that sleeps for years is let go at its timeout', async () => {
  const grants = granted({ kv: ['things'] })
  const hasty = { wasm: guest('reach'), grants, max: 8, timeoutMs: 300, memoryBytes: 64 * MIB }
  await using opened = await open([spec('f', hasty)], { host: hostOf({}) })
  const asleep = (subject: string) =>
    opened
      .call('f', 'sleep', subject, { event: { ...EVENT, type: 'sleep', subject, data: Buffer.from('24') } })
      .catch((error: unknown) => error)
  for (let round = 0; round < 4; round++)
    for (const error of await Promise.all(['1000000000', '18446744073709551615', '2147483000', '60000'].map(asleep)))
      expect(error).toMatchObject({ code: 'FUNCTION_TIMED_OUT' })
  expect(opened.pool.stats()[0]?.instances).toBeLessThanOrEqual(8)
  expect(textOf(await opened.call('f', 'nothing'))).toBe('nothing')
})

/** Polls one and the same instant, millions of times at once. */
const POLLING = `(component
  (import "wasi:io/poll@0.2.0" (instance $p
    (export "pollable" (type $t (sub resource)))
    (export "poll" (func (param "in" (list (borrow $t))) (result (list u32))))))
  (alias export $p "pollable" (type $pollable))
  (import "wasi:clocks/monotonic-clock@0.2.0" (instance $c
    (export "pollable" (type $t (eq $pollable)))
    (export "subscribe-duration" (func (param "when" u64) (result (own $t))))))
  (core module $libc
    (memory (export "memory") 500)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024)))
  (core instance $l (instantiate $libc))
  (core module $m
    (import "host" "poll" (func $poll (param i32 i32 i32)))
    (import "host" "subscribe" (func $subscribe (param i64) (result i32)))
    (import "libc" "memory" (memory 500))
    (func (export "run") (result i32) (local $p i32) (local $at i32)
      (local.set $p (call $subscribe (i64.const 0)))
      (local.set $at (i32.const 65536))
      (loop $next
        (i32.store (local.get $at) (local.get $p))
        (local.set $at (i32.add (local.get $at) (i32.const 4)))
        (br_if $next (i32.lt_u (local.get $at) (i32.const 32768000))))
      (call $poll (i32.const 65536) (i32.const COUNT) (i32.const 16))
      (i32.const 0)))
  (core func $poll (canon lower (func $p "poll") (memory (core memory $l "memory")) (realloc (core func $l "realloc"))))
  (core func $subscribe (canon lower (func $c "subscribe-duration")))
  (core instance $i (instantiate $m
    (with "libc" (instance $l))
    (with "host" (instance (export "poll" (func $poll)) (export "subscribe" (func $subscribe))))))
  (func $run (result (result)) (canon lift (core func $i "run")))
  (instance $e (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $e)))`

test('a list of the same handle, eight million times', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'headgate-hoard-'))
  try {
    const fileOf = async (count: number) => {
      const path = join(folder, `${count}.wasm`)
      writeFileSync(path, await parse(POLLING.replace('COUNT', String(count))))
      return path
    }
    await using opened = await open([
      spec('few', { wasm: await fileOf(1_000), min: 0 }),
      spec('many', { wasm: await fileOf(8_000_000), min: 0 }),
    ])
    expect((await opened.call('few', 'x')).events).toEqual([])
    const bytes = await grown(() =>
      expect(opened.call('many', 'x')).rejects.toMatchObject({
        code: 'FUNCTION_TRAPPED',
        message: expect.stringContaining('more than 16 MiB'),
      }),
    )
    expect(bytes).toBeLessThan(200e6)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
