/** A call that failed is run again with what it was given then, and fails in the same place with the same words. */

import { hash } from 'node:crypto'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { encodeEvent } from '../../src/event/codec.ts'
import { allowOptions, grantsOf } from '../../src/pool/allow-options.ts'
import { type Host, HostError } from '../../src/pool/host.ts'
import type { FunctionSpec, Spent } from '../../src/pool/index.ts'
import { decodeRecording } from '../../src/pool/recording.ts'
import { callOf, guest, open, spec, textOf } from './open.ts'
import { ENV as env, expectSame, expectSameEnd, fail, NotingHost, replay } from './replaying.ts'

const NEVER = new AbortController().signal
const FICKLE = guest('fickle')
const fickle = (overrides: Partial<FunctionSpec> = {}) => spec('f', { wasm: FICKLE, env, ...overrides })

test('clocks and random numbers are those of the call', async () => {
  await using opened = await open([fickle()])
  const failed = await fail(opened, 'both')
  expect(failed.message).toMatch(/at \d+ in the order .* at \d+/)
  const told = await expectSame(failed, FICKLE)
  const given = told.flatMap((each) => (each.kind === 'given' ? [each] : []))
  expect(given.map(({ input }) => input.name)).toEqual(['wall clock', 'random', 'wall clock'])
  expect(given[0]?.frames.join()).toContain('fickle')
})

test('a sleep takes the time that it took, and none', async () => {
  await using opened = await open([fickle()])
  const failed = await fail(opened, 'sleep')
  const { played } = await replay(failed, FICKLE)
  expect(played.fault?.message).toBe(failed.message)
  expect(played.runMs).toBeLessThan(300)
})

test('config values are those that it read, whatever they are now', async () => {
  const grants = grantsOf(allowOptions.parse({ config: { rate: 'seven' } }), (path) => path)
  await using opened = await open([fickle({ grants })])
  const failed = await fail(opened, 'config', 'rate')
  expect(failed.message).toContain('seven')
  expect(JSON.stringify(failed.recording.grants)).not.toContain('seven')
  await expectSame(failed, FICKLE)
})

test.each(['random', 'both'])('a program of wasip1 is run again like a component: %s', async (type) => {
  await using opened = await open([fickle({ wasm: guest('fickle-program') })])
  const failed = await fail(opened, type)
  expect(failed.message).toMatch(/at \d+ in the order .* after/)
  await expectSame(failed, guest('fickle-program'))
})

test('an exit code comes again with its last line', async () => {
  await using opened = await open([fickle({ wasm: guest('fickle-program') })])
  const failed = await fail(opened, 'exit')
  expect(failed.message).toMatch(/exit code 65: at \d+/)
  await expectSame(failed, guest('fickle-program'))
})

test('what a store held is told again, and nothing is written', async () => {
  const grants = grantsOf(allowOptions.parse({ kv: ['things'] }), (path) => path)
  const host = new NotingHost()
  await using opened = await open([fickle({ grants })], { host })
  const event = { ...callOf('f', 'stored', 'things').event, data: Buffer.from('x'.repeat(5_000)) }
  const failed = await fail(opened, 'stored', 'things', { event })
  expect(failed.message).toContain('a value of then')
  expect(host.done).toEqual(['write 1'])
  expect(failed.recording.inputs.map(({ name }) => name)).toEqual(['kv.get', 'kv.write'])
  await expectSame(failed, FICKLE)
  expect(host.done).toEqual(['write 1'])
})

test('what was published is not published again', async () => {
  const grants = grantsOf(allowOptions.parse({ messaging: { publish: ['orders/#'] } }), (path) => path)
  const host = new NotingHost()
  await using opened = await open([fickle({ grants })], { host })
  const failed = await fail(opened, 'publish', 'orders/new')
  expect(failed.message).toContain('published Ok')
  await expectSame(failed, FICKLE)
  expect(host.done).toEqual(['publish orders/new'])
})

test('what another server answered is told again, by whatever the guest waited for it', async () => {
  const grants = grantsOf(allowOptions.parse({ http: ['api.example.com'] }), (path) => path)
  const sent: string[] = []
  const send: Host['send'] = async ({ path }) => {
    sent.push(path)
    await new Promise((resolve) => setTimeout(resolve, 20))
    if (path === '/gone') throw new HostError('connection-refused', 'nobody there')
    return { status: 200, headers: [['content-type', 'text/plain']], body: Buffer.from('rates of then') }
  }
  const record = { when: 'always', bytes: 10_000 } as const
  const specs = [spec('f', { wasm: guest('reach'), env, grants, record })]
  await using opened = await open(specs, { host: Object.assign(new NotingHost(), { send }) })
  const failed = await fail(opened, 'http.get', 'http://api.example.com/gone')
  expect(failed.message).toContain('ConnectionRefused')
  await expectSame(failed, guest('reach'))
  const spent: Spent = {}
  const call = callOf('f', 'http.get', 'http://api.example.com/rates', { spent })
  const reply = textOf(await opened.pool.invoke(call, NEVER))
  const kept = spent.recording && decodeRecording(spent.recording)
  if (!kept?.event) throw new Error('nothing was recorded')
  const { played } = await replay({ recording: kept.recording, event: kept.event }, guest('reach'))
  expect(played).toMatchObject({ diverged: false, left: 0 })
  expect(reply).toContain('rates of then')
  expect(Buffer.from(played.reply?.data ?? []).toString()).toBe(reply)
  expect(sent).toEqual(['/gone', '/rates'])
})

test.each([
  ['call', 'g', 'a result of then'],
  ['request', 'a/b', 'a reply of then'],
  ['kv.get', 'things a', 'a value of then'],
  ['config.all', '', 'seven'],
])('what others said to it is told again, where it succeeded as well: %s', async (type, subject, says) => {
  const allow = { kv: ['things'], call: ['g'], messaging: { request: ['a/b'] }, config: { rate: 'seven' } }
  const grants = grantsOf(allowOptions.parse(allow), (path) => path)
  const host = new NotingHost()
  const wasm = guest('reach')
  await using opened = await open([spec('f', { wasm, env, grants, record: { when: 'always', bytes: 10_000 } })], {
    host,
  })
  const spent: Spent = {}
  const reply = textOf(await opened.pool.invoke(callOf('f', type, subject, { spent }), NEVER))
  const done = [...host.done]
  const kept = spent.recording && decodeRecording(spent.recording)
  if (!kept?.event) throw new Error('nothing was recorded')
  const { played } = await replay({ recording: kept.recording, event: kept.event }, wasm)
  expect(played).toMatchObject({ diverged: false, left: 0 })
  expect(Buffer.from(played.reply?.data ?? []).toString()).toBe(reply)
  expect(reply).toContain(says)
  expect(host.done).toEqual(done)
})

test.each(['fickle', 'fickle-program'])('files are those of then, and none is written: %s', async (name) => {
  const host = mkdtempSync(join(tmpdir(), 'headgate-replay-'))
  const [read, written] = [join(host, 'a.txt'), join(host, 'b.txt')]
  writeFileSync(read, 'as it was')
  const grants = grantsOf(allowOptions.parse({ dirs: [{ guest: '/data', host, write: true }] }), (path) => path)
  try {
    await using opened = await open([fickle({ wasm: guest(name), grants })])
    const event = { ...callOf('f', 'file').event, data: Buffer.from('written') }
    const failed = await fail(opened, 'file', '', { event })
    expect(failed.message).toContain('found Ok(\\"as it was\\"), wrote Ok(()): Ok((7, true))')
    writeFileSync(read, 'as it is now')
    rmSync(written)
    await expectSame(failed, guest(name))
    expect(readdirSync(host)).toEqual(['a.txt'])
  } finally {
    rmSync(host, { recursive: true })
  }
})

test('what an instance had been called with before is not recorded: it is said how often', async () => {
  await using opened = await open([fickle({ min: 1, max: 1 })])
  await opened.call('f', 'fine')
  const failed = await fail(opened, 'third')
  expect(failed.recording).toMatchObject({ warmUps: 1, earlier: 1 })
  const { played } = await replay(failed, FICKLE)
  expect(played.fault).toBeUndefined()
  expect(Buffer.from(played.reply?.data ?? []).toString()).toBe('2')
})

test('what asks for something else is ended there, and it is said what', async () => {
  await using opened = await open([fickle({ reuse: { least: 1, most: 1 } })])
  const failed = await fail(opened, 'clock')
  expect(failed.recording.earlier).toBe(0)
  const event = encodeEvent(callOf('f', 'both').event)
  const { played, told } = await replay({ ...failed, event }, FICKLE)
  expect(played.diverged).toBe(true)
  expect(told).toContainEqual(
    expect.objectContaining({ kind: 'other', at: 2, expected: undefined, asked: { name: 'random', asked: 16 } }),
  )
})

test('what is kept of a call is limited, and what it lacks is told', async () => {
  await using opened = await open([fickle({ record: { when: 'failure', bytes: 2_000 } })])
  const failed = await fail(opened, 'thirst')
  expect(failed.recording.cut).toBe(true)
  expect(failed.recording.inputs.length).toBeLessThan(100)
  const { played } = await replay(failed, FICKLE)
  expect(played).toMatchObject({ diverged: true, left: 0 })
})

test('a module of wasip1 that is ended at its deadline comes to the same end, asleep or in a loop', async () => {
  const wasm = guest('hostile-program')
  await using opened = await open([spec('f', { wasm, env, timeoutMs: 300 })])
  expect(await expectSameEnd(await fail(opened, 'sleep', '60000'), wasm)).toBe('sleep')
  expect(await expectSameEnd(await fail(opened, 'loop'), wasm)).toBeUndefined()
})

test('of what loops the inputs up to its limit are kept, and what it lacks is told', async () => {
  await using opened = await open([fickle({ timeoutMs: 500, record: { when: 'failure', bytes: 2_000 } })])
  const spent: Spent = {}
  await opened.pool.invoke(callOf('f', 'spin', '', { spent }), NEVER).catch(() => undefined)
  const kept = spent.recording && decodeRecording(spent.recording)
  expect(kept?.recording).toMatchObject({ ended: true, cut: true })
  expect(kept?.recording.inputs).toHaveLength(Math.floor(2_000 / 24))
})

test('what was never begun, or is never to be recorded, has no recording', async () => {
  const never = { when: 'never', bytes: 0 } as const
  await using opened = await open([fickle({ timeoutMs: 300, record: never, wasm: guest('hostile') }), spec('g')])
  const spent: Spent = {}
  await opened.pool.invoke(callOf('g', 'sleep', '1'), NEVER)
  await opened.pool.invoke(callOf('f', 'loop', '', { spent }), NEVER).catch(() => undefined)
  expect(spent.recording).toBeUndefined()
  const late: Spent = {}
  const call = callOf('g', 'sleep', '1', { spent: late, deadline: Date.now() - 1 })
  await expect(opened.pool.invoke(call, NEVER)).rejects.toMatchObject({ code: 'FUNCTION_TIMED_OUT' })
  expect(late.recording).toBeUndefined()
})

test('an event that is too long to be kept twice is told by its digest', async () => {
  await using opened = await open([fickle()])
  const spent: Spent = {}
  const event = { ...callOf('f', 'clock').event, data: Buffer.alloc(100_000, 'x') }
  await opened.pool.invoke(callOf('f', 'clock', '', { event, spent }), NEVER).catch(() => undefined)
  const kept = spent.recording && decodeRecording(spent.recording)
  expect(kept?.event).toBeUndefined()
  expect(kept?.recording.eventSha256).toBe(hash('sha256', encodeEvent(event)))
  expect(spent.recording?.length).toBeLessThan(2_000)
})

test('always keeps what succeeds, never keeps nothing', async () => {
  await using opened = await open([
    fickle({ record: { when: 'always', bytes: 1_000 } }),
    spec('n', { wasm: guest('fickle'), record: { when: 'never', bytes: 0 } }),
  ])
  const spent: Spent = {}
  await opened.pool.invoke(callOf('f', 'even', '', { spent }), NEVER).catch(() => undefined)
  expect(spent.recording && decodeRecording(spent.recording)?.recording.inputs).toHaveLength(1)
  const none: Spent = {}
  await opened.pool.invoke(callOf('n', 'clock', '', { spent: none }), NEVER).catch(() => undefined)
  expect(none.recording).toBeUndefined()
})
