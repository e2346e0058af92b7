/** What V8 made of a source is used again when it is what was written for it, and made anew when not. */

import {
  chmodSync,
  copyFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { evaluateKept, keepCompiled } from './compiled.ts'

const root = mkdtempSync(join(tmpdir(), 'headgate-compiled-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

const path = join(root, 'one.v8')
/** Of one length: V8 tells sources apart by that alone. */
const sourceOf = (word: string) => `(function(){return '${word}'})`
const run = (word: string, at: string | undefined = path) =>
  (evaluateKept(sourceOf(word), 'test', at) as () => string)()

/** Whether the file was written anew. */
const rewritten = (work: () => void): boolean => {
  const before = statSync(path).ino
  work()
  keepCompiled()
  return statSync(path).ino !== before
}

test('it is written once, after it ran, and used from then on', () => {
  expect(run('first')).toBe('first')
  expect(readdirSync(root)).toEqual([])
  keepCompiled()
  expect(readdirSync(root)).toEqual(['one.v8'])
  expect(statSync(path).mode & 0o777).toBe(0o600)
  expect(rewritten(() => expect(run('first')).toBe('first'))).toBe(false)
})

test('a changed one, one of another name and one that others may write are not used, and made anew', () => {
  const bytes = readFileSync(path)
  for (const at of [0, 40, bytes.length - 1]) {
    const changed = Buffer.from(bytes)
    changed[at] = (changed[at] ?? 0) ^ 1
    writeFileSync(path, changed)
    expect(rewritten(() => expect(run('first')).toBe('first'))).toBe(true)
  }
  const other = join(root, 'two.v8')
  run('other', other)
  keepCompiled()
  copyFileSync(other, path)
  expect(rewritten(() => expect(run('first')).toBe('first'))).toBe(true)
  chmodSync(path, 0o622)
  expect(rewritten(() => expect(run('first')).toBe('first'))).toBe(true)
})

test('without a place nothing is kept; a folder that is not there is no error', () => {
  const before = readdirSync(root)
  expect(evaluateKept(sourceOf('first'), 'test', undefined)).toBeTypeOf('function')
  expect(run('first', join(root, 'nowhere', 'one.v8'))).toBe('first')
  keepCompiled()
  expect(readdirSync(root)).toEqual(before)
})
