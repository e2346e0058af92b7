/** Worker threads that die in the middle of their calls: each is made again, none is lost, and others take their place. */

import { rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest'
import type { Denial, Spent } from '../../../src/pool/pool.ts'
import { folder, Running } from '../../e2e/reload/running.ts'
import { asksAndLoops, LONG } from '../../functions/asks.ts'
import { example, guest, open, spec } from '../../functions/open.ts'

const post = Worker.prototype.postMessage
/** Threads that were sent calls, and not killed. */
const sent = new Set<Worker>()

beforeEach(() => {
  sent.clear()
  Worker.prototype.postMessage = function (this: Worker, ...args: Parameters<Worker['postMessage']>) {
    if (args[0] instanceof ArrayBuffer) sent.add(this)
    post.apply(this, args)
  }
})
afterEach(() => {
  Worker.prototype.postMessage = post
})
afterAll(() => folder.remove())

/** Long enough for a call to begin; where it has not, there was nothing to fail. */
const pause = () => new Promise((resolve) => setTimeout(resolve, 30))

/** Ends the threads that were sent calls. Resolves to how many those were. */
async function kill(): Promise<number> {
  const threads = [...sent]
  sent.clear()
  await Promise.all(threads.map((thread) => thread.terminate()))
  return threads.length
}

test('of the calls in each at most the one that ran fails, the others run elsewhere', async () => {
  await using opened = await open([spec('slow', { wasm: guest('hostile') }), spec('echo', { wasm: example('echo') })])
  const failed: unknown[] = []
  for (let round = 0; round < 3; round++) {
    const others = Array.from({ length: 20 }, () => opened.call('echo', 'test'))
    const calls = Promise.allSettled([opened.call('slow', 'spin', '2000'), ...others])
    await pause()
    const killed = await kill()
    const ended = (await calls).flatMap((call) => (call.status === 'rejected' ? [call.reason] : []))
    expect(ended.length).toBeLessThanOrEqual(killed)
    failed.push(...ended)
  }
  expect(failed.length).toBeGreaterThan(0)
  for (const error of failed) expect(error).toMatchObject({ code: 'FUNCTION_TRAPPED', fingerprint: 'worker' })
})

test('what a call was denied is told of it', async () => {
  const wasm = join(tmpdir(), `headgate-asks-${process.pid}.wasm`)
  writeFileSync(wasm, await asksAndLoops())
  const denials: Denial[] = []
  await using opened = await open([spec('f', { wasm })], { denied: (denial) => denials.push(denial) })
  const spent: Spent = {}
  const event = { specversion: '1.0', id: 'e', source: '/test', type: 'x', data: Buffer.from(LONG) } as const
  const call = expect(opened.call('f', 'x', '', { event, spent })).rejects.toMatchObject({ code: 'FUNCTION_TRAPPED' })
  await expect.poll(() => opened.lines).toHaveLength(1)
  await kill()
  await call
  rmSync(wasm)
  expect(spent.denied).toMatchObject([{ allow: { dirs: [{ guest: '/data' }] } }])
  expect(denials).toMatchObject(spent.denied ?? [])
  expect(opened.pool.stats()[0]?.denied.dirs).toBeGreaterThan(0)
})

test('what was acknowledged is done, however often one dies', async () => {
  await using running = await Running.open(
    'died',
    `functions: { f: ${guest('hostile')} }
routes: { r: { from: program, to: f, retry: { max: 40, delay: 10ms, backoff: constant, jitter: none } } }
`,
  )
  const ids = Array.from({ length: 60 }, (_, n) => `${n}`)
  await Promise.all(ids.map((id) => running.emit(id, 'spin', { subject: '20' })))
  let killed = 0
  for (let round = 0; round < 6; round++) {
    await pause()
    killed += await kill()
  }
  expect(killed).toBeGreaterThan(0)
  for (const id of ids) await running.done(id)
  expect(running.tried.filter(({ outcome }) => outcome === 'done').map(({ id }) => id)).toHaveLength(60)
  expect(running.tried.filter(({ outcome }) => outcome === 'dead')).toEqual([])
})
