/** What a SIGHUP and a changed file lead to, that one change leads to one reload, and that none is missed. */

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { connectors } from '../../connectors/index.ts'
import { type Config, loadConfig, type Seen } from '../config/index.ts'
import { type Reloadable, Reloader } from './reload.ts'

async function written(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'headgate-reload-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const path = join(folder, 'x.yaml')
  await writeFile(path, 'name: one')
  return path
}

/** What happens in a load, after all was read, and in a reload, before its end. */
interface Meanwhile {
  readonly read?: (config: Config) => unknown
  readonly taken?: (config: Config) => unknown
}

async function started(path: string, { read, taken }: Meanwhile = {}) {
  const load = async (seen: Seen): Promise<Config> => {
    const config = await loadConfig(path, { connectors, seen })
    await read?.(config)
    return config
  }
  const lines: string[] = []
  const say = (_: object, message: string): void => void lines.push(message)
  const seen: Seen = new Map()
  let config = await load(seen)
  let generation = 1
  const gateway: Reloadable = {
    log: { debug: say, info: say, warn: say, error: say },
    reload: async (read: () => Promise<Config>) => {
      config = await read()
      await taken?.(config)
      return { generation: ++generation, later: [] }
    },
  }
  const reloader = new Reloader(gateway, path, load)
  reloader.watch(seen)
  onTestFinished(() => reloader.close())
  return { lines, reloader, config: () => config, name: () => config.name }
}

/** Waits until so many lines are there. */
const until = (lines: readonly string[], count: number) =>
  expect.poll(() => lines.length, { timeout: 15_000, interval: 20 }).toBeGreaterThanOrEqual(count)

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

test('a change between the first load and the first look at its file is seen', async () => {
  const path = await written()
  const { lines, name } = await started(path, {
    read: (config) => config.name === 'one' && writeFile(path, 'name: two-and-more'),
  })
  await until(lines, 1)
  expect(name()).toBe('two-and-more')
})

test('a file that is named for the first time, and changes as soon as it was read, is read again', async () => {
  const path = await written()
  const token = join(dirname(path), 'token')
  await writeFile(token, 'first')
  const { lines, name } = await started(path, {
    read: (config) => config.name === 'first' && writeFile(token, 'second-and-more'),
  })
  await writeFile(path, `name: "\${file:token}"`)
  await until(lines, 2)
  expect(name()).toBe('second-and-more')
  expect(lines).toEqual(['config: reloaded: generation 2 runs', 'config: reloaded: generation 3 runs'])
})

test('so is a new file of a folder', async () => {
  const folder = dirname(await written())
  const part = join(folder, 'y.yaml')
  const route = (name: string) => `  ${name}: { from: http, to: "mqtt:a" }\n`
  const { lines, config } = await started(folder, {
    read: ({ routes }) => routes.length === 1 && writeFile(part, `routes:\n${route('a')}${route('b')}`),
  })
  await writeFile(part, `routes:\n${route('a')}`)
  await until(lines, 2)
  expect(config().routes.map(({ name }) => name)).toEqual(['a', 'b'])
})

test('a change while a reload goes on is the next one', async () => {
  const path = await written()
  const { lines, name } = await started(path, {
    taken: (config) => config.name === 'two-and-more' && writeFile(path, 'name: three-at-last'),
  })
  await writeFile(path, 'name: two-and-more')
  await until(lines, 2)
  expect(name()).toBe('three-at-last')
})

test('a file that was missed is read once it is there', async () => {
  const path = await written()
  const { lines, name } = await started(path)
  await writeFile(path, `name: "\${file:token}"`)
  await until(lines, 1)
  expect(lines).toEqual([expect.stringContaining('nothing has changed: 1 mistake in it')])
  await writeFile(join(dirname(path), 'token'), 'there')
  await until(lines, 2)
  expect(name()).toBe('there')
})
