/** A file is read again when it may have changed, and not when it has not. */

import { copyFileSync, mkdtempSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { digestOf, lookAt, readContents } from './digest.ts'

const folder = mkdtempSync(join(tmpdir(), 'headgate-digest-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const LONG_AGO = new Date(Date.now() - 60_000)

/** Writes a file as if that were some time ago. */
function written(name: string, text: string): string {
  const path = join(folder, name)
  writeFileSync(path, text)
  utimesSync(path, LONG_AGO, LONG_AGO)
  return path
}

test('a file that stays what it is is read once, whoever reads it first', async () => {
  const path = written('same', 'one')
  const { bytes, sha256 } = await readContents(path)
  expect(bytes.toString()).toBe('one')
  expect(await lookAt(path)).toEqual({ sha256 })
  const looked = written('looked', 'two')
  expect((await lookAt(looked)).bytes?.toString()).toBe('two')
  expect(await lookAt(looked)).not.toHaveProperty('bytes')
})

test('another file of the same size and age is another one', async () => {
  const path = written('changed', 'one')
  const first = await digestOf(path)
  writeFileSync(path, 'two')
  utimesSync(path, LONG_AGO, LONG_AGO)
  const second = await digestOf(path)
  expect(second).not.toBe(first)
  renameSync(written('moved', 'six'), path)
  expect([first, second]).not.toContain(await digestOf(path))
  copyFileSync(written('copied', 'one'), path)
  expect(await digestOf(path)).toBe(first)
})

test('a file that was just written is read each time, as the next write may bear the same time', async () => {
  const path = join(folder, 'new')
  writeFileSync(path, 'one')
  const { atime, mtime } = statSync(path)
  const first = await lookAt(path)
  expect(await lookAt(path)).toEqual(first)
  expect(first.bytes).toBeDefined()
  writeFileSync(path, 'two')
  utimesSync(path, atime, mtime)
  expect((await lookAt(path)).sha256).not.toBe(first.sha256)
})

test('a file that cannot be read has no digest', async () => {
  expect(await digestOf(join(folder, 'none'))).toBe('')
  expect(await digestOf(folder)).toBe('')
  await expect(readContents(join(folder, 'none'))).rejects.toMatchObject({ code: 'ENOENT' })
})
