/** Files: what a function is allowed of them works as anywhere, and nothing else is reached, whatever it tries. */

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { type DirGrant, NO_GRANTS } from '../../src/pool/grants.ts'
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
    expect(pool.pool.stats()[0]?.denied).toEqual({})
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
    expect(pool.pool.stats()[0]?.denied).toEqual({ dirs: attempts.length })
  })

  test('what is named nowhere is refused, told and counted: there is no file, and none can be made', async () => {
    await using pool = await opened(name, [])
    const paths = ['/etc/passwd', '/proc/self/environ', 'relative', '/', '.', '/../etc/passwd', '//etc//passwd']
    for (const answer of await run(pool, paths.map((path) => `read ${path}`).join(';')))
      expect(answer).not.toMatch(/root|PATH|ok/)
    expect((await run(pool, 'write /tmp/left x'))[0]).toMatch(/^PermissionDenied|^Uncategorized/)
    expect(said(pool)).toContain('allow: { dirs: [{ guest: /etc, host: <folder> }] }')
    expect(said(pool)).toContain('allow: { dirs: [{ guest: /tmp, host: <folder>, write: true }] }')
    expect(pool.pool.stats()[0]?.denied.dirs).toBeGreaterThan(4)
  })
})
