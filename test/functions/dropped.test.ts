/** Guests that wait for what never comes: what each had is given back when its call is ended. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parse } from '@bytecodealliance/jco'
import { afterAll, expect, test } from 'vitest'
import { allowOptions, grantsOf } from '../../src/pool/allow-options.ts'
import { type Host, HostError } from '../../src/pool/host.ts'
import { grown } from './grown.ts'
import { guest, open, spec, textOf } from './open.ts'

const folder = mkdtempSync(join(tmpdir(), 'headgate-dropped-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const grants = grantsOf(allowOptions.parse({ kv: ['things'], http: ['api.example'] }), (path) => path)
const absent = () => Promise.reject(new HostError('unavailable', 'not in this test'))
/** It hears that a call is over, and does not care. */
const host: Host = {
  store: absent,
  publish: absent,
  request: absent,
  call: absent,
  send: () => new Promise(() => {}),
}

test.each([
  ['an answer that never comes', 'http.fat', 'https://api.example/', ''],
  ['an hour that is far away', 'sleep', '2000000000', '24'],
])('a flood of guests of 24 MiB that wait for %s', async (_what, type, subject, data) => {
  const waiting = { wasm: guest('reach'), grants, max: 8, timeoutMs: 500, memoryBytes: 32 << 20, min: 0 }
  await using opened = await open([spec('f', waiting), spec('other')], { host })
  const event = { specversion: '1.0' as const, id: 'e', source: '/test', type, subject, data: Buffer.from(data) }
  const bytes = await grown(async () => {
    // 3 GiB in all: a suspended stack is never collected, and everything that its guest has would stay.
    for (let round = 0; round < 12; round++) {
      const calls = Array.from({ length: 8 }, () =>
        opened.call('f', type, subject, { event, deadline: Date.now() + 5_000 }).catch(({ code }) => code),
      )
      expect(new Set(await Promise.all(calls))).toEqual(new Set(['FUNCTION_TIMED_OUT']))
    }
  })
  // 8 times 32 MiB are in use at once, and some are to be collected in each thread.
  expect(bytes).toBeLessThan(1.2e9)
  expect(opened.pool.stats()[0]?.busy).toBe(0)
  expect(textOf(await opened.call('other', 'status'))).toBe('teapot')
  expect(textOf(await opened.call('f', 'nothing'))).toBe('nothing')
})

/** Waits, and catches whatever ends that, for ever. */
const CATCHING = `(component
  (import "wasi:io/poll@0.2.0" (instance $p
    (export "pollable" (type $t (sub resource)))
    (export "[method]pollable.block" (func (param "self" (borrow $t))))))
  (alias export $p "pollable" (type $pollable))
  (import "wasi:clocks/monotonic-clock@0.2.0" (instance $c
    (export "pollable" (type $t (eq $pollable)))
    (export "subscribe-duration" (func (param "when" u64) (result (own $t))))))
  (import "wasi:http/outgoing-handler@0.2.0" (instance))
  (core module $m
    (import "host" "block" (func $block (param i32)))
    (import "host" "subscribe" (func $subscribe (param i64) (result i32)))
    (memory (export "memory") 1)
    (func (export "run") (result i32)
      (loop $again
        (block $caught
          (try_table (catch_all $caught) (call $block (call $subscribe (i64.const 60000000000)))))
        (br $again))
      (i32.const 0)))
  (core func $block (canon lower (func $p "[method]pollable.block")))
  (core func $subscribe (canon lower (func $c "subscribe-duration")))
  (core instance $i (instantiate $m
    (with "host" (instance (export "block" (func $block)) (export "subscribe" (func $subscribe))))))
  (func $run (result (result)) (canon lift (core func $i "run")))
  (instance $e (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $e)))`

test('a guest that catches whatever it is thrown does not go on', async () => {
  const wasm = join(folder, 'catching.wasm')
  writeFileSync(wasm, await parse(CATCHING))
  await using opened = await open([spec('f', { wasm, grants, min: 0, timeoutMs: 300 }), spec('other')], { host })
  for (let round = 0; round < 3; round++) {
    await expect(opened.call('f', 'x')).rejects.toMatchObject({
      code: 'FUNCTION_TIMED_OUT',
      message: expect.stringContaining('ended while it waited'),
    })
    // In the same thread, which goes on: it would spin there, and nobody would end it.
    expect(textOf(await opened.call('other', 'calls'))).toBe(String(round + 2))
  }
})

test('one that sleeps in its thread holds up nobody, and is ended at its timeout', async () => {
  const specs = [spec('sleeper', { timeoutMs: 4_000, max: 1 }), spec('other', { timeoutMs: 20_000 })]
  await using opened = await open(specs, { host })
  const order: string[] = []
  const asleep = opened.call('sleeper', 'sleep', '60000').catch(({ code }) => order.push(code))
  const others = Array.from({ length: 20 }, () => opened.call('other', 'status').then(() => order.push('other')))
  await Promise.all([asleep, ...others])
  // Those behind it in its thread were run by the spare.
  expect(order.toSorted()).toEqual(['FUNCTION_TIMED_OUT', ...others.map(() => 'other')])
  expect(order.at(-1)).toBe('FUNCTION_TIMED_OUT')
  expect(textOf(await opened.call('sleeper', 'sleep', '1'))).toBe('slept')
})
