/** Files that are no functions are refused with what they are and what to do. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { componentEmbed, componentNew, parse } from '@bytecodealliance/jco'
import { afterAll, expect, test } from 'vitest'
import { createPool, type FunctionSpec } from './index.ts'

const folder = mkdtempSync(join(tmpdir(), 'headgate-invalid-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const spec = (name: string, bytes?: Uint8Array | string): FunctionSpec => {
  const wasm = join(folder, `${name}.wasm`)
  if (bytes !== undefined) writeFileSync(wasm, bytes)
  const bounds = { min: 1, max: 1, idleMs: 1_000, timeoutMs: 1_000, memoryBytes: 16 << 20 }
  return { name, wasm, env: {}, ...bounds }
}

/** A component of a world that is not ours, from its WIT and its core module as text. */
async function component(wit: string, wat: string): Promise<Uint8Array> {
  return componentNew(await componentEmbed({ binary: await parse(wat), witSource: wit, world: 'other' }))
}

const OTHER = `package other:place; world other { export run: func(); }`
const NEWER = `package headgate:function@0.2.0;
  interface types { record event { id: string } }
  world other { use types.{event}; export handle: func(event: event); }`
const RUN = '(module (memory (export "memory") 1) (func (export "run")))'
const HANDLE = `(module (memory (export "memory") 1)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) i32.const 0)
  (func (export "handle") (param i32 i32)))`

test('each is named with its path, what it is and what to do; one bad file does not hide another', async () => {
  const specs = [
    spec('missing'),
    spec('empty', ''),
    spec('page', '<!DOCTYPE html><html>'),
    spec('core', await parse('(module)')),
    spec('torn', Uint8Array.from([0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0, 1, 200])),
    spec('other', await component(OTHER, RUN)),
    spec('newer', await component(NEWER, HANDLE)),
  ]
  const error = await createPool(specs, { log: () => {} }).catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({ code: 'FUNCTION_INVALID', disposition: 'reject' })
  const lines = (error as Error).message.split('\n')
  for (const [index, { name, wasm }] of specs.entries())
    expect(lines[index]).toContain(`${name} (function): loading "${wasm}": `)
  expect(lines).toEqual([
    expect.stringMatching(/does not exist; build it with headgate function build <folder>/),
    expect.stringMatching(/is empty; build it against functions\/wit/),
    expect.stringMatching(/is not WebAssembly: it begins with "<!DOCTYPE html>/),
    expect.stringMatching(
      /is a core module that exports nothing, not "_start"; make it a component with jco new; a function exports/,
    ),
    expect.stringMatching(/is a broken component/),
    expect.stringMatching(/is a component of another world: it exports "run", not "handle"/),
    expect.stringMatching(/was built for headgate:function@0.2.0, and this gateway speaks 0.1/),
  ])
})

test('a cap below what the function starts with is an error that says both', async () => {
  const wasm = new URL('../../functions/echo/echo.wasm', import.meta.url).pathname
  const small = { ...spec('echo'), wasm, memoryBytes: 64 << 10 }
  await expect(createPool([small], { log: () => {} })).rejects.toMatchObject({
    code: 'FUNCTION_INVALID',
    message: expect.stringMatching(/starts with \d+ KiB of memory, more than its cap of 64 KiB; raise memory/),
  })
})

test('a name that is used twice is an error; a pool without functions is none', async () => {
  const twice = [spec('echo', ''), spec('echo', '')]
  await expect(createPool(twice, { log: () => {} })).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
  await using pool = await createPool([], { log: () => {} })
  expect(pool.stats()).toEqual([])
})
