/** Components whose names are code: what is made of them runs in the gateway's own process, and none of it is theirs. */

import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parse } from '@bytecodealliance/jco'
import { afterAll, expect, test } from 'vitest'
import { createPool } from '../../src/pool/index.ts'
import { inspectFunction } from '../../src/pool/inspect.ts'
import { open, spec } from './open.ts'

const folder = mkdtempSync(join(tmpdir(), 'headgate-forged-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
let files = 0

/** A component of wasi:cli/run of one core module, with names of its own choice for what that imports and exports. */
const component = (run: string, from: string, what: string): string => `(component
  (core module $host (func (export "${what}")))
  (core module $m
    (import "${from}" "${what}" (func))
    (memory (export "memory") 1)
    (func (export "${run}") (result i32) (i32.const 0)))
  (core instance $h (instantiate $host))
  (core instance $i (instantiate $m (with "${from}" (instance $h))))
  (func $run (result (result)) (canon lift (core func $i "${run}")))
  (instance $e (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $e)))`

async function fileOf(wat: string): Promise<string> {
  const path = join(folder, `${++files}.wasm`)
  writeFileSync(path, await parse(wat))
  return path
}

test('components by hand run', async () => {
  for (const wat of [component('run', 'host', 'it'), importing('$imports', '[method]a.b')]) {
    await using pool = await open([spec('f', { wasm: await fileOf(wat) })])
    expect((await pool.call('f', 'x')).events).toEqual([])
  }
})

/** What ends a text in JavaScript, and what comes after it there: it would leave a mark. */
const mark = join(folder, 'mark')
const CODE = `process.getBuiltinModule(String.fromCharCode(102,115)).writeFileSync(${[...mark].map((c) => `String.fromCharCode(${c.charCodeAt(0)})`).join('+')},String())`

/** One that imports, by a name of its own choice, what its host has. */
const importing = (from: string, what: string): string => `(component
  (import "wasi:cli/exit@0.2.0" (instance $x (export "exit" (func (param "status" (result))))))
  (core module $m
    (import "${from}" "${what}" (func (param i32)))
    (memory (export "memory") 1)
    (func (export "run") (result i32) (i32.const 0)))
  (core func $exit (canon lower (func $x "exit")))
  (core instance $i (instantiate $m (with "${from}" (instance (export "${what}" (func $exit))))))
  (func $run (result (result)) (canon lift (core func $i "run")))
  (instance $e (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $e)))`

/** Loads it, and makes an instance if that goes well. */
const loading = async (wasm: string): Promise<unknown> => {
  try {
    await using pool = await createPool([spec('f', { wasm })], { log: () => {}, workers: 1 })
    await pool.ready('f').catch(() => {})
    return undefined
  } catch (error) {
    return error
  }
}

test.each([
  ['an export', component(`x'];${CODE};['`, 'host', 'it')],
  ['an export, in the middle of an expression', component(`x']||${CODE}||exports0['x`, 'host', 'it')],
  ['a module that is imported from', component('run', `x':(${CODE},{}),'y`, 'it')],
  ['an import', importing('host', `x':(${CODE},{}),'y`)],
  ['a template', component(`\`+${CODE}+\``, 'host', 'it')],
])('%s that is code is refused when it is loaded, and never runs', async (_what, wat) => {
  const wasm = await fileOf(wat)
  const error = await loading(wasm)
  expect(existsSync(mark)).toBe(false)
  expect(error).toMatchObject({
    code: 'FUNCTION_INVALID',
    message: expect.stringContaining('has a core module with the name'),
  })
  expect((await inspectFunction(wasm)).problem).toContain('has a core module with the name')
})

test('names that would break what is made of them are refused, too', async () => {
  for (const wat of [
    component(`x\\0a${CODE}//`, 'host', 'it'),
    component('run', 'host', 'it\\5c'),
    component('run', 'host', `x'+(${CODE})+'`),
    component('run', 'a\\e2\\80\\a8b', 'it'),
  ])
    expect(await loading(await fileOf(wat)), wat).toMatchObject({ code: 'FUNCTION_INVALID' })
  expect(existsSync(mark)).toBe(false)
})

test('names of interfaces are no code either', async () => {
  for (const name of [`url=<';${CODE};'>`, `locked-dep=<a:b/c@1.0.0>,integrity=<sha256-'>`, `wasi:x/y'];${CODE}//`]) {
    const wat = importing('host', 'it').replace('(component', `(component (import "${name}" (instance))`)
    const wasm = await fileOf(wat).catch(() => undefined)
    if (wasm !== undefined) expect(await loading(wasm), name).toMatchObject({ code: 'FUNCTION_INVALID' })
    expect(existsSync(mark)).toBe(false)
  }
})
