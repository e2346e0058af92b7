/** The cache of transpiled components gives back what was put, and nothing else. */

import { hash } from 'node:crypto'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { BorrowedCache, spareFolder, TOOL, TranspileCache } from './cache.ts'
import { createPool } from './create.ts'
import { loadFunctions } from './load.ts'

const root = mkdtempSync(join(tmpdir(), 'headgate-cache-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

const component = hash('sha256', 'a component')
const transpiled = {
  speaks: 'handler' as const,
  source: Buffer.from('source'),
  cores: [['core.wasm', Buffer.from('core')]] as const,
}

test('what was put is there; a changed file and a changed component are not', async () => {
  const folder = join(root, 'cache')
  const cache = new TranspileCache(folder)
  expect(await cache.get(component)).toBeUndefined()
  await cache.put(component, transpiled)
  const found = await cache.get(component)
  expect(Buffer.from(found?.source ?? []).toString()).toBe('source')
  expect(found?.cores.map(([name, bytes]) => [name, Buffer.from(bytes).toString()])).toEqual([['core.wasm', 'core']])
  expect(await cache.get(hash('sha256', 'another'))).toBeUndefined()
  const [file = ''] = readdirSync(folder)
  const bytes = readFileSync(join(folder, file))
  for (const at of [0, 40, bytes.length - 1]) {
    const changed = Buffer.from(bytes)
    changed[at] = (changed[at] ?? 0) ^ 1
    writeFileSync(join(folder, file), changed)
    expect(await cache.get(component)).toBeUndefined()
  }
})

test('an entry of another component, one of another hand, and half a one are none', async () => {
  const folder = join(root, 'forged')
  const cache = new TranspileCache(folder)
  await cache.put(component, transpiled)
  const [own = ''] = readdirSync(folder)
  const other = hash('sha256', 'another component')
  await cache.put(other, { ...transpiled, source: Buffer.from('what another does') })
  const [others = ''] = readdirSync(folder).filter((name) => name !== own)
  const bytes = readFileSync(join(folder, own))
  // Whole, with a sound checksum, and not what was made of this component.
  copyFileSync(join(folder, others), join(folder, own))
  expect(await cache.get(component)).toBeUndefined()
  writeFileSync(join(folder, own), bytes)
  expect(await cache.get(component)).toBeDefined()
  chmodSync(join(folder, own), 0o622)
  expect(await cache.get(component)).toBeUndefined()
  chmodSync(join(folder, own), 0o600)
  truncateSync(join(folder, own), bytes.length / 2)
  expect(await cache.get(component)).toBeUndefined()
})

test('what is not what was written is made again, and runs', async () => {
  const folder = join(root, 'rebuilt')
  const wasm = fileURLToPath(new URL('../../functions/echo/echo.wasm', import.meta.url))
  const settings = { min: 1, max: 1, idleMs: 60_000, timeoutMs: 10_000, memoryBytes: 32 << 20, env: {} }
  const event = { specversion: '1.0', id: 'e', source: '/test', type: 't', data: Buffer.from('echoed') } as const
  const run = async () => {
    // Nothing that this process loaded before is of use.
    await loadFunctions([])
    await using pool = await createPool([{ name: 'echo', wasm, ...settings }], { log: () => {}, cache: folder })
    await pool.ready('echo')
    const call = { function: 'echo', event, callId: 'c', attempt: 1, deadline: Date.now() + 10_000 }
    return Buffer.from((await pool.invoke(call, new AbortController().signal)).reply?.data ?? []).toString()
  }
  expect(await run()).toBe('echoed')
  const [entry = ''] = readdirSync(folder)
  const bytes = readFileSync(join(folder, entry))
  // What it was made to do instead would throw.
  const at = bytes.indexOf('function')
  writeFileSync(
    join(folder, entry),
    Buffer.concat([bytes.subarray(0, at), Buffer.from('throw 0;'), bytes.subarray(at + 8)]),
  )
  expect(await run()).toBe('echoed')
  expect(readFileSync(join(folder, entry)).equals(bytes)).toBe(true)
})

test('a folder that cannot be written is no error', async () => {
  writeFileSync(join(root, 'file'), '')
  const cache = new TranspileCache(join(root, 'file', 'below'))
  await cache.put(component, transpiled)
  expect(await cache.get(component)).toBeUndefined()
})

test('what is not to be written is kept for this process, and what a gateway has kept is read', async () => {
  const folder = join(root, 'borrowed')
  const first = new BorrowedCache(folder, undefined)
  const own = hash('sha256', 'own component')
  expect(await first.get(own)).toBeUndefined()
  await first.put(own, transpiled)
  expect(existsSync(folder)).toBe(false)
  expect(await new BorrowedCache(folder, undefined).get(own)).toBe(transpiled)
  const kept = hash('sha256', 'kept component')
  await new TranspileCache(folder).put(kept, transpiled)
  expect(await first.get(kept)).toBeDefined()
})

test('with a spare folder it is there for the next process, too, and still not where a gateway keeps it', async () => {
  const [folder, spare] = [join(root, 'journal'), join(root, 'spare')]
  await new BorrowedCache(folder, spare).put(component, transpiled)
  expect(existsSync(folder)).toBe(false)
  expect(await new TranspileCache(spare).get(component)).toBeDefined()
  const later = hash('sha256', 'of a process before')
  await new TranspileCache(spare).put(later, transpiled)
  expect(await new BorrowedCache(folder, spare).get(later)).toBeDefined()
})

describe('the spare folder', () => {
  const place = join(root, 'tmp')
  const mine = join(place, `headgate-functions-${process.getuid?.()}`)
  beforeEach(() => {
    rmSync(place, { recursive: true, force: true })
    mkdirSync(place)
    vi.stubEnv('TMPDIR', place)
  })
  afterEach(() => void vi.unstubAllEnvs())

  test('is made for this user alone', () => {
    expect(spareFolder()).toMatch(new RegExp(`^${mine}/[0-9a-f]{16}$`))
    expect(statSync(mine).mode & 0o777).toBe(0o700)
  })

  test.each(['is open to others', 'is a link', 'is a file'])('is not used when it %s', (what) => {
    if (what === 'is open to others') {
      mkdirSync(mine)
      chmodSync(mine, 0o777)
    } else if (what === 'is a link') symlinkSync(root, mine)
    else writeFileSync(mine, '')
    expect(spareFolder()).toBeUndefined()
  })
})

test('the name of the tool is the version that is installed', () => {
  const { dependencies } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
  expect(TOOL).toMatch(new RegExp(`^jco-${dependencies['@bytecodealliance/jco']}-\\d+$`))
})
