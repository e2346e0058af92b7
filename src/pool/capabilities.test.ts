/** What versions ask for, told from what they import; what was loaded is known again. */

import { expect, test } from 'vitest'
import { Capabilities, capabilitiesIn } from './capabilities.ts'
import type { FunctionSpec } from './pool.ts'

const root = `${import.meta.dirname}/../..`
/** Asks for nothing. */
const echo = `${root}/functions/echo/echo.wasm`
/** Asks for files and the network. */
const hostile = `${root}/test/functions/guests/hostile/hostile.wasm`

test('imports are told by package, those of wasip1 by what they are for, and what all are given is none', () => {
  const denied = [
    'wasi:sockets/tcp@0.2.6',
    'wasi:sockets/udp@0.2.6',
    'wasi:http/outgoing-handler@0.2.0',
    'wasi_snapshot_preview1.path_open',
    'wasi_snapshot_preview1.fd_readdir',
    'wasi_snapshot_preview1.sock_send',
    'env.thing',
    'headgate:function/call@0.1.0',
    'headgate:function/messaging@0.1.0',
  ]
  const imports = denied.map((name) => ({ name, given: false }))
  expect(capabilitiesIn([...imports, { name: 'wasi:clocks/wall-clock@0.2.6', given: true }])).toEqual([
    'env.thing',
    'headgate:function/call',
    'headgate:function/messaging',
    'wasi:filesystem',
    'wasi:http',
    'wasi:sockets',
  ])
})

const spec = (version: string, wasm: string, approve?: readonly string[]): FunctionSpec => ({
  name: 'f',
  version,
  wasm,
  min: 0,
  max: 1,
  idleMs: 1,
  timeoutMs: 1,
  memoryBytes: 1,
  env: {},
  ...(approve && { approve }),
})

class Store {
  text: string | undefined
  written = 0
  get = async () => this.text
  set = async (text: string) => {
    this.text = text
    this.written += 1
  }
}

const digests = (...pairs: readonly (readonly [string, string])[]) => new Map(pairs)

test('what is loaded is known by its digest, and written once', async () => {
  const store = new Store()
  const load = async (...given: Parameters<Capabilities['check']>) =>
    (await (await Capabilities.read(store)).check(...given))()
  await load([spec('1', echo)], digests(['f@1', 'aa']))
  await load([spec('1', '/gone.wasm')], digests(['f@1', 'aa']))
  expect(store.written).toBe(1)
  const young = [spec('2', hostile)] as const
  await expect(load(young, digests(['f@2', 'bb']))).rejects.toMatchObject({ code: 'FUNCTION_UNAPPROVED' })
  expect(store.written).toBe(1)
  await load([spec('2', hostile, ['wasi:filesystem', 'wasi:sockets'])], digests(['f@2', 'bb']))
  await load(young, digests(['f@2', 'bb']))
  expect(store.written).toBe(2)
})

test('an approval by hand holds until it is taken back, and for its version alone', async () => {
  const capabilities = await Capabilities.read(new Store())
  await (await capabilities.check([spec('1', echo)], digests(['f@1', 'aa'])))()
  const both = [spec('1', echo), spec('2', hostile)] as const
  const known = digests(['f@1', 'aa'], ['f@2', 'bb'])
  const revoke = capabilities.approve('f@2')
  await capabilities.check(both, known)
  revoke()
  await expect(capabilities.check(both, known)).rejects.toThrow(/^f@2 \(function\): loading: it asks for/)
})

test('one that is there and not loaded is checked as well, and remembered beside those that are', async () => {
  const store = new Store()
  const capabilities = await Capabilities.read(store)
  await (await capabilities.check([spec('1', echo)], digests(['f@1', 'aa'])))()
  await expect(capabilities.admit('f@2', hostile, 'bb')).rejects.toMatchObject({ code: 'FUNCTION_UNAPPROVED' })
  const revoke = capabilities.approve('f@2')
  await capabilities.admit('f@2', hostile, 'bb')
  revoke()
  const later = await Capabilities.read(store)
  await later.check([spec('1', echo), spec('2', hostile)], digests(['f@1', 'aa'], ['f@2', 'bb']))
  await expect(later.admit('f@3', `${root}/package.json`, 'cc')).rejects.toThrow(
    /^f@3 \(function\): loading ".*package\.json": it is not WebAssembly/,
  )
})

test('of what is no function others say what is wrong', async () => {
  const capabilities = await Capabilities.read(new Store())
  await (await capabilities.check([spec('1', echo)], digests(['f@1', 'aa'])))()
  const reactor = `${root}/node_modules/@bytecodealliance/jco/lib/wasi_snapshot_preview1.reactor.wasm`
  const none = [spec('1', '/gone.wasm'), spec('2', `${root}/package.json`), spec('3', reactor)]
  await capabilities.check(none, digests(['f@2', 'cc'], ['f@3', 'dd']))
})
