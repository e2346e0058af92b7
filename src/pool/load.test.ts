/** Loading takes what was made of a file before, by what it holds. */

import { copyFileSync, mkdtempSync, rmSync, utimesSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, test } from 'vitest'
import type { TranspileStore } from './cache.ts'
import type { Transpiled } from './component.ts'
import { digestOf } from './digest.ts'
import { loadFunctions } from './load.ts'
import type { FunctionSpec } from './pool.ts'

const folder = mkdtempSync(join(tmpdir(), 'headgate-load-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const ECHO = fileURLToPath(new URL('../../functions/echo/echo.wasm', import.meta.url))
const limits = { min: 0, max: 1, idleMs: 1, timeoutMs: 1, memoryBytes: 32 << 20, env: {} }
const copy = (name: string): FunctionSpec => {
  const wasm = join(folder, `${name}.wasm`)
  copyFileSync(ECHO, wasm)
  utimesSync(wasm, 0, 0)
  return { name, wasm, ...limits }
}

/** Keeps in memory, and remembers what it was asked for. */
class Shelf implements TranspileStore {
  readonly asked: string[] = []
  readonly #held = new Map<string, Transpiled>()

  async get(component: string): Promise<Transpiled | undefined> {
    this.asked.push(component)
    return this.#held.get(component)
  }
  async put(component: string, transpiled: Transpiled): Promise<void> {
    this.#held.set(component, transpiled)
  }
  compiled = (): undefined => undefined
  purge = async (): Promise<void> => {}
}

test('what is kept is found by the digest of the file, and what was loaded is not asked for again', async () => {
  const store = new Shelf()
  const first = copy('first')
  const [made] = await loadFunctions([first], store)
  expect(made?.sha256).toBe(await digestOf(first.wasm))
  expect(store.asked).toEqual([made?.sha256])
  // The next generation has a second function of the same file.
  const [again, second] = await loadFunctions([first, copy('second')], store)
  expect([again?.modules, second?.modules]).toEqual([made?.modules, made?.modules])
  expect([again?.name, second?.name]).toEqual(['first', 'second'])
  expect(store.asked).toHaveLength(1)
  await loadFunctions([], store)
  const [kept] = await loadFunctions([first], store)
  expect(store.asked).toHaveLength(2)
  expect(kept?.modules).not.toBe(made?.modules)
})

test('what cannot be loaded is told for each file, whether it was looked at before or not', async () => {
  const gone = { ...copy('gone'), wasm: join(folder, 'none.wasm') }
  const text = { ...copy('text'), wasm: fileURLToPath(import.meta.url) }
  const said = /^gone \(function\): loading ".*": does not exist.*\ntext \(function\): loading ".*": is not WebAssembly/
  for (const specs of [
    [gone, text],
    [copy('sound'), gone, text],
  ])
    await expect(loadFunctions(specs)).rejects.toThrow(said)
})
