/** `headgate function inspect` and `run`: what a person and a machine get to see, and the exit codes. */

import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { parse } from '@bytecodealliance/jco'
import { afterAll, expect, test } from 'vitest'
import { asksAndLoops, LONG } from './asks.ts'
import { example, guest } from './open.ts'

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'headgate-function-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

async function headgate(...args: readonly string[]) {
  const child = spawn(process.execPath, [MAIN, 'function', ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  const exit = new Promise<number | null>((resolve) => child.on('close', resolve))
  const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), exit])
  return { stdout, stderr, code }
}

const file = (name: string, content: string | Uint8Array): string => {
  const path = join(folder, name)
  writeFileSync(path, content)
  return path
}

test.each([
  ['handler', example('echo'), 'a component of headgate:function'],
  ['http', guest('spin-hello'), 'a component of wasi:http/incoming-handler'],
  ['command', guest('line-count'), 'a component of wasi:cli/command'],
  ['wasip1', guest('upper'), 'a module of wasip1'],
])('inspect tells %s', async (speaks, path, words) => {
  const { stdout, code } = await headgate('inspect', path, '--json')
  expect(code).toBe(0)
  const found = JSON.parse(stdout) as Record<string, unknown>
  expect(found).toMatchObject({ interface: speaks, needs: [], sha256: expect.stringMatching(/^[0-9a-f]{64}$/) })
  expect(found['memoryBytes']).toBeGreaterThanOrEqual(64 << 10)
  const { stdout: read } = await headgate('inspect', path)
  expect(read).toContain(`is ${words}`)
  expect(read).not.toContain('denied')
})

test('inspect says what is denied, and what is no function and why', async () => {
  const denied = await headgate('inspect', guest('hostile-http'))
  expect(denied).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/wasi:http\/outgoing-handler@[\d.]+ denied\n/),
  })
  expect(denied.stdout.split('\n').slice(-4, -1)).toEqual([
    '  what it is denied unless its function says:',
    '    outgoing HTTP  allow: { http: [<host>] }',
    '    files          allow: { dirs: [{ guest: <path>, host: <folder> }] }',
  ])
  const wat = '(module (import "env" "draw" (func)) (func (export "_start")) (memory (export "memory") 1))'
  const foreign = await headgate('inspect', file('foreign.wasm', await parse(wat)))
  expect(foreign).toMatchObject({ code: 1, stdout: expect.stringContaining('a module, and no function') })
  expect(foreign.stdout).toContain('env.draw denied')
  expect(foreign.stderr).toContain('imports "env.draw"; only functions of wasi_snapshot_preview1 are offered')
  expect(await headgate('inspect', file('page.wasm', '<html>'))).toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringContaining('is not WebAssembly'),
  })
})

test('run prints the reply alone to stdout; time, memory, denials and lines to stderr', async () => {
  const event = file('event.json', '{"type":"fetch","data":{"a":1}}')
  const ran = await headgate('run', guest('hostile-http'), '--event', event)
  expect(ran).toMatchObject({ code: 0, stdout: 'ErrorCode::HttpRequestDenied' })
  expect(ran.stderr).toMatch(/warn: denied wasi:http\/outgoing-handler#handle: /)
  expect(ran.stderr).toMatch(/replied 200 text\/plain, [\d.]+ ms, \d+ KiB of memory, 1 denied\n/)
  const echoed = await headgate('run', example('echo'), '--parameters', '{"hello":"world"}')
  expect(echoed).toMatchObject({ code: 0, stdout: '{"hello":"world"}' })
})

test('run allows what --allow says, and tells what would have to be', async () => {
  const parameters = '{"type":"file","subject":"read /data/a.txt"}'
  writeFileSync(join(folder, 'a.txt'), 'allowed')
  const without = await headgate('run', guest('hostile-program'), '--parameters', parameters)
  expect(without.stderr).toContain('write there: allow: { dirs: [{ guest: /data, host: <folder> }] }')
  const allow = `{ dirs: [{ guest: /data, host: ${folder} }] }`
  const ran = await headgate('run', guest('hostile-program'), '--parameters', parameters, '--allow', allow)
  expect(ran).toMatchObject({ code: 0, stdout: 'allowed', stderr: expect.stringContaining('0 denied') })
  const wrong = await headgate('run', guest('hostile-program'), '--parameters', parameters, '--allow', '{ dir: [] }')
  expect(wrong).toMatchObject({ code: 1, stderr: expect.stringContaining('--allow: ') })
})

test('run tells what would allow what was denied, also of a call that was ended at its deadline', async () => {
  const looping = file('asks.wasm', await asksAndLoops())
  const run = (...more: readonly string[]) =>
    headgate('run', looping, '--parameters', LONG, '--timeout', '500ms', ...more)
  const ran = await run()
  expect(ran).toMatchObject({ code: 3, stdout: '' })
  expect(ran.stderr).toContain("allowed by: --allow '{ dirs: [ { guest: /data, host: <folder> } ] }'\n")
  const { allow, error } = JSON.parse((await run('--json')).stdout) as Record<string, unknown>
  expect(error).toMatchObject({ code: 'FUNCTION_TIMED_OUT' })
  expect(allow).toEqual({ dirs: [{ guest: '/data', host: '<folder>' }] })
})

test('run quotes what is to be pasted into a shell', async () => {
  const parameters = JSON.stringify({ type: 'file', subject: `read /data/'$(id)'/a` })
  const ran = await headgate('run', guest('hostile-program'), '--parameters', parameters)
  expect(ran.stderr).toContain(String.raw`--allow '{ dirs: [ { guest: /data/'\''$(id)'\'', host: <folder> } ] }'`)
})

test('run with --json says all of it in one object, also of what fails, and exits 3 then', async () => {
  const environment = await headgate(
    'run',
    guest('hostile-program'),
    '--parameters',
    '{"type":"env"}',
    '--env',
    'A=b=c',
    '--json',
  )
  const { reply, ...rest } = JSON.parse(environment.stdout) as { reply: { dataBase64: string } }
  expect(Buffer.from(reply.dataBase64, 'base64').toString()).toBe('[("A", "b=c")] ["hostile-program"]')
  expect(rest).toMatchObject({ ok: true, denied: 0, events: [], log: [] })
  const failed = await headgate('run', guest('hostile-program'), '--parameters', '{"type":"trap"}', '--json')
  expect(failed.code).toBe(3)
  expect(JSON.parse(failed.stdout)).toMatchObject({ ok: false, error: { code: 'FUNCTION_TRAPPED' } })
})

test('run tells the memory that the call had in the end, also of a copy that is gone and of a call that trapped', async () => {
  const memoryOf = async (name: string, type: string, subject: string): Promise<unknown> => {
    const { stdout } = await headgate(
      'run',
      guest(name),
      '--event',
      file('e.json', JSON.stringify({ type, subject })),
      '--json',
    )
    return (JSON.parse(stdout) as { memoryBytes?: unknown }).memoryBytes
  }
  expect(await memoryOf('hostile', 'large', '12')).toBeGreaterThan(12 << 20)
  // They write it a MiB at a time, and start with less than that and another.
  for (const name of ['hostile-program', 'hostile-command'])
    expect(await memoryOf(name, 'large', '12'), name).toBeGreaterThan(2 << 20)
  expect(await memoryOf('hostile', 'trap', 'x')).toBeGreaterThan(64 << 10)
})

test('run with --output outcome reads the form, and a failure in it is one', async () => {
  const run = (answer: object) =>
    headgate('run', guest('outcomes'), '--output', 'outcome', '--parameters', JSON.stringify({ answer }))
  const done = await run({ success: true, data: 7 })
  expect(done.code).toBe(0)
  expect(JSON.parse(done.stdout)).toMatchObject({ success: true, data: 7, metadata: { memory_used_bytes: 128 << 10 } })
  expect(await run({ success: false, error: { type: 'ValidationError', message: 'no such size' } })).toMatchObject({
    code: 3,
    stdout: '',
    stderr: expect.stringContaining('no such size'),
  })
})

test('run without anything to call it with, and of what is no function, exits 1', async () => {
  expect(await headgate('run', example('echo'))).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('give --event'),
  })
  const page = file('page2.wasm', '<html>')
  expect(await headgate('run', page, '--parameters', '1')).toMatchObject({ code: 1, stdout: '' })
})
