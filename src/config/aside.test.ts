/** What is loaded in a thread is what is loaded here. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { connectors } from '../../connectors/index.ts'
import { isLarge, loadAside } from './aside.ts'
import { loadConfig } from './load.ts'
import type { Seen } from './seen.ts'

const folder = mkdtempSync(join(tmpdir(), 'headgate-aside-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const AT = new URL('../../connectors/index.ts', import.meta.url).href
const EXAMPLE = new URL('../../config/headgate.yaml', import.meta.url).pathname

function file(name: string, text: string): string {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}

const routes = (count: number, key: string): string =>
  `name: many\nroutes:\n${Array.from({ length: count }, (_, at) => `  r${at}: { from: "mqtt:a/${at}", ${key}: "mqtt:out/${at}" }`).join('\n')}\n`

test('a configuration is the same, in several pieces and in one', async () => {
  for (const path of [EXAMPLE, file('right.yaml', routes(1_201, 'to'))])
    expect(await loadAside(path, AT, { connectors })).toEqual(await loadConfig(path, { connectors }))
})

test('so is what is wrong with it, and what is passed over', async () => {
  const wrong = file('wrong.yaml', routes(120, 'tto'))
  const here = await loadConfig(wrong, { connectors }).catch((error: unknown) => error)
  await expect(loadAside(wrong, AT, { connectors })).rejects.toMatchObject({
    name: (here as Error).name,
    code: 'CONFIG_INVALID',
    message: (here as Error).message,
    problems: (here as { problems: unknown }).problems,
  })
  const notes: string[] = []
  const note = (text: string): void => void notes.push(text)
  const passed = file('passed.yaml', 'name: a\n---\nkind: Service\napiVersion: v1\nmetadata: { name: x }\n')
  await loadAside(passed, AT, { connectors, note })
  expect(notes).toEqual([expect.stringContaining('passed.yaml')])
})

test('so is what was seen of files, when something is wrong, too', async () => {
  for (const path of [EXAMPLE, file('wrong-too.yaml', routes(2, 'tto'))]) {
    const here: Seen = new Map()
    const aside: Seen = new Map()
    await loadConfig(path, { connectors, seen: here }).catch(() => {})
    await loadAside(path, AT, { connectors, seen: aside }).catch(() => {})
    expect(here.size).toBeGreaterThan(0)
    expect(aside).toEqual(here)
  }
})

test('connectors that cannot be loaded are told of', async () => {
  await expect(loadAside(EXAMPLE, 'file:///nowhere/index.ts', { connectors })).rejects.toThrow(/nowhere/)
})

test('only what is large is worth a thread', async () => {
  expect(await isLarge(EXAMPLE)).toBe(false)
  expect(await isLarge(join(folder, 'absent.yaml'))).toBe(false)
  expect(await isLarge(folder)).toBe(true)
})
