/** What a SIGHUP and a changed file lead to, and that one change leads to one reload. */

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { connectors } from '../../connectors/index.ts'
import { type Config, loadConfig } from '../config/index.ts'
import { type Reloadable, Reloader } from './reload.ts'

async function written(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'headgate-reload-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const path = join(folder, 'x.yaml')
  await writeFile(path, 'name: one')
  return path
}

async function started(path: string) {
  const load = () => loadConfig(path, { connectors })
  const lines: string[] = []
  const say = (_: object, message: string): void => void lines.push(message)
  let config = await load()
  let generation = 1
  const gateway: Reloadable = {
    get config() {
      return config
    },
    log: { debug: say, info: say, warn: say, error: say },
    reload: async (read: () => Promise<Config>) => {
      config = await read()
      return { generation: ++generation, later: [] }
    },
  }
  const reloader = new Reloader(gateway, path, load)
  await reloader.watch()
  onTestFinished(() => reloader.close())
  return { lines, reloader, name: () => config.name }
}

/** Waits until so many lines are there. */
const until = (lines: readonly string[], count: number) =>
  expect.poll(() => lines.length, { timeout: 10_000, interval: 20 }).toBeGreaterThanOrEqual(count)

test('a file that changes is loaded', async () => {
  const path = await written()
  const { lines, name } = await started(path)
  await writeFile(path, 'name: two-and-more')
  await until(lines, 1)
  expect(name()).toBe('two-and-more')
  expect(lines).toEqual(['config: reloaded: generation 2 runs'])
})

test('what a SIGHUP has loaded is not loaded again when its change is seen, nor are its mistakes told twice', async () => {
  const path = await written()
  const { lines, name, reloader } = await started(path)
  const other = await started(path)
  await writeFile(path, 'nmae: two')
  await reloader.reload('SIGHUP')
  expect(lines).toEqual([expect.stringContaining('nothing has changed: 1 mistake in it')])
  // One that was sent no signal has seen the change, as this one has.
  await until(other.lines, 1)
  expect(other.lines).toEqual(lines)
  await writeFile(path, 'name: three-at-last')
  await until(lines, 2)
  expect(name()).toBe('three-at-last')
  expect(lines).toHaveLength(2)
})

test('each SIGHUP is answered, also when nothing has changed', async () => {
  const { lines, reloader } = await started(await written())
  await Promise.all([reloader.reload('SIGHUP'), reloader.reload('SIGHUP')])
  expect(lines).toEqual(['config: reloaded: generation 2 runs', 'config: reloaded: generation 3 runs'])
})
