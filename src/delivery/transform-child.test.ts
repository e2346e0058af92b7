/** A process of transforms whose gateway was killed: it ends, whatever it is at. */

import { spawnSync } from 'node:child_process'
import { readlinkSync } from 'node:fs'
import { expect, test } from 'vitest'

/** Evaluates something, then begins what hangs, and dies of a SIGKILL once that has run for a while; tells who evaluates. */
const program = (hangs: string): string => `
  const { readFileSync } = await import('node:fs')
  const { TransformProcesses } = await import(${JSON.stringify(new URL('transform-processes.ts', import.meta.url).href)})
  const it = new TransformProcesses({ maxBytes: 1000 })
  const event = { specversion: '1.0', id: '1', source: '/s', type: 't' }
  const run = (expression) => it.event(event, { expression, doing: 'r', now: 0, patienceMs: 60000 }, new AbortController().signal)
  await run('{"data": 1}')
  const pid = readFileSync('/proc/self/task/' + process.pid + '/children', 'utf8').trim()
  const ticks = () => Number(readFileSync('/proc/' + pid + '/stat', 'utf8').replace(/^.*\\) /, '').split(' ')[11])
  const before = ticks()
  void run(${JSON.stringify(hangs)})
  setInterval(() => {
    if (ticks() - before < 10) return
    process.stdout.write(pid)
    process.kill(process.pid, 'SIGKILL')
  }, 10)`

const runs = (pid: string): boolean => {
  try {
    return readlinkSync(`/proc/${pid}/exe`) === readlinkSync('/proc/self/exe')
  } catch {
    return false
  }
}

test.each([
  ['in a pattern', `{"data": $match("${'a'.repeat(45)}!", /^(a+)+$/)}`],
  ['in a loop', '($f := function($n) { $f($n + 1) }; {"data": $f(1)})'],
])('%s', async (_, hangs) => {
  const { signal, stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', program(hangs)])
  expect(signal).toBe('SIGKILL')
  const pid = `${stdout}`
  expect(pid).toMatch(/^\d+$/)
  await expect.poll(() => runs(pid), { timeout: 15_000 }).toBe(false)
})
