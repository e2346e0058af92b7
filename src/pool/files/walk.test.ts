/** The way to a file, in both ways that hosts have: what leads out is refused, also when it changes under way. */

import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { FileRefusal } from './file-error.ts'
import { Files } from './files.ts'
import { HostFolder } from './host-folder.ts'
import { walk } from './walk.ts'

let root = ''
let inside = ''

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'headgate-walk-'))
  inside = join(root, 'inside')
  for (const folder of ['inside', 'inside/a', 'inside/a/b', 'outside']) mkdirSync(join(root, folder))
  writeFileSync(join(inside, 'a', 'b', 'file'), 'here')
  writeFileSync(join(root, 'outside', 'file'), 'the secret')
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

const OPENING = {
  read: true,
  write: false,
  append: false,
  create: false,
  exclusive: false,
  truncate: false,
  directory: false,
  follow: true,
}

describe.each([
  { how: 'from open folder to open folder', proc: process.platform === 'linux' },
  { how: 'by the path, compared with the open folder', proc: false },
])('$how', ({ proc }) => {
  const to = (path: string, follow = true): string | undefined => {
    const base = HostFolder.open(inside, proc)
    try {
      return walk(base, path, { follow }, (at, name) => (name === undefined ? `${at.stat().isDirectory()}` : name))
    } finally {
      base.close()
    }
  }
  const refused = (path: string) => expect(() => to(path), path).toThrow(FileRefusal)

  test('ends at a name, or at a folder', () => {
    expect(to('a/b/file')).toBe('file')
    expect(to('./a//b/../b/file')).toBe('file')
    expect(to('a/..')).toBe('true')
    expect(to('a/b/')).toBe('true')
    expect(to('gone')).toBe('gone')
    expect(() => to('a/b/file/')).toThrow('ENOTDIR')
    expect(() => to('')).toThrow('ENOENT')
    expect(() => to('a\0b')).toThrow('EINVAL')
    expect(() => to('x/'.repeat(3_000))).toThrow('ENAMETOOLONG')
  })

  test('leads nowhere else', () => {
    for (const [name, target] of Object.entries({
      up: '../outside',
      whole: root,
      self: '/proc/self/root',
      far: 'up/file',
    }))
      symlinkSync(target, join(inside, name))
    for (const path of [
      '..',
      '../outside/file',
      'a/../../outside/file',
      '/etc/passwd',
      'up/file',
      'up',
      'whole',
      'self',
      'far',
    ])
      refused(path)
    // The link itself is one name in the folder.
    expect(to('up', false)).toBe('up')
  })

  test('no more links than forty, nor folders than sixty-four', () => {
    symlinkSync('loop', join(inside, 'loop'))
    expect(() => to('loop')).toThrow('ELOOP')
    expect(() => to('loop/x')).toThrow('ELOOP')
    const deep = Array.from({ length: 70 }, (_, at) => `d${at}`)
    mkdirSync(join(inside, ...deep), { recursive: true })
    expect(() => to(`${deep.join('/')}/x`)).toThrow('ENAMETOOLONG')
  })

  test('a folder that is moved meanwhile leads nowhere else', () => {
    const base = HostFolder.open(inside, proc)
    const a = base.folder('a')
    renameSync(join(inside, 'a'), join(inside, 'moved'))
    symlinkSync('../outside', join(inside, 'a'))
    try {
      // The open folder is where it was taken to, or missing: it is not what took its name.
      const there = attempt(() => readFileSync(a.file('file', 0), 'utf8'))
      expect(there).not.toBe('the secret')
      expect(() => base.folder('a')).toThrow(/ELOOP|ENOTDIR/)
    } finally {
      a.close()
      base.close()
    }
  })
})

test('a folder that is swapped for a link at every moment never leads out; a plain path would', async () => {
  mkdirSync(join(inside, 'x'))
  writeFileSync(join(inside, 'x', 'file'), 'here')
  symlinkSync('../outside', join(inside, 'x.link'))
  const script = `
    const { renameSync } = require('node:fs')
    const { parentPort, workerData: x } = require('node:worker_threads')
    parentPort.postMessage('begun')
    for (;;) {
      renameSync(x, x + '.folder'); renameSync(x + '.link', x)
      renameSync(x, x + '.link'); renameSync(x + '.folder', x)
    }`
  const swapping = new Worker(script, { eval: true, workerData: join(inside, 'x') })
  await new Promise((resolve) => swapping.once('message', resolve))
  const files = new Files([{ guest: '/data', host: inside, write: false }])
  const [data] = files.roots
  const seen = { plain: new Set<unknown>(), ours: new Set<unknown>() }
  const enough = () => seen.plain.has('the secret') && seen.ours.has('here') && seen.ours.has('refused')
  const until = Date.now() + 20_000
  for (let round = 0; (round < 2_000 || !enough()) && Date.now() < until; round++) {
    seen.plain.add(attempt(() => readFileSync(join(inside, 'x', 'file'), 'utf8')))
    seen.ours.add(
      attempt(() => {
        const file = data?.open('x/file', OPENING)
        const bytes = Buffer.alloc(20)
        return file && 'read' in file ? bytes.toString('utf8', 0, file.read(bytes, 0)) : 'a folder'
      }),
    )
    files.close()
  }
  await swapping.terminate()
  expect(seen.plain).toContain('the secret')
  expect(seen.ours).toContain('here')
  expect(seen.ours).toContain('refused')
  expect(seen.ours).not.toContain('the secret')
})

test('pipes and links are neither opened nor made', () => {
  execFileSync('mkfifo', [join(inside, 'pipe')])
  const files = new Files([{ guest: '/data', host: inside, write: true }])
  const [data] = files.roots
  expect(() => data?.open('pipe', OPENING)).toThrow('EACCES')
  expect(() => data?.link('a/b/file')).toThrow(FileRefusal)
  const made = data?.open('made', { ...OPENING, write: true, create: true, exclusive: true })
  expect(made).toBeDefined()
  expect(() => data?.open('made', { ...OPENING, write: true, create: true, exclusive: true })).toThrow('EEXIST')
  files.close()
  expect(() => made?.stat('.', true)).toThrow('EBADF')
})

function attempt(work: () => string): string {
  try {
    return work()
  } catch (error) {
    return error instanceof FileRefusal
      ? 'refused'
      : String(error instanceof Error && 'code' in error ? error.code : error)
  }
}
