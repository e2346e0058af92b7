/** Guests that misbehave where their host calls them in the middle of something else: to allocate, to free, and while they wait. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { componentEmbed, componentNew, parse } from '@bytecodealliance/jco'
import { afterAll, expect, test } from 'vitest'
import { allowOptions, grantsOf } from '../../src/pool/allow-options.ts'
import { open, spec, textOf } from './open.ts'

const folder = mkdtempSync(join(tmpdir(), 'headgate-reentry-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
let files = 0

function written(bytes: Uint8Array): string {
  const path = join(folder, `${++files}.wasm`)
  writeFileSync(path, bytes)
  return path
}

const witSource = readFileSync(new URL('../../functions/wit/function.wit', import.meta.url), 'utf8')

/** A component of our world of one module by hand; what it returns by default is a response without anything. */
async function handler(parts: { realloc?: string; handle?: string; post?: string }): Promise<string> {
  const { realloc = '(i32.const 65536)', handle = '(i32.const 1024)', post = '' } = parts
  const binary = await parse(`(module
    (memory (export "memory") 4)
    (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) ${realloc})
    (func (export "cabi_post_handle") (param i32) ${post})
    (func $handle (export "handle") (param i32) (result i32) ${handle}))`)
  return written(await componentNew(await componentEmbed({ binary, witSource, world: 'handler' })))
}

const SPIN = '(loop $again (br $again))'

test.each([
  ['outside of its memory', '(i32.const -8)', 'it trapped: the guest allocated outside of its memory'],
  ['across the end of its memory', '(i32.const 262140)', 'it trapped: the guest allocated outside of its memory'],
  ['unaligned', '(i32.const 1027)', 'it trapped: the guest allocated outside of its memory'],
  ['over what it returns', '(i32.const 1024)', 'it returned case'],
  ['nothing, and traps', 'unreachable', 'it trapped: unreachable'],
  ['again and again', '(call $handle (i32.const 0))', 'stack overflow'],
])('what it allocates is %s', async (_what, realloc, message) => {
  const handle = realloc.startsWith('(call') ? realloc : '(i32.const 1024)'
  await using opened = await open([spec('f', { wasm: await handler({ realloc, handle }), min: 0 }), spec('other')])
  for (let round = 0; round < 2; round++)
    await expect(opened.call('f', 'x')).rejects.toMatchObject({
      code: 'FUNCTION_TRAPPED',
      message: expect.stringContaining(message),
    })
  expect(textOf(await opened.call('other', 'status'))).toBe('teapot')
})

test('memory that grows with each allocation moves nothing from under its host', async () => {
  const realloc = '(drop (memory.grow (i32.const 1))) (i32.const 65536)'
  await using opened = await open([spec('f', { wasm: await handler({ realloc }), min: 0 })])
  for (let round = 0; round < 3; round++) expect((await opened.call('f', 'x')).events).toEqual([])
})

test('one that loops while it allocates is ended at its timeout', async () => {
  const wasm = await handler({ realloc: `${SPIN} (i32.const 65536)` })
  await using opened = await open([spec('f', { wasm, min: 0, timeoutMs: 300 }), spec('other')])
  await expect(opened.call('f', 'x')).rejects.toMatchObject({ code: 'FUNCTION_TIMED_OUT' })
  expect(textOf(await opened.call('other', 'status'))).toBe('teapot')
})

test('ones that loop once they were answered, when what they returned is freed, give their threads back', async () => {
  await using opened = await open([
    spec('f', { wasm: await handler({ post: SPIN }), min: 0, timeoutMs: 300 }),
    spec('other'),
  ])
  // As many as there are threads, and more.
  for (let round = 0; round < 6; round++) {
    const [looping, other] = await Promise.all([
      opened.call('f', 'x'),
      opened.call('other', 'status', '', { deadline: Date.now() + 20_000 }),
    ])
    expect(looping.events).toEqual([])
    expect(textOf(other)).toBe('teapot')
  }
})

/**
 * A component of wasi:cli that may wait: `run` has its host allocate, and `realloc` tries to wait there, where it cannot
 * be suspended. `$wait` catches whatever that throws.
 */
const suspending = (realloc: string, run: string): string => `(component
  (import "wasi:io/poll@0.2.0" (instance $p
    (export "pollable" (type $t (sub resource)))
    (export "[method]pollable.block" (func (param "self" (borrow $t))))))
  (alias export $p "pollable" (type $pollable))
  (import "wasi:clocks/monotonic-clock@0.2.0" (instance $c
    (export "pollable" (type $t (eq $pollable)))
    (export "subscribe-duration" (func (param "when" u64) (result (own $t))))))
  (import "wasi:random/random@0.2.0" (instance $r
    (export "get-random-bytes" (func (param "len" u64) (result (list u8))))))
  (import "wasi:http/outgoing-handler@0.2.0" (instance))
  (core module $libc
    (memory (export "memory") 4)
    (table (export "table") 1 funcref)
    (type $f (func (param i32 i32 i32 i32) (result i32)))
    (func (export "realloc") (param i32 i32 i32 i32) (result i32)
      (call_indirect (type $f) (local.get 0) (local.get 1) (local.get 2) (local.get 3) (i32.const 0))))
  (core instance $l (instantiate $libc))
  (core module $m
    (import "host" "random" (func $random (param i64 i32)))
    (import "host" "block" (func $block (param i32)))
    (import "host" "subscribe" (func $subscribe (param i64) (result i32)))
    (import "libc" "memory" (memory 1))
    (import "libc" "table" (table 1 funcref))
    (elem (table 0) (i32.const 0) func $realloc)
    (func $sleep (param $ms i64)
      (call $block (call $subscribe (i64.mul (local.get $ms) (i64.const 1000000)))))
    (func $wait (param $ms i64)
      (block $caught (try_table (catch_all $caught) (call $sleep (local.get $ms)))))
    (func $allocating (call $random (i64.const 8) (i32.const 16)))
    (func $deep (param $left i32) (result i32)
      (if (result i32) (local.get $left)
        (then (i32.add (i32.const 1) (call $deep (i32.sub (local.get $left) (i32.const 1)))))
        (else (call $sleep (i64.const 20)) (call $deep (i32.const -1)))))
    (func $realloc (param i32 i32 i32 i32) (result i32) ${realloc})
    (func (export "run") (result i32) ${run} (i32.const 0)))
  (core func $block (canon lower (func $p "[method]pollable.block")))
  (core func $subscribe (canon lower (func $c "subscribe-duration")))
  (core func $random (canon lower (func $r "get-random-bytes")
    (memory (core memory $l "memory")) (realloc (core func $l "realloc"))))
  (core instance $i (instantiate $m
    (with "libc" (instance $l))
    (with "host" (instance
      (export "block" (func $block)) (export "subscribe" (func $subscribe)) (export "random" (func $random))))))
  (func $run (result (result)) (canon lift (core func $i "run")))
  (instance $e (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $e)))`

const grants = grantsOf(allowOptions.parse({ http: ['api.example'] }), (path) => path)
const AT = '(i32.const 1024)'
const SLEEPS = `(call $wait (i64.const 20)) ${AT}`

test.each([
  ['catches that it cannot', SLEEPS, '(call $allocating)', undefined],
  ['catches that, and waits where it can', SLEEPS, '(call $allocating) (call $wait (i64.const 50))', undefined],
  ['does not catch that', `(call $sleep (i64.const 20)) ${AT}`, '(call $allocating)', 'trying to suspend JS frames'],
  ['allocates in there, again and again', `(call $allocating) ${AT}`, '(call $allocating)', 'stack overflow'],
  ['gives a place outside', '(i32.const -8)', '(call $allocating)', 'is outside the bounds'],
  ['traps', 'unreachable', '(call $allocating)', 'unreachable'],
  ['has waited, deep in its stack', AT, '(drop (call $deep (i32.const 100)))', 'stack overflow'],
])('a guest that waits, and %s while its host has it allocate', async (_what, realloc, run, message) => {
  const wasm = written(await parse(suspending(realloc, run)))
  const neighbour = written(await parse(suspending(AT, '(call $sleep (i64.const 100))')))
  await using opened = await open([
    spec('f', { wasm, grants, min: 0 }),
    spec('neighbour', { wasm: neighbour, grants, max: 8 }),
  ])
  for (let round = 0; round < 2; round++) {
    const neighbours = Array.from({ length: 4 }, () => opened.call('neighbour', 'x'))
    const call = opened.call('f', 'x')
    if (message === undefined) expect((await call).events).toEqual([])
    else
      await expect(call).rejects.toMatchObject({
        code: 'FUNCTION_TRAPPED',
        message: expect.stringContaining(message),
      })
    for (const { events } of await Promise.all(neighbours)) expect(events).toEqual([])
  }
})

test('a guest that could not wait where it allocates, and loops there, is ended at its timeout', async () => {
  const wasm = written(await parse(suspending(`(call $wait (i64.const 20)) ${SPIN} ${AT}`, '(call $allocating)')))
  await using opened = await open([spec('f', { wasm, grants, min: 0, timeoutMs: 300 }), spec('other')])
  for (let round = 0; round < 3; round++) {
    await expect(opened.call('f', 'x')).rejects.toMatchObject({ code: 'FUNCTION_TIMED_OUT' })
    expect(textOf(await opened.call('other', 'status'))).toBe('teapot')
  }
})
