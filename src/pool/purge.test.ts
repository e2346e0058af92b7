/** What is kept of functions on disk goes once nobody has used it for a month, and never what is in use. */

import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { TOOL, TranspileCache } from './cache.ts'
import { createPool } from './create.ts'
import { loadFunctions } from './load.ts'
import { purge } from './purge.ts'

const DAY = 86_400_000
const HEX = '0123456789abcdef'.repeat(2)
const V8 = `.v8-${process.versions.v8}-${process.arch}`

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'headgate-purge-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** Puts a file there that was used so long ago; returns its path. */
function put(name: string, ageMs: number, bytes = 1): string {
  const path = join(folder, name)
  writeFileSync(path, Buffer.alloc(bytes))
  age(path, ageMs)
  return path
}
const age = (path: string, ms: number) => utimesSync(path, (Date.now() - ms) / 1_000, (Date.now() - ms) / 1_000)
const left = () => readdirSync(folder).sort()

test('what was used in the last month stays, of whatever version of the tools; what was not goes', async () => {
  const names = [TOOL, `${TOOL}${V8}`, 'jco-1.2.3-1', 'jco-1.2.3-1.v8-13.6.233.17-node.32-arm64', `${TOOL}.v8-9.1-x64`]
  for (const [at, name] of names.entries()) {
    put(`${at}${HEX.slice(1)}.${name}`, 29 * DAY)
    put(`f${at}${HEX.slice(2)}.${name}`, 31 * DAY)
  }
  await purge(folder, new Set())
  expect(left()).toEqual(names.map((name, at) => `${at}${HEX.slice(1)}.${name}`).sort())
})

test('what is in use stays, and counts as used now', async () => {
  const path = put(`${HEX}.${TOOL}`, 400 * DAY)
  const code = put(`${HEX}.${TOOL}${V8}`, 400 * DAY)
  // Of a version of V8 that has been replaced.
  put(`${HEX}.${TOOL}.v8-1.2.3-x64`, 400 * DAY)
  await new TranspileCache(folder).purge([code])
  expect(left().map((name) => join(folder, name))).toEqual([path, code].sort())
  for (const each of [path, code]) expect(Date.now() - statSync(each).mtimeMs).toBeLessThan(DAY)
})

test('what was half-written goes once nobody can be writing it, and so does a name with nothing behind it', async () => {
  const parts = [`${HEX}.${TOOL}.4711`, `${HEX}.${TOOL}${V8}.123456789012345`]
  for (const name of parts) put(name, 2 * 3_600_000)
  put(`${HEX}.${TOOL}${V8}`, 2 * 3_600_000, 0)
  const written = [`e${HEX.slice(1)}.${TOOL}.4711`, `e${HEX.slice(1)}.${TOOL}${V8}.123456789012345`]
  for (const name of written) put(name, 60_000)
  await purge(folder, new Set())
  expect(left()).toEqual(written.sort())
})

test('files that are none of ours stay, and a folder that is not there is no error', async () => {
  const names = ['notes.txt', `${HEX}.wasm`, 'echo.jco-1.35.0-3', `${HEX}.jco-1.35.0-3.bak`]
  for (const name of names) put(name, 400 * DAY)
  await purge(folder, new Set())
  expect(left()).toEqual(names.sort())
  await purge(join(folder, 'nowhere'), new Set())
})

test('a pool does so at its start, in the background, and keeps what its functions are made of', async () => {
  const wasm = fileURLToPath(new URL('../../functions/echo/echo.wasm', import.meta.url))
  const spec = { name: 'echo', wasm, min: 1, max: 1, idleMs: 60_000, timeoutMs: 10_000, memoryBytes: 32 << 20, env: {} }
  const start = async () => {
    // Nothing that this process loaded before is of use.
    await loadFunctions([])
    await using pool = await createPool([spec], { log: () => {}, cache: folder })
    await pool.ready('echo')
    const call = { function: 'echo', event: EVENT, callId: 'c', attempt: 1, deadline: Date.now() + 10_000 }
    await pool.invoke(call, new AbortController().signal)
  }
  await start()
  const entry = join(folder, left().find((name) => name.endsWith(TOOL)) ?? '')
  age(entry, 400 * DAY)
  const old = put(`${HEX}.${TOOL}`, 31 * DAY)
  await start()
  const end = performance.now() + 10_000
  const done = () => !existsSync(old) && Date.now() - statSync(entry).mtimeMs < DAY
  while (!done() && performance.now() < end) await new Promise((resolve) => setTimeout(resolve, 20))
  expect(done()).toBe(true)
})

const EVENT = { specversion: '1.0', id: 'e', source: '/test', type: 't', data: Buffer.from('echoed') } as const
