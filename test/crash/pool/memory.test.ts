/** Row 24 of the fault matrix: guests that use up memory or stack, or leave, take nothing with them. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { componentize } from 'componentize-qjs'
import { afterAll, expect, test } from 'vitest'
import { open, spec, textOf } from '../../functions/open.ts'

const MIB = 1 << 20
const CAP = 64 * MIB
const folder = mkdtempSync(join(tmpdir(), 'headgate-guest-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test('a memory bomb is capped: "out of memory", and the process grows by no more than the cap and 100 MB', async () => {
  await using opened = await open([spec('hostile', { memoryBytes: CAP })])
  const before = process.memoryUsage.rss()
  let highest = 0
  const watch = setInterval(() => {
    highest = Math.max(highest, process.memoryUsage.rss())
  }, 2)
  for (let round = 0; round < 5; round++)
    await expect(opened.call('hostile', 'hoard')).rejects.toMatchObject({
      code: 'FUNCTION_OUT_OF_MEMORY',
      message: expect.stringContaining('out of memory'),
      fingerprint: expect.stringMatching(/^memory@/),
    })
  clearInterval(watch)
  const grown = highest - before
  console.log(`row 24: cap ${CAP / MIB} MiB, the process grew by ${Math.round(grown / MIB)} MiB at most over 5 bombs`)
  expect(grown).toBeLessThan(CAP + 100e6)
  expect(grown).toBeGreaterThan(CAP / 4)
  expect(textOf(await opened.call('hostile', 'calls'))).toBe('1')
})

test('one allocation of more than the cap is out of memory too', async () => {
  await using opened = await open([spec('hostile', { memoryBytes: CAP })])
  await expect(opened.call('hostile', 'use', '500')).rejects.toMatchObject({ code: 'FUNCTION_OUT_OF_MEMORY' })
  expect(textOf(await opened.call('hostile', 'use', '32'))).toBe('used')
})

test('a stack overflow and an exit end the instance, a hundred times over', async () => {
  await using opened = await open([spec('hostile', { memoryBytes: CAP })])
  for (let round = 0; round < 100; round++)
    await expect(opened.call('hostile', round % 2 ? 'stack' : 'exit', '3')).rejects.toMatchObject({
      code: 'FUNCTION_TRAPPED',
      disposition: 'retry',
    })
  expect(textOf(await opened.call('hostile', 'calls'))).toBe('1')
  // One where it began, and one apart, where a function runs that breaks so often.
  expect(opened.pool.stats()[0]).toMatchObject({ busy: 0, queued: 0 })
  expect(opened.pool.stats()[0]?.instances).toBeLessThanOrEqual(2)
})

test('a heap bomb in JavaScript is capped, caught by the function or not', async () => {
  const witPath = fileURLToPath(new URL('../../../functions/wit', import.meta.url))
  const hoard = 'const hoard = []; for (;;) hoard.push(new Array(1000).fill(hoard.length))'
  const jsSource = `export function handle(event) {
    if (event.type === 'headgate.warmup') return { events: [] }
    if (event.type !== 'caught') { ${hoard} }
    try { ${hoard} } catch { return { reply: { data: { tag: 'text', val: 'caught' } }, events: [] } }
  }`
  const { component } = await componentize({ witPath, world: 'handler', jsSource, sync: true, optSize: true })
  const wasm = join(folder, 'script.wasm')
  writeFileSync(wasm, component)
  await using opened = await open([spec('script', { wasm, memoryBytes: CAP, timeoutMs: 60_000 })])
  await expect(opened.call('script', 'hoard')).rejects.toMatchObject({ code: 'FUNCTION_OUT_OF_MEMORY' })
  expect(textOf(await opened.call('script', 'caught'))).toBe('caught')
  expect(opened.pool.stats()[0]?.memoryBytes).toBeLessThanOrEqual(CAP)
})
