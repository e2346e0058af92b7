/** Each denial is told with the line of YAML that would allow it: it is put there as it stands, and then it is allowed. */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parse, stringify } from 'yaml'
import { loadConfig } from '../../src/config/load.ts'
import { Outgoing } from '../../src/host/outgoing.ts'
import type { Host } from '../../src/pool/host.ts'
import type { Denial } from '../../src/pool/pool.ts'
import { guest, type OpenPool, open } from './open.ts'

const folder = mkdtempSync(join(tmpdir(), 'headgate-allowed-'))
const data = join(folder, 'data')
let server: Server
let port = 0
beforeAll(async () => {
  mkdirSync(data)
  writeFileSync(join(data, 'a'), 'in the file')
  server = createServer((request, response) => {
    if (request.url === '/slow') setTimeout(() => response.end('late'), 600)
    else if (request.url === '/large') response.end(Buffer.alloc(3_000, 'l'))
    else request.pipe(response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  port = (server.address() as AddressInfo).port
})
afterAll(() => {
  server.closeAllConnections()
  server.close()
  rmSync(folder, { recursive: true, force: true })
})

/** Every name is at the loopback, where the server is. */
const outgoing = new Outgoing((_name, _options, callback) => callback(null, [{ address: '127.0.0.1', family: 4 }]))
const host: Host = {
  store: async () => ({
    get: async (keys) => keys.map(() => undefined),
    has: async () => false,
    write: async () => {},
    keys: async () => ({ keys: [] }),
    increment: async () => 0n,
    swap: async () => true,
  }),
  send: (request, caller) => outgoing.send(request, caller),
  publish: async () => {},
  request: async () => ({ data: Buffer.from('answered') }),
  call: async () => ({ data: Buffer.from('called') }),
}

type Yaml = Readonly<Record<string, unknown>>
const isMap = (value: unknown): value is Yaml => typeof value === 'object' && value !== null && !Array.isArray(value)

/** What an author makes of two pieces of YAML for one place: lists and mappings grow, all else is replaced. */
function merged(there: unknown, added: unknown): unknown {
  if (Array.isArray(there) && Array.isArray(added)) {
    const places = added.flatMap((one) => (isMap(one) && 'guest' in one ? [one['guest']] : []))
    return [...there.filter((one) => !isMap(one) || !places.includes(one['guest'])), ...added]
  }
  if (!isMap(there) || !isMap(added)) return added
  // Where a mapping tells of all hosts, they are those that there are.
  const pairs = Object.entries(added).map(([key, value]) => [key, key === 'to' ? value : merged(there[key], value)])
  return { ...there, ...Object.fromEntries(pairs) }
}

/** Puts a line where a denial says. The blanks in it are for the operator to fill in. */
function withLine(config: string, told: string): string {
  const there = parse(config) as Yaml
  const filled = told.replace('<folder>', JSON.stringify(data)).replace('<value>', 'some')
  const [, key = '', line = ''] = /functions\.(\S+) is not allowed it; write there: (.*)$/.exec(filled) ?? []
  const [, entry] = /write under functions: (.*)$/.exec(filled) ?? []
  const functions = entry === undefined ? { [key]: parse(line) as Yaml } : (parse(entry) as Yaml)
  const known = isMap(there['functions']) ? there['functions'] : {}
  // Nothing is advised about a function that is not there.
  for (const name of Object.keys(functions)) expect(Object.keys(known)).toContain(name)
  return stringify(merged(there, { functions }))
}

async function opened(config: string, denied: (denial: Denial) => void = () => {}): Promise<OpenPool> {
  const path = join(folder, 'headgate.yaml')
  writeFileSync(path, config)
  const { functions } = await loadConfig(path, { connectors: [], env: { PLANTED: 'the secret' } })
  return open(functions, { host, denied })
}

interface Attempt {
  readonly what: string
  readonly type: string
  readonly subject: string
  readonly data?: string
  readonly guest?: string
  readonly allow?: string
  readonly kind: 'http' | 'kv' | 'dirs' | 'config' | 'messaging' | 'call'
  readonly answer: RegExp
}

const request = (what: string, type: string, subject: string, allow = '{}', answer = /^200 /): Attempt => ({
  what,
  type,
  subject,
  allow,
  kind: 'http',
  answer,
})

const attempts = (): readonly Attempt[] => [
  { what: 'a store', type: 'kv.get', subject: 'things a', kind: 'kv', answer: /^none$/ },
  {
    what: 'a second store',
    type: 'kv.get',
    subject: 'things a',
    allow: '{ kv: [others] }',
    kind: 'kv',
    answer: /^none$/,
  },
  { what: 'a config value', type: 'config.get', subject: 'a b', kind: 'config', answer: /^Some\("some"\)$/ },
  {
    what: 'one that would be a variable',
    type: 'config.get',
    subject: `\${PLANTED}`,
    kind: 'config',
    answer: /^Some\("some"\)$/,
  },
  { what: 'a topic', type: 'publish', subject: 'a/b c', kind: 'messaging', answer: /^published$/ },
  {
    what: 'a topic like a variable',
    type: 'publish',
    subject: `a/\${PLANTED}`,
    kind: 'messaging',
    answer: /^published$/,
  },
  { what: 'a request', type: 'request', subject: 'ask/x', kind: 'messaging', answer: /^answered$/ },
  { what: 'a function', type: 'call', subject: 'other', kind: 'call', answer: /^called$/ },
  { what: 'a version of a function', type: 'call', subject: 'sized@2', kind: 'call', answer: /^called$/ },
  request('an address and port', 'http.get', `http://127.0.0.1:${port}/a`),
  request('an address in other words', 'http.get', `http://0x7f.1:${port}/a`),
  request(
    'a method',
    'http.post',
    `http://127.0.0.1:${port}/a`,
    `{ http: [{ host: 127.0.0.1, port: ${port}, methods: [GET] }] }`,
  ),
  request('a port', 'http.get', `http://127.0.0.1:${port}/a`, '{ http: [127.0.0.1] }'),
  request('a scheme', 'http.get', `http://127.0.0.1:${port}/a`, `{ http: ["https://127.0.0.1:${port}"] }`),
  request('a private address', 'http.get', `http://inner.example:${port}/a`, `{ http: ["inner.example:${port}"] }`),
  request(
    'a private address, all hosts allowed',
    'http.post',
    `http://inner.example:${port}/a`,
    `{ http: ["*:${port}", "*"] }`,
  ),
  request(
    'a larger response',
    'http.get',
    `http://127.0.0.1:${port}/large`,
    `{ http: { to: ["127.0.0.1:${port}"], response_size: 2KiB } }`,
  ),
  request(
    'more time',
    'http.get',
    `http://127.0.0.1:${port}/slow`,
    `{ http: { to: ["127.0.0.1:${port}"], timeout: 400ms } }`,
  ),
  {
    ...request(
      'a larger request',
      'http.post',
      `http://127.0.0.1:${port}/a`,
      `{ http: { to: ["127.0.0.1:${port}"], request_size: 1KiB } }`,
    ),
    data: 'x'.repeat(1_500),
  },
  {
    ...request(
      'more requests',
      'http.leave',
      `3 http://127.0.0.1:${port}/a`,
      `{ http: { to: ["127.0.0.1:${port}"], requests: 2 } }`,
    ),
    answer: /^left$/,
  },
  { what: 'a folder', guest: 'hostile', type: 'file', subject: 'read /data/a', kind: 'dirs', answer: /^in the file$/ },
  {
    what: 'a folder, to write',
    guest: 'hostile-program',
    type: 'file',
    subject: 'write /data/b x',
    kind: 'dirs',
    answer: /^ok$/,
  },
  {
    what: 'writing in a folder',
    guest: 'hostile-command',
    type: 'file',
    subject: 'write /data/c x',
    allow: '{ dirs: [{ guest: /data, host: data }] }',
    kind: 'dirs',
    answer: /^ok$/,
  },
]

const others = () => `  other: ${guest('hostile')}\n  sized@2: { wasm: ${guest('hostile')}, version: "2" }\n`

/** Until it is allowed, which may take a second line: first its name is refused, then what is at it. */
async function allowed({ answer, kind, subject, type, data: text = '' }: Attempt, config: string, name: string) {
  let written = config
  for (let round = 0; round < 3; round++) {
    const denials: Denial[] = []
    await using pool = await opened(written, (denial) => denials.push(denial))
    const event = { specversion: '1.0', id: 'e', source: '/test', type, subject, data: Buffer.from(text) } as const
    const got = await pool.call(name, type, subject, { event }).then(
      (result) => Buffer.from(result.reply?.data ?? []).toString(),
      (error: unknown) => String(error),
    )
    const told = pool.lines.map(({ message }) => message).filter((message) => message.startsWith('denied '))
    if (round > 0 && told.length === 0) {
      expect(got).toMatch(answer)
      expect(pool.pool.stats().map(({ denied }) => denied[kind])).toEqual(pool.pool.stats().map(() => undefined))
      return round
    }
    expect(told, `${got} by ${written}`).toHaveLength(1)
    // Logged, counted, and told to those who are asked why.
    await expect.poll(() => pool.pool.stats().find(({ denied }) => denied[kind])?.denied[kind]).toBeGreaterThan(0)
    expect(denials).toMatchObject([{ function: name, callId: pool.lines[0]?.callId, message: told[0], allow: {} }])
    written = withLine(written, told[0] ?? '')
  }
  throw new Error(`it was still refused with ${written}`)
}

test.each(Array.from(attempts(), ({ what }, at) => [what, at] as const))('%s', async (_what, at) => {
  const attempt = attempts()[at]
  if (!attempt) throw new Error('there is no such attempt')
  const allow = attempt.allow === undefined ? '' : `, allow: ${attempt.allow}`
  await allowed(attempt, `functions:\n  f: { wasm: ${guest(attempt.guest ?? 'reach')}${allow} }\n${others()}`, 'f')
})

test.each([
  ['a key with a version', `  f@3: { wasm: ${guest('reach')} }\n`, 'f@3'],
  ['a version beside the file', `  f: { wasm: ${guest('reach')}, version: 3 }\n`, 'f@3'],
  ['two versions', `  f@3: { wasm: ${guest('reach')} }\n  f@2: { wasm: ${guest('reach')} }\n`, 'f@2'],
  ['a file alone', `  f@3: ${guest('reach')}\n`, 'f@3'],
])('the line stands under the key that there is: %s', async (_what, entry, name) => {
  const attempt = { what: '', type: 'kv.get', subject: 'things a', kind: 'kv', answer: /^none$/ } as const
  expect(await allowed(attempt, `functions:\n${entry}`, name)).toBe(1)
})

test('nothing is advised that would allow more than was asked for, or nothing', async () => {
  await using pool = await opened(`functions:\n  f: ${guest('reach')}\n`)
  const asked = [
    ['publish', '#'],
    ['publish', 'a/+/b'],
    ['request', '$SYS/broker'],
    ['publish', ''],
    ['publish', 'x'.repeat(300)],
    ['kv.get', '../journal a'],
    ['kv.get', '__proto__ a'],
    ['config.get', ''],
    ['call', 'y'.repeat(300)],
    ['http.get', 'http://*/'],
    ['http.get', 'http://-a-/'],
  ] as const
  for (const [type, subject] of asked) await pool.call('f', type, subject).catch(() => {})
  const told = pool.lines.map(({ message }) => message).filter((message) => message.startsWith('denied '))
  expect(told).toHaveLength(asked.length)
  for (const message of told) {
    expect(message).toContain('and no option under functions.f allows that')
    expect(message).not.toContain('write')
    expect(message.length).toBeLessThan(500)
  }
})
