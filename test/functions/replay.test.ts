/** A call that failed is run again with what it was given then, and fails in the same place with the same words. */

import { hash } from 'node:crypto'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { GatewayError } from '../../src/errors.ts'
import { encodeEvent } from '../../src/event/codec.ts'
import { allowOptions, grantsOf } from '../../src/pool/allow-options.ts'
import { type Host, HostError } from '../../src/pool/host.ts'
import type { Call, FunctionSpec, Spent } from '../../src/pool/index.ts'
import { decodeRecording, type Recording } from '../../src/pool/recording.ts'
import { type Played, replayCall, type Told } from '../../src/pool/replay.ts'
import { callOf, guest, type OpenPool, open, spec, textOf } from './open.ts'

const NEVER = new AbortController().signal
const env = { COLOUR: 'blue' }
const fickle = (overrides: Partial<FunctionSpec> = {}) => spec('f', { wasm: guest('fickle'), env, ...overrides })

interface Failed {
  readonly message: string
  readonly fingerprint: string | undefined
  readonly recording: Recording
  readonly event: Uint8Array
}

/** Calls a function that fails. Resolves with its error and what was recorded. */
async function fail(opened: OpenPool, type: string, subject = '', rest: Partial<Call> = {}): Promise<Failed> {
  const spent: Spent = {}
  const call = callOf('f', type, subject, { ...rest, spent })
  const error: unknown = await opened.pool.invoke(call, NEVER).catch((thrown: unknown) => thrown)
  const kept = spent.recording && decodeRecording(spent.recording)
  if (!(error instanceof Error) || !kept) throw new Error(`${type}: it did not fail, or nothing was recorded`)
  expect(kept.event && Buffer.from(kept.event)).toEqual(Buffer.from(encodeEvent(call.event)))
  const fingerprint = error instanceof GatewayError ? error.fingerprint : undefined
  return { message: error.message, fingerprint, recording: kept.recording, event: encodeEvent(call.event) }
}

async function replay(failed: Failed, wasm = guest('fickle')): Promise<{ played: Played; told: Told[] }> {
  const told: Told[] = []
  const { recording, event } = failed
  const played = await replayCall(recording, { wasm, env, event, tell: (each) => told.push(each) })
  return { played, told }
}

async function expectSame(failed: Failed, wasm?: string): Promise<Told[]> {
  const { played, told } = await replay(failed, wasm)
  expect(played).toMatchObject({ diverged: false, left: 0, fault: { message: failed.message } })
  expect(played.fault?.fingerprint).toBe(failed.fingerprint)
  return told
}

test('clocks and random numbers are those of the call', async () => {
  await using opened = await open([fickle()])
  const failed = await fail(opened, 'both')
  expect(failed.message).toMatch(/at \d+ in the order .* at \d+/)
  const told = await expectSame(failed)
  const given = told.flatMap((each) => (each.kind === 'given' ? [each] : []))
  expect(given.map(({ input }) => input.name)).toEqual(['wall clock', 'random', 'wall clock'])
  expect(given[0]?.frames.join()).toContain('fickle')
})

test('a sleep takes the time that it took, and none', async () => {
  await using opened = await open([fickle()])
  const failed = await fail(opened, 'sleep')
  const { played } = await replay(failed)
  expect(played.fault?.message).toBe(failed.message)
  expect(played.runMs).toBeLessThan(250)
})

test('config values are those that it read, whatever they are now', async () => {
  const grants = grantsOf(allowOptions.parse({ config: { rate: 'seven' } }), (path) => path)
  await using opened = await open([fickle({ grants })])
  const failed = await fail(opened, 'config', 'rate')
  expect(failed.message).toContain('seven')
  expect(JSON.stringify(failed.recording.grants)).not.toContain('seven')
  await expectSame(failed)
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

/** A store that notes what is done to it, and answers what no other would. */
function hostOf(value: string): { readonly host: Host; readonly done: string[] } {
  const done: string[] = []
  const unused = () => Promise.reject(new Error('not here'))
  const store: Awaited<ReturnType<Host['store']>> = {
    get: async (keys) => keys.map(() => Buffer.from(value)),
    has: unused,
    write: async (changes) => void done.push(`write ${changes.length}`),
    keys: unused,
    increment: unused,
    swap: unused,
  }
  const publish: Host['publish'] = async ({ topic }) => void done.push(`publish ${topic}`)
  const host: Host = { store: async () => store, send: unused, publish, request: unused, call: unused }
  return { host, done }
}

test('what a store held is told again, and nothing is written', async () => {
  const grants = grantsOf(allowOptions.parse({ kv: ['things'] }), (path) => path)
  const { host, done } = hostOf('a value of then')
  await using opened = await open([fickle({ grants })], { host })
  const event = { ...callOf('f', 'stored', 'things').event, data: Buffer.from('x'.repeat(5_000)) }
  const failed = await fail(opened, 'stored', 'things', { event })
  expect(failed.message).toContain('a value of then')
  expect(done).toEqual(['write 1'])
  expect(failed.recording.inputs.map(({ name }) => name)).toEqual(['kv.get', 'kv.write'])
  await expectSame(failed)
  expect(done).toEqual(['write 1'])
})

test('what was published is not published again', async () => {
  const grants = grantsOf(allowOptions.parse({ messaging: { publish: ['orders/#'] } }), (path) => path)
  const { host, done } = hostOf('')
  await using opened = await open([fickle({ grants })], { host })
  const failed = await fail(opened, 'publish', 'orders/new')
  expect(failed.message).toContain('published Ok')
  await expectSame(failed)
  expect(done).toEqual(['publish orders/new'])
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
  await using opened = await open(specs, { host: { ...hostOf('').host, send } })
  const failed = await fail(opened, 'http.get', 'http://api.example.com/gone')
  expect(failed.message).toContain('ConnectionRefused')
  await expectSame(failed, guest('reach'))
  const spent: Spent = {}
  const call = callOf('f', 'http.get', 'http://api.example.com/rates', { spent })
  const reply = textOf(await opened.pool.invoke(call, NEVER))
  const kept = spent.recording && decodeRecording(spent.recording)
  if (!kept?.event) throw new Error('nothing was recorded')
  const { played } = await replay({ ...kept, event: kept.event, message: '', fingerprint: undefined }, guest('reach'))
  expect(played).toMatchObject({ diverged: false, left: 0 })
  expect(reply).toContain('rates of then')
  expect(Buffer.from(played.reply?.data ?? []).toString()).toBe(reply)
  expect(sent).toEqual(['/gone', '/rates'])
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
  const { played } = await replay(failed)
  expect(played.fault).toBeUndefined()
  expect(Buffer.from(played.reply?.data ?? []).toString()).toBe('2')
})

test('what asks for something else is ended there, and it is said what', async () => {
  await using opened = await open([fickle({ reuse: { least: 1, most: 1 } })])
  const failed = await fail(opened, 'clock')
  expect(failed.recording.earlier).toBe(0)
  const event = encodeEvent(callOf('f', 'both').event)
  const { played, told } = await replay({ ...failed, event })
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
  const { played } = await replay(failed)
  expect(played).toMatchObject({ diverged: true, left: 0 })
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
