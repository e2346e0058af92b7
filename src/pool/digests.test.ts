/** A version stays what it is; a function without one may change. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { digestsOf, sameFiles, VersionDigests } from './digests.ts'
import type { FunctionSpec } from './pool.ts'

const folder = mkdtempSync(join(tmpdir(), 'headgate-digests-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const wasm = join(folder, 'f.wasm')
const limits = { min: 0, max: 1, idleMs: 1, timeoutMs: 1, memoryBytes: 1, env: {} }
const plain: FunctionSpec = { name: 'f', wasm, ...limits }
const second: FunctionSpec = { ...plain, version: '2' }

test('another file under a version that ran is refused, also when the version was away meanwhile', async () => {
  writeFileSync(wasm, 'one')
  const first = await digestsOf([second])
  expect(await digestsOf([second], first)).toEqual(first)
  const away = await digestsOf([plain], first)
  writeFileSync(wasm, 'two')
  for (const before of [first, away])
    await expect(digestsOf([second], before)).rejects.toThrow(
      /^f@2 \(function\): loading ".*f\.wasm": sha256 is [0-9a-f]{12}\.\.\. and was [0-9a-f]{12}\.\.\. when this version/,
    )
  expect((await digestsOf([{ ...second, version: '3' }], first)).size).toBe(2)
})

test('a function without a version may change, and is not the same then', async () => {
  writeFileSync(wasm, 'one')
  const first = await digestsOf([plain])
  expect(sameFiles([plain], first, await digestsOf([plain], first))).toBe(true)
  writeFileSync(wasm, 'two')
  expect(sameFiles([plain], first, await digestsOf([plain], first))).toBe(false)
})

test('a file that is gone says nothing of what it was', async () => {
  writeFileSync(wasm, 'one')
  const first = await digestsOf([second])
  const gone = { ...second, wasm: join(folder, 'none.wasm') }
  await expect(digestsOf([gone], first)).resolves.toBeDefined()
})

test('what versions were is known after a restart, and written when it is news', async () => {
  const texts: string[] = []
  const store = { get: async () => texts.at(-1), set: async (text: string) => void texts.push(text) }
  writeFileSync(wasm, 'one')
  const first = await VersionDigests.read(store)
  await first.keep(await digestsOf([second, plain]))
  await first.keep(await digestsOf([second]))
  expect(texts).toHaveLength(1)
  const { held } = await VersionDigests.read(store)
  expect([...held.keys()]).toEqual(['f@2'])
  writeFileSync(wasm, 'two')
  await expect(digestsOf([second], held)).rejects.toThrow('a version stays what it is')
})
