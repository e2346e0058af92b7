/** Files: what a function is allowed of them works as anywhere, and nothing else is reached, whatever it tries. */

import { execFileSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { type DirGrant, NO_GRANTS } from '../../src/pool/grants.ts'
import { HostError } from '../../src/pool/host.ts'
import { guest, type OpenPool, open, spec, textOf } from './open.ts'

const ROOT = mkdtempSync(join(tmpdir(), 'headgate-files-'))
afterAll(() => rmSync(ROOT, { recursive: true, force: true }))

/** What is allowed, and what lies beside it. */
const inside = join(ROOT, 'inside')
const outside = join(ROOT, 'outside')

beforeEach(() => {
  for (const folder of [inside, outside]) {
    rmSync(folder, { recursive: true, force: true })
    mkdirSync(folder)
  }
  writeFileSync(join(outside, 'secret'), 'the secret')
  writeFileSync(join(inside, 'a.txt'), 'hello')
  mkdirSync(join(inside, 'sub'))
  writeFileSync(join(inside, 'sub', 'b.txt'), 'world')
})

async function opened(name: string, dirs: readonly Partial<DirGrant>[]): Promise<OpenPool> {
  const grants = { ...NO_GRANTS, dirs: dirs.map((dir) => ({ guest: '/data', host: inside, write: true, ...dir })) }
  return open([spec('f', { wasm: guest(name), grants })])
}

const run = async (pool: OpenPool, script: string): Promise<readonly string[]> =>
  textOf(await pool.call('f', 'file', script)).split('; ')

const said = (pool: OpenPool): string => pool.lines.map(({ message }) => message).join('\n')

test('what a call left open that waited past its time is closed', async () => {
  const absent = () => Promise.reject(new HostError('unavailable', 'not in this test'))
  const host = { store: absent, send: absent, publish: absent, request: absent, call: absent }
  const grants = { ...NO_GRANTS, kv: ['things'], dirs: [{ guest: '/data', host: inside, write: false }] }
  await using pool = await open([spec('f', { wasm: guest('reach'), grants })], { host })
  const files = () => readdirSync('/dev/fd').length
  const before = files()
  for (let round = 0; round < 5; round++) {
    const late = pool.call('f', 'hold', '/data/a.txt', { deadline: Date.now() + 300 })
    await expect.poll(files, { timeout: 10_000 }).toBeGreaterThan(before + 40)
    await expect(late).rejects.toMatchObject({ code: 'FUNCTION_TIMED_OUT' })
    await expect.poll(files, { timeout: 10_000 }).toBeLessThan(before + 20)
  }
})

describe.each([
  { name: 'hostile-program', what: 'a module of wasip1' },
  { name: 'hostile-command', what: 'a component of wasi:cli/command' },
  { name: 'hostile', what: 'a component of headgate:function' },
])('$what', ({ name }) => {
  test('reads and writes in a folder that it may write to', async () => {
    await using pool = await opened(name, [{}])
    expect(
      await run(
        pool,
        [
          'read /data/a.txt',
          'list /data',
          'write /data/new.txt one',
          'append /data/new.txt -two',
          'read /data/new.txt',
          'size /data/new.txt',
          'patch /data/new.txt XX',
          'truncate /data/new.txt 3',
          'read /data/new.txt',
          'mkdir /data/made',
          'rename /data/new.txt /data/made/moved.txt',
          'list /data/made',
          'read /data/sub/../made/./moved.txt',
          'unlink /data/made/moved.txt',
          'rmdir /data/made',
          'size /data/sub',
          'list /data',
        ].join(';'),
      ),
    ).toEqual([
      'hello',
      'a.txt,sub',
      'ok',
      'ok',
      'one-two',
      'false 7',
      'wo',
      'ok',
      'onX',
      'ok',
      'ok',
      'moved.txt',
      'onX',
      'ok',
      'ok',
      'true 4096',
      'a.txt,sub',
    ])
    await expect.poll(() => pool.pool.stats()[0]?.denied).toEqual({})
  })

  test('changes nothing in a folder that it may only read, and is told the line that would allow it', async () => {
    await using pool = await opened(name, [{ write: false }])
    expect(await run(pool, 'read /data/a.txt; list /data/sub; size /data/a.txt')).toEqual(['hello', 'b.txt', 'false 5'])
    const attempts = [
      'write /data/a.txt x',
      'append /data/a.txt x',
      'truncate /data/a.txt 0',
      'mkdir /data/made',
      'rmdir /data/sub',
      'unlink /data/a.txt',
      'rename /data/a.txt /data/c.txt',
    ]
    for (const answer of await run(pool, attempts.join(';'))) expect(answer).toMatch(/^ReadOnlyFilesystem /)
    expect(readFileSync(join(inside, 'a.txt'), 'utf8')).toBe('hello')
    expect(readdirSync(inside)).toEqual(['a.txt', 'sub'])
    expect(said(pool)).toContain(
      `functions.f is not allowed it; write there: allow: { dirs: [{ guest: /data, host: ${inside}, write: true }] }`,
    )
    await expect.poll(() => pool.pool.stats()[0]?.denied).toEqual({ dirs: attempts.length })
  })

  test('what is named nowhere is refused, told and counted: there is no file, and none can be made', async () => {
    await using pool = await opened(name, [])
    const paths = ['/etc/passwd', '/proc/self/environ', 'relative', '/', '.', '/../etc/passwd', '//etc//passwd']
    for (const answer of await run(pool, paths.map((path) => `read ${path}`).join(';')))
      expect(answer).not.toMatch(/root|PATH|ok/)
    expect((await run(pool, 'write /tmp/left x'))[0]).toMatch(/^PermissionDenied|^Uncategorized/)
    expect(said(pool)).toContain('allow: { dirs: [{ guest: /etc, host: <folder> }] }')
    expect(said(pool)).toContain('allow: { dirs: [{ guest: /tmp, host: <folder>, write: true }] }')
    await expect.poll(() => pool.pool.stats()[0]?.denied.dirs).toBeGreaterThan(4)
  })

  test('links are followed within the folder, and lead nowhere else', async () => {
    const links: Readonly<Record<string, string>> = {
      within: 'sub/b.txt',
      folder: './sub/../sub',
      chain: 'folder/../within',
      out: '../outside',
      file: '../outside/secret',
      absolute: join(outside, 'secret'),
      own: inside,
      root: '/',
      proc: '/proc/self/environ',
      deep: 'sub/../../outside/secret',
      hop: 'out/secret',
      loop: 'loop',
      gone: 'nowhere',
    }
    for (const [link, target] of Object.entries(links)) symlinkSync(target, join(inside, link))
    await using pool = await opened(name, [{}])
    expect(await run(pool, 'read /data/within; read /data/folder/b.txt; list /data/folder; read /data/chain')).toEqual([
      'world',
      'world',
      'b.txt',
      'world',
    ])
    expect(await run(pool, 'kind /data/file; readlink /data/within; readlink /data/absolute')).toEqual([
      'true',
      'sub/b.txt',
      expect.stringMatching(/^(PermissionDenied|Uncategorized) /),
    ])
    const probes = [
      'read /data/../outside/secret',
      'read /data/sub/../../outside/secret',
      'read /data/out/secret',
      'read /data/out/../outside/secret',
      'read /data/file',
      'read /data/absolute',
      'list /data/own',
      'list /data/out',
      'list /data/root',
      'read /data/root/etc/hostname',
      'read /data/proc',
      'read /data/deep',
      'read /data/hop',
      'size /data/file',
      'write /data/file x',
      'write /data/out/made x',
      'mkdir /data/out/made',
      'unlink /data/out/secret',
      'rename /data/out/secret /data/mine',
      'rename /data/a.txt /data/out/theirs',
    ]
    const answers = await run(pool, probes.join(';'))
    expect(answers).toHaveLength(probes.length)
    for (const answer of answers) expect(answer).toMatch(/^(PermissionDenied|Uncategorized) /)
    expect(await run(pool, 'read /data/loop; read /data/gone')).toEqual([
      expect.stringMatching(/^FilesystemLoop /),
      expect.stringMatching(/^NotFound /),
    ])
    // Of the first, libc makes a path of another folder; all are counted.
    await expect.poll(() => pool.pool.stats()[0]?.denied).toEqual({ dirs: probes.length + 1 })
    expect(said(pool)).toContain('the path leads out of /data through a link')
    expect(readdirSync(outside)).toEqual(['secret'])
    expect(readFileSync(join(outside, 'secret'), 'utf8')).toBe('the secret')
  })

  test('what is no file is not opened: nothing waits for a pipe', async () => {
    execFileSync('mkfifo', [join(inside, 'pipe')])
    await using pool = await opened(name, [{}])
    for (const answer of await run(pool, 'read /data/pipe; append /data/pipe x; unlink /data/sub; read /data/sub'))
      expect(answer).toMatch(/^(PermissionDenied|IsADirectory) /)
  })

  test('has so many files open, makes so many and writes so much in a call, and no more; the next begins anew', async () => {
    await using pool = await opened(name, [{}])
    for (let call = 0; call < 2; call++) {
      const [held, next] = await run(pool, 'hold /data/a.txt 70; read /data/a.txt')
      expect(held).toMatch(/^[A-Z]\w+ \d+$/)
      expect(next).toBe(held)
    }
    expect(await run(pool, 'hold /data/a.txt 60; drop /data/a.txt; hold /data/a.txt 60')).toEqual(['60', 'ok', '60'])
    // Of a stream, wasi-libc makes every error one of input and output.
    expect((await run(pool, 'fill /data/large 65'))[0]).toMatch(/^(QuotaExceeded|Uncategorized) /)
    expect(statSync(join(inside, 'large')).size).toBe(64 << 20)
    expect((await run(pool, 'truncate /data/a.txt 2000000000'))[0]).toMatch(/^FileTooLarge /)
    expect((await run(pool, 'mkdir /data/many; make /data/many 1001'))[1]).toMatch(/^QuotaExceeded /)
    expect(readdirSync(join(inside, 'many'))).toHaveLength(999)
  })

  test('what a call leaves open is closed, also of one that is ended', async () => {
    const files = () => readdirSync('/dev/fd').length
    await using pool = await opened(name, [{}])
    await run(pool, 'hold /data/a.txt 50')
    const before = files()
    for (let call = 0; call < 20; call++) await run(pool, 'hold /data/a.txt 50; list /data')
    expect(files()).toBeLessThan(before + 10)
    const late = pool.call('f', 'file', 'hold /data/a.txt 60; spin', { deadline: Date.now() + 500 })
    await expect(late).rejects.toMatchObject({ code: 'FUNCTION_TIMED_OUT' })
    await expect.poll(files, { timeout: 10_000 }).toBeLessThan(before + 20)
  })

  test('a folder that is not there any more is missing, and found again', async () => {
    await using pool = await opened(name, [{}])
    rmSync(inside, { recursive: true })
    expect((await run(pool, 'read /data/a.txt'))[0]).toMatch(/^NotFound /)
    mkdirSync(inside)
    expect(await run(pool, 'write /data/a.txt back; read /data/a.txt')).toEqual(['ok', 'back'])
    expect(existsSync(join(inside, 'a.txt'))).toBe(true)
  })
})
