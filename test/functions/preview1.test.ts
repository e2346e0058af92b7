/** Modules of wasip1 that no compiler would make: each is ended with the right error, and the thread goes on. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parse } from '@bytecodealliance/jco'
import { afterAll, expect, test } from 'vitest'
import { createPool } from '../../src/pool/index.ts'
import { type OpenPool, open, spec, textOf } from './open.ts'

const folder = mkdtempSync(join(tmpdir(), 'headgate-preview1-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
let files = 0

async function module(wat: string): Promise<string> {
  const path = join(folder, `${++files}.wasm`)
  writeFileSync(path, await parse(wat))
  return path
}

const WASI = 'wasi_snapshot_preview1'
const TYPES: Readonly<Record<string, string>> = {
  fd_write: '(param i32 i32 i32 i32) (result i32)',
  fd_read: '(param i32 i32 i32 i32) (result i32)',
  random_get: '(param i32 i32) (result i32)',
  poll_oneoff: '(param i32 i32 i32 i32) (result i32)',
  clock_time_get: '(param i32 i64 i32) (result i32)',
  path_open: '(param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)',
  sock_send: '(param i32 i32 i32 i32 i32) (result i32)',
  thread_spawn: '(param i32) (result i32)',
  constructor: '(param i32) (result i32)',
  environ_get: '(param i32 i32) (result i32)',
  proc_exit: '(param i32)',
}

/** A program that imports these, and whose `_start` is this. */
const program = (names: readonly string[], start: string, more = ''): string => `(module
  ${names.map((name) => `(import "${WASI}" "${name}" (func $${name} ${TYPES[name]}))`).join('\n')}
  (memory (export "memory") 1) ${more}
  (func (export "_start") ${start}))`

/** Ends with the errno as its exit code. */
const exits = (call: string): string => `${call} call $proc_exit`

async function opened(wat: string, overrides: Parameters<typeof spec>[1] = {}): Promise<OpenPool> {
  return open([spec('f', { wasm: await module(wat), min: 0, ...overrides })])
}

test.each([
  ['fd_write', '(drop (call $fd_write (i32.const 1) (i32.const 65530) (i32.const 9) (i32.const 0)))'],
  ['fd_read', '(drop (call $fd_read (i32.const 0) (i32.const -8) (i32.const 1) (i32.const 0)))'],
  ['random_get', '(drop (call $random_get (i32.const 65000) (i32.const 1000)))'],
  ['clock_time_get', '(drop (call $clock_time_get (i32.const 0) (i64.const 0) (i32.const -1)))'],
  ['poll_oneoff', '(drop (call $poll_oneoff (i32.const 65000) (i32.const 0) (i32.const 999) (i32.const 0)))'],
  ['environ_get', '(drop (call $environ_get (i32.const -4) (i32.const -2)))'],
])('%s with a pointer outside of its memory traps', async (name, call) => {
  await using pool = await opened(program([name], call), { env: { A: 'b' } })
  await expect(pool.call('f', 'x')).rejects.toMatchObject({
    code: 'FUNCTION_TRAPPED',
    message: expect.stringContaining('outside of its memory'),
    fingerprint: 'result',
  })
})

test('a list that names one region a million times is a reply too long, not a host out of memory', async () => {
  // Fills the memory with { 0, 65536 }: 8,000 times 64 KiB.
  const start = `(local $at i32)
    (loop $next
      (i32.store (i32.add (local.get $at) (i32.const 4)) (i32.const 65536))
      (local.set $at (i32.add (local.get $at) (i32.const 8)))
      (br_if $next (i32.lt_u (local.get $at) (i32.const 64000))))
    (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 8000) (i32.const 65000)))`
  await using pool = await opened(program(['fd_write'], start))
  const before = process.memoryUsage.rss()
  await expect(pool.call('f', 'x')).rejects.toMatchObject({ message: expect.stringContaining('more than 16 MiB') })
  expect(process.memoryUsage.rss() - before).toBeLessThan(200e6)
})

test('a program that writes byte by byte is answered as one that writes at once', async () => {
  const start = `(local $left i32)
    (i32.store (i32.const 0) (i32.const 16)) (i32.store (i32.const 4) (i32.const 1)) (i32.store8 (i32.const 16) (i32.const 120))
    (local.set $left (i32.const 50000))
    (loop $next
      (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
      (br_if $next (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))`
  await using pool = await opened(program(['fd_write'], start))
  expect(textOf(await pool.call('f', 'x'))).toBe('x'.repeat(50_000))
})

test('what there is none of is denied by its errno, told once and counted', async () => {
  const call =
    '(call $path_open (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i64.const 0) (i64.const 0) (i32.const 0) (i32.const 0))'
  await using pool = await opened(program(['path_open', 'proc_exit'], `(drop ${call}) ${exits(call)}`))
  await expect(pool.call('f', 'x')).rejects.toMatchObject({ fingerprint: 'exit:76' })
  expect(pool.lines.map(({ message }) => message)).toEqual([
    expect.stringMatching(/^denied wasi_snapshot_preview1#path_open: /),
  ])
  await expect.poll(() => pool.pool.stats()[0]?.denied).toEqual({ dirs: 2 })
})

test('names that no host has, and those that every object has, are denied and not called', async () => {
  for (const name of ['thread_spawn', 'constructor']) {
    await using pool = await opened(program([name, 'proc_exit'], exits(`(call $${name} (i32.const 0))`)))
    await expect(pool.call('f', 'x')).rejects.toMatchObject({ fingerprint: 'exit:52' })
    await expect.poll(() => pool.pool.stats()[0]?.denied).toEqual({ other: 1 })
  }
})

test('asking for a lot at once traps', async () => {
  const random = '(drop (call $random_get (i32.const 0) (i32.const 70000)))'
  await using greedy = await opened(program(['random_get'], random, '(func)'))
  await expect(greedy.call('f', 'x')).rejects.toMatchObject({ code: 'FUNCTION_TRAPPED' })
  const poll = '(drop (call $poll_oneoff (i32.const 0) (i32.const 0) (i32.const -1) (i32.const 0)))'
  await using polling = await opened(program(['poll_oneoff'], poll))
  await expect(polling.call('f', 'x')).rejects.toMatchObject({ message: expect.stringContaining('1000 are the most') })
})

test('a denial in a loop is no flood, and ends with the timeout', async () => {
  const call = '(call $sock_send (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))'
  const wat = program(['sock_send'], `(loop $again (drop ${call}) (br $again))`)
  await using pool = await opened(wat, { timeoutMs: 300 })
  await expect(pool.call('f', 'x')).rejects.toMatchObject({ code: 'FUNCTION_TIMED_OUT' })
  expect(pool.lines.length).toBeLessThan(2)
})

test('what cannot be bounded is refused when it is loaded', async () => {
  const refused = async (wat: string): Promise<string> => {
    const wasm = await module(wat)
    const error = await createPool([spec('f', { wasm })], { log: () => {} }).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'FUNCTION_INVALID' })
    return (error as Error).message
  }
  const start = '(func (export "_start"))'
  expect(await refused(`(module (import "env" "memory" (memory 1)) ${start})`)).toContain('imports "env.memory"')
  expect(await refused(`(module (memory 1 2 shared) ${start})`)).toContain('a memory that threads share')
  expect(await refused(`(module (memory 9999) ${start})`)).toContain('raise memory')
  expect(await refused(`(module (type $a (array (mut i32))) (memory 1) ${start})`)).toContain('WasmGC')
  expect(await refused(`(module (type $s (struct (field i32))) (memory 1) ${start})`)).toContain('WasmGC')
  expect(await refused(`(module (tag $t (param exnref)) (memory 1) ${start})`)).toContain('exceptions that hold others')
  expect(await refused(`(module ${start})`)).toContain('has no memory of its own')
  expect(await refused('(module (memory 1) (func (export "_initialize")))')).toContain(
    'exports "_initialize", not "_start"',
  )
})

test('memory that threads would share is refused when it is loaded, declared or asked for', async () => {
  const declared = '(module (memory (export "memory") 1 1 shared) (func (export "_start")))'
  await expect(opened(declared)).rejects.toMatchObject({
    code: 'FUNCTION_INVALID',
    message: expect.stringContaining('a memory that threads share'),
  })
  const imported = '(module (import "env" "memory" (memory 1 1 shared)) (func (export "_start")))'
  await expect(opened(imported)).rejects.toMatchObject({
    code: 'FUNCTION_INVALID',
    message: expect.stringContaining('imports "env.memory"'),
  })
})

test('a timer of centuries ends with the timeout', async () => {
  // One subscription to the monotonic clock, after 2^63 - 1 nanoseconds.
  const start = `(i32.store (i32.const 16) (i32.const 1)) (i64.store (i32.const 24) (i64.const 9223372036854775807))
    (drop (call $poll_oneoff (i32.const 0) (i32.const 64) (i32.const 1) (i32.const 128)))`
  await using pool = await opened(program(['poll_oneoff'], start), { timeoutMs: 300 })
  await expect(pool.call('f', 'x')).rejects.toMatchObject({ code: 'FUNCTION_TIMED_OUT' })
})

test('names of the thread it runs in are no imports', async () => {
  for (const [module, name] of [
    ['process', 'exit'],
    ['globalThis', 'eval'],
    ['node:fs', 'readFileSync'],
    ['__proto__', 'toString'],
  ])
    await expect(
      opened(`(module (import "${module}" "${name}" (func)) (memory (export "memory") 1) (func (export "_start")))`),
    ).rejects.toMatchObject({
      code: 'FUNCTION_INVALID',
      message: expect.stringContaining(`imports "${module}.${name}"`),
    })
})

/** Whatever is thrown through it is nothing. */
const caught = (call: string): string => `(block $caught (try_table (catch_all $caught) ${call}))`

test('what a guest can catch it can go on after, and gets no further: nothing is kept twice', async () => {
  // Asks for what is too much two hundred times, and for its end, and catches all of it: 300 times its memory is 18 MiB.
  const start = `(local $at i32)
    (loop $next
      (i32.store (i32.add (local.get $at) (i32.const 4)) (i32.const 65536))
      (local.set $at (i32.add (local.get $at) (i32.const 8)))
      (br_if $next (i32.lt_u (local.get $at) (i32.const 2400))))
    (local.set $at (i32.const 200))
    (loop $next
      ${caught('(drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 300) (i32.const 65000)))')}
      ${caught('(drop (call $random_get (i32.const 0) (i32.const 70000)))')}
      ${caught('(call $proc_exit (i32.const 0))')}
      (br_if $next (local.tee $at (i32.sub (local.get $at) (i32.const 1)))))`
  await using pool = await opened(program(['fd_write', 'random_get', 'proc_exit'], start), { timeoutMs: 60_000 })
  const before = process.memoryUsage.rss()
  expect((await pool.call('f', 'x')).reply?.data.length).toBe(16 << 20)
  expect(process.memoryUsage.rss() - before).toBeLessThan(300e6)
  const forever = `(loop $again ${caught('(call $proc_exit (i32.const 0))')} (br $again))`
  await using stubborn = await opened(program(['proc_exit'], forever), { timeoutMs: 300 })
  await expect(stubborn.call('f', 'x')).rejects.toMatchObject({ code: 'FUNCTION_TIMED_OUT' })
})
