/** How many calls an instance lives for, and that with `reuse: 1` no call sees what another left, whatever the interface. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { componentize } from 'componentize-qjs'
import { afterAll, describe, expect, test } from 'vitest'
import { guest, type OpenPool, open, spec, textOf } from './open.ts'

const ONCE = { reuse: { least: 1, most: 1 } }
const folder = mkdtempSync(join(tmpdir(), 'headgate-reuse-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Counts its calls in a variable of the module. */
async function counter(): Promise<string> {
  const witPath = fileURLToPath(new URL('../../functions/wit', import.meta.url))
  const jsSource = `let calls = 0
  globalThis.seen = []
  export function handle(event) {
    globalThis.seen.push(event.id)
    return { reply: { data: { tag: 'text', val: String(Math.max(++calls, globalThis.seen.length)) } }, events: [] }
  }`
  const { component } = await componentize({ witPath, world: 'handler', jsSource, sync: true, optSize: true })
  const wasm = join(folder, 'counter.wasm')
  writeFileSync(wasm, component)
  return wasm
}

/** What each of so many calls that come together saw of those before it. */
const seen = async ({ call }: OpenPool, type: string, count: number): Promise<string[]> =>
  (await Promise.all(Array.from({ length: count }, () => call('f', type)))).map(textOf)

const inTurn = async ({ call }: OpenPool, type: string, count: number): Promise<string[]> => {
  const all: string[] = []
  for (let nth = 0; nth < count; nth++) all.push(textOf(await call('f', type)))
  return all
}

describe.each([
  { kind: 'handler', wasm: guest('hostile'), type: 'calls', first: '1' },
  { kind: 'wasi:http', wasm: guest('hostile-http'), type: 'calls', first: '1' },
  { kind: 'wasi:cli/command', wasm: guest('hostile-command'), type: 'state', first: '0' },
  { kind: 'wasip1', wasm: guest('hostile-program'), type: 'state', first: '0' },
])('reuse 1 with a guest of $kind', ({ wasm, type, first }) => {
  test('no call sees what another left: together, in turn, after a trap', async () => {
    await using opened = await open([spec('f', { wasm, ...ONCE })], { workers: 2 })
    expect(new Set(await seen(opened, type, 100))).toEqual(new Set([first]))
    expect(new Set(await inTurn(opened, type, 20))).toEqual(new Set([first]))
    await expect(opened.call('f', 'trap')).rejects.toMatchObject({ code: 'FUNCTION_TRAPPED' })
    expect(new Set(await inTurn(opened, type, 5))).toEqual(new Set([first]))
  })
})

test.each(['hostile', 'hostile-http'])('without it the state of %s shows', async (name) => {
  await using opened = await open([spec('f', { wasm: guest(name) })])
  expect(new Set(await seen(opened, 'calls', 20)).size).toBeGreaterThan(10)
})

test('reuse 1 with an engine in the guest: neither its module nor its globals are seen by the next call', async () => {
  const wasm = await counter()
  await using once = await open([spec('f', { wasm, ...ONCE })])
  expect(new Set(await seen(once, 'x', 20))).toEqual(new Set(['1']))
  await using again = await open([spec('f', { wasm })])
  expect(new Set(await seen(again, 'x', 20)).size).toBe(20)
})

test('what a call allocated is gone with it, and no call waits for an instance that could be made before', async () => {
  await using opened = await open([spec('f', ONCE)])
  for (let round = 0; round < 30; round++) expect(textOf(await opened.call('f', 'keep', '4'))).toBe('kept')
  // One more where a machine stops a worker for so long that another takes over.
  expect(opened.pool.stats()[0]?.instances).toBeLessThan(4)
  expect(opened.pool.stats()[0]?.coldStarts).toBeLessThan(3)
  expect(opened.pool.stats()[0]?.memoryBytes).toBeLessThan(16 << 20)
})

/** How many of the calls were the first of their instance, the second, and so on. */
const reached = (calls: readonly string[]): number[] => {
  const counts: number[] = []
  for (const text of calls) counts[Number(text) - 1] = (counts[Number(text) - 1] ?? 0) + 1
  return counts
}

/** Instances that calls may have been cut short for: one was made before the first, in either worker one may be in use. */
const CUT = 3

test.each(['hostile', 'hostile-http'])(
  'an instance of %s lives for as many calls as it says, together or in turn',
  async (name) => {
    await using opened = await open([spec('f', { wasm: guest(name), reuse: { least: 3, most: 3 } })])
    const [first = 0, second = 0, third = 0, ...more] = reached([
      ...(await seen(opened, 'calls', 150)),
      ...(await inTurn(opened, 'calls', 30)),
    ])
    expect(more).toEqual([])
    for (const count of [first, second, third]) expect(Math.abs(count - 60)).toBeLessThanOrEqual(CUT)
  },
)

test('of a range each instance draws its own', async () => {
  await using opened = await open([spec('f', { reuse: { least: 2, most: 5 } })])
  const [first = 0, second = 0, third = 0, fourth = 0, fifth = 0, ...more] = reached(await seen(opened, 'calls', 700))
  expect(more).toEqual([])
  expect(first - second).toBeLessThanOrEqual(CUT)
  // A quarter of some two hundred ends after each: none of these is by chance.
  for (const gone of [second - third, third - fourth, fourth - fifth, fifth]) expect(gone).toBeGreaterThan(10)
})
