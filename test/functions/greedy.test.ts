/** What a guest passes to its host, and is passed, is bounded through every import: one region named many times, names of megabytes, lists without end. */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { Stores } from '../../src/host/stores.ts'
import { Store } from '../../src/journal/store.ts'
import { allowOptions, grantsOf } from '../../src/pool/allow-options.ts'
import type { Host } from '../../src/pool/host.ts'
import { grown } from './grown.ts'
import { guest, type OpenPool, open, spec, textOf } from './open.ts'

const MIB = 1 << 20
const CAP = 64 * MIB
/** Beyond its own memory. */
const MOST = CAP + 100e6

const folder = mkdtempSync(join(tmpdir(), 'headgate-greedy-'))
const files = join(folder, 'files')
let answer = new Uint8Array()
let stores: Stores
let opened: OpenPool

const host: Host = {
  store: (name) => stores.store(name),
  send: async () => ({ status: 200, headers: [], body: answer }),
  publish: async () => {},
  request: async () => ({ data: answer }),
  call: async () => ({ data: answer }),
}

beforeAll(async () => {
  mkdirSync(files)
  writeFileSync(join(files, 'read'), 'x'.repeat(100_000))
  const store = new Store(join(folder, 'stores'))
  stores = new Stores({}, () => ({
    get: (key) => store.get(key),
    keys: (start, end, limit) => store.keys(start, end, limit),
    commit: (changes) => store.commit(changes),
    close: () => store.close(),
  }))
  const allow = {
    kv: ['things'],
    config: { a: 'b' },
    http: ['api.example'],
    dirs: [{ host: files, guest: '/d', write: true }],
    messaging: { publish: ['#'], request: ['#'] },
    call: ['other'],
  }
  const grants = grantsOf(allowOptions.parse(allow), (path) => path)
  opened = await open([spec('f', { wasm: guest('greedy'), grants, memoryBytes: CAP, timeoutMs: 60_000 })], { host })
})

afterEach(() => {
  answer = new Uint8Array()
})

afterAll(async () => {
  await opened[Symbol.asyncDispose]()
  await stores.close()
  rmSync(folder, { recursive: true, force: true })
})

/** What it answers, or the error that it ends with. */
const said = (what: string, subject: string): Promise<string> =>
  opened.call('f', what, subject).then(textOf, (error: Error) => error.message)

const AT_ONCE = 'it passed more than 16 MiB to its host at once'
const TOO_MANY = '10000 are the most at once'
const HELD = 'it made its host hold more than 64 MiB at once'
const KEY = 'it has more than 1024 bytes'

/** The subject is how many, and how long each is. */
test.each([
  ['kv.open', '1 15000000', 'AccessDenied'],
  ['kv.get', '1 15000000', KEY],
  ['kv.set', '1 15000000', 'max_value is 1048576'],
  ['kv.set', '1 20000000', AT_ONCE],
  ['kv.set-key', '1 15000000', KEY],
  ['kv.keys', '1 15000000', KEY],
  ['kv.values', '400 20000000', AT_ONCE],
  // Within what is copied, and 650 MB of objects when all of them were taken.
  ['kv.values', '60000 10', TOO_MANY],
  ['kv.values', '200000 10', AT_ONCE],
  ['kv.many-keys', '400 20000000', AT_ONCE],
  ['kv.many-keys', '60000 2', TOO_MANY],
  ['kv.delete', '60000 2', TOO_MANY],
  ['publish.topic', '1 15000000', 'published'],
  ['publish.topic', '1 20000000', AT_ONCE],
  ['publish.text', '1 20000000', AT_ONCE],
  ['publish.bytes', '1 20000000', AT_ONCE],
  ['publish.type', '1 9000000', AT_ONCE],
  ['request.text', '1 20000000', AT_ONCE],
  ['call', '1 20000000', AT_ONCE],
  ['call.name', '1 15000000', 'Denied'],
  ['call.both', '1 9000000', AT_ONCE],
  ['config', '1 15000000', '0'],
  ['config', '1 20000000', AT_ONCE],
  ['log', '1 15000000', 'logged'],
  ['log', '1 20000000', AT_ONCE],
  ['logging', '1 15000000', 'logged'],
  ['logging.both', '1 9000000', AT_ONCE],
  ['stdout', '8 15000000', 'written'],
  ['stderr', '8 15000000', 'written'],
  ['stderr', '1 20000000', AT_ONCE],
  ['headers', '400 20000000', AT_ONCE],
  ['headers', '60000 0', 'it set more than 1000 headers'],
  ['header-names', '400 20000000', AT_ONCE],
  ['header-values', '400 20000000', AT_ONCE],
  ['header-values', '60000 0', 'it set more than 1000 headers'],
  ['empty-headers', '9000', HELD],
  ['request.path', '1 15000000', 'handling the event: ()'],
  ['request.method', '1 15000000', 'handling the event: ()'],
  ['request.host', '1 15000000', 'handling the event: ()'],
  ['body', '1 15000000', 'written'],
  ['body', '2 15000000', 'it returned more than 16 MiB'],
  ['file.open', '1 15000000', 'name-too-long'],
  ['file.open', '1 15000000 /', 'name-too-long'],
  ['file.open', '1 5000000 ../', 'name-too-long'],
  ['file.make', '1 7000000 a/', 'name-too-long'],
  ['file.stat', '1 7000000 ./', 'name-too-long'],
  ['file.rename', '1 3000000 a/', 'name-too-long'],
  ['file.link', '1 3000000 a/', 'not-permitted'],
  ['file.write', '5 15000000', 'quota'],
  ['file.stream', '4 15000000', 'written'],
  ['file.read', '500', '82768000'],
])('%s of %s', async (what, subject, expected) => {
  const bytes = await grown(async () => {
    for (let call = 0; call < 2; call++) expect(await said(what, subject)).toContain(expected)
  })
  expect(bytes).toBeLessThan(MOST)
  // Denials and lines are cut like anything else that is told.
  expect(Math.max(0, ...opened.lines.splice(0).map(({ message }) => message.length))).toBeLessThan(9_000)
})

test('values of one key that is named ten thousand times are not all read to know that they are too many', async () => {
  expect(await said('kv.set', '1 1000000')).toBe('set')
  // Each of a mebibyte: the gateway would read 10 GB before it says so.
  const key = '1'
  const bytes = await grown(async () => {
    expect(await said('kv.many-keys', `10000 ${key}`)).toContain('more than 16 MiB; ask for fewer at once')
  })
  expect(bytes).toBeLessThan(MOST)
  expect(await said('kv.many-keys', `16 ${key}`)).toBe('16')
})

test('bodies that are written in crumbs are kept as what they are', async () => {
  // A buffer for each crumb would keep the 64 KiB that it is a part of.
  const bytes = await grown(async () => expect(await said('crumbs', '10000')).toBe('kept'))
  expect(bytes).toBeLessThan(100e6)
})

test.each([
  ['call', '1 1'],
  ['request.text', '1 1'],
])('the answer to %s may be more than its memory has room for', async (what, subject) => {
  answer = new Uint8Array(128 * MIB).fill(97)
  // The gateway of this test has it already, and the thread gets it once; the guest finds no room for it.
  const bytes = await grown(async () => expect(await said(what, subject)).toMatch(/out of memory|unreachable/))
  expect(bytes).toBeLessThan(MOST + 2 * answer.length)
  answer = new Uint8Array(8)
  expect(await said(what, subject)).toContain('Payload')
})
