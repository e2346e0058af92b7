/** The directory source: what counts as complete, what happens between two runs, and many files. */

import fs from 'node:fs'
import { appendFile, mkdir, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { MemoryLog, memoryContext } from '#conformance'
import type { CloudEvent, Emit } from '#connector'
import { storageConfig } from './config.ts'
import { makeDirectory, TestCursor } from './harness.ts'
import { readLedger } from './ledger.ts'
import { createSource } from './source.ts'

const PATIENT = { timeout: 10_000, interval: 10 }

class Bench implements AsyncDisposable {
  readonly directory = makeDirectory()
  readonly cursor = new TestCursor()
  readonly log = new MemoryLog()
  readonly events: CloudEvent[] = []
  #stop = async () => {}
  emit: Emit = async (event) => {
    this.events.push(event)
    return { callId: event.id, duplicate: false, routes: [] }
  }

  async run(options: object = {}): Promise<void> {
    await this.#stop()
    const config = storageConfig.parse({ directory: this.directory.path, stable: '100ms', ...options })
    const context = memoryContext({ name: 'uploads', cursor: this.cursor, log: this.log, maxInFlight: 1_024 })
    const source = createSource(config, context)
    await source.start(this.emit, AbortSignal.timeout(10_000))
    this.#stop = () => source.stop()
  }

  stop = (): Promise<void> => this.#stop()
  path = (name: string): string => join(this.directory.path, name)
  write = (name: string, text = name): Promise<void> => writeFile(this.path(name), text)
  get told(): string[] {
    return this.events.map(({ subject, type }) => `${type.replace('headgate.storage.', '')} ${subject}`)
  }
  async tells(...told: readonly string[]): Promise<void> {
    await vi.waitFor(() => expect(this.told.toSorted()).toEqual([...told].toSorted()), PATIENT)
  }
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stop()
    this.directory[Symbol.dispose]()
  }
}

test('files come and go, are written over, and lie in directories that come and go', async () => {
  await using bench = new Bench()
  await bench.write('before')
  await bench.run()
  await bench.tells('created before')
  await mkdir(bench.path('a/b'), { recursive: true })
  await bench.write('a/b/deep')
  await bench.tells('created before', 'created a/b/deep')
  await bench.write('before', 'anew')
  await bench.tells('created before', 'created a/b/deep', 'created before')
  await rm(bench.path('a'), { recursive: true })
  await bench.tells('created before', 'created a/b/deep', 'created before', 'deleted a/b/deep')
  expect(new Set(bench.events.map(({ id }) => id)).size).toBe(4)
})

test('a file that grows is told of once, when it has been the same for long enough', async () => {
  await using bench = new Bench()
  await bench.run({ fetch: true, stable: '300ms' })
  for (let part = 0; part < 8; part += 1) {
    await appendFile(bench.path('growing'), `${part}`)
    await new Promise((resolve) => setTimeout(resolve, 60))
  }
  await bench.tells('created growing')
  expect(`${bench.events[0]?.data}`).toBe('01234567')
})

test('a file that is moved here was written long ago, and is complete at once', async () => {
  await using bench = new Bench()
  await bench.run({ stable: '1h' })
  await bench.write('.draft')
  await utimes(bench.path('.draft'), new Date(0), new Date(0))
  await rename(bench.path('.draft'), bench.path('done'))
  await bench.tells('created done')
})

test('a restart tells of nothing twice, and of all that happened meanwhile', async () => {
  await using bench = new Bench()
  for (const name of ['stays', 'goes', 'changes']) await bench.write(name)
  await bench.run()
  await bench.tells('created stays', 'created goes', 'created changes')
  await bench.stop()
  bench.events.length = 0
  await rm(bench.path('goes'))
  await bench.write('changes', 'was changed')
  await bench.write('comes')
  await bench.run()
  await bench.tells('deleted goes', 'created changes', 'created comes')
  await bench.run()
  await bench.write('last')
  await bench.tells('deleted goes', 'created changes', 'created comes', 'created last')
})

test('suffix, prefix and events choose; hidden files and links do not count', async () => {
  await using bench = new Bench()
  await bench.run({ suffix: ['.jpg'], prefix: ['in'], events: ['deleted'] })
  for (const name of ['in.txt', 'out.jpg', '.in.jpg', 'in.jpg', 'in-last.jpg']) await bench.write(name)
  await symlink(bench.path('in.txt'), bench.path('in-link.jpg'))
  const known = async () => [...(await readLedger(bench.cursor.value)).keys()]
  await vi.waitFor(async () => expect((await known()).toSorted()).toEqual(['in-last.jpg', 'in.jpg']), PATIENT)
  for (const name of ['in.txt', 'out.jpg', '.in.jpg', 'in.jpg']) await rm(bench.path(name))
  await bench.tells('deleted in.jpg')
  // By then what went before would have been told.
  await rm(bench.path('in-last.jpg'))
  await bench.tells('deleted in.jpg', 'deleted in-last.jpg')
})

test('what is too large to fetch is told of with where it lies', async () => {
  await using bench = new Bench()
  await bench.run({ fetch: true, fetch_limit: '4B' })
  await bench.write('large', '12345')
  await bench.write('small', '1234')
  await bench.tells('created large', 'created small')
  const of = (name: string) => bench.events.find(({ subject }) => subject === name)
  expect(`${of('small')?.data}`).toBe('1234')
  expect(of('large')).toMatchObject({ datacontenttype: 'application/json' })
  expect(of('large')?.extensions?.['dataref']).toMatch(/^file:\/\/\/.*\/large$/)
})

test('a file that the gateway refuses is offered again', async () => {
  await using bench = new Bench()
  const { emit } = bench
  let refusals = 0
  bench.emit = async (event) => {
    if (refusals++ < 2) throw new Error('on purpose')
    return emit(event)
  }
  await bench.run()
  await bench.write('file')
  await bench.tells('created file')
  expect(bench.log.lines.map(({ message }) => message)[0]).toMatch(
    /^uploads \(storage\): taking a file: not accepted: on/,
  )
})

test('what the system did not tell of is found by looking at all of it', async () => {
  await using bench = new Bench()
  await bench.run({ rescan: '200ms' })
  // No watch can be had: a user has only so many.
  const watch = vi.spyOn(fs, 'watch').mockImplementation(() => {
    throw Object.assign(new Error('ENOSPC: System limit for number of file watchers reached'), { code: 'ENOSPC' })
  })
  try {
    syncBuiltinESMExports()
    await mkdir(bench.path('unwatched'))
    await bench.write('unwatched/file')
    await bench.tells('created unwatched/file')
    await rm(bench.path('unwatched/file'))
    await bench.tells('created unwatched/file', 'deleted unwatched/file')
    expect(bench.log.lines.map(({ message }) => message).join()).toMatch(/ENOSPC.*looking at all of it every 200 ms/)
  } finally {
    watch.mockRestore()
    syncBuiltinESMExports()
  }
})

test('a directory that is gone for a while, as a mount may be, takes no file with it', async () => {
  await using bench = new Bench()
  await bench.write('kept')
  await bench.run({ rescan: '100ms' })
  await bench.tells('created kept')
  await rename(bench.directory.path, `${bench.directory.path}.away`)
  await vi.waitFor(() => expect(bench.log.lines.map(({ message }) => message).join()).toContain('ENOENT'), PATIENT)
  await rename(`${bench.directory.path}.away`, bench.directory.path)
  await bench.write('new')
  await bench.tells('created kept', 'created new')
})

test('stable is how long a file must stay the same', async () => {
  await using bench = new Bench()
  await bench.run({ stable: '2500ms' })
  const began = performance.now()
  await bench.write('file')
  await bench.tells('created file')
  expect(performance.now() - began).toBeGreaterThan(2_400)
})

test('hidden: true has names that begin with a dot count', async () => {
  await using bench = new Bench()
  await bench.run({ hidden: true })
  await bench.write('.profile')
  await bench.tells('created .profile')
})
