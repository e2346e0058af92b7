/** Row 25 of the faults: every way out that is known is refused and counted, and nobody outside hears of it. */

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { type AddressInfo, createServer as createRawServer, type LookupFunction } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Outgoing } from '../../src/host/outgoing.ts'
import { allowOptions, grantsOf } from '../../src/pool/allow-options.ts'
import { type Host, HostError } from '../../src/pool/host.ts'
import { guest, open, spec, textOf } from './open.ts'

const root = mkdtempSync(join(tmpdir(), 'headgate-escape-'))
const inside = join(root, 'inside')
const granted = (allow: object) => grantsOf(allowOptions.parse(allow), (path) => path)

/** A server on the loopback that nothing may reach, and one that may be and that leads to it. */
let silent: Server
let leading: Server
let connections = 0
const portOf = (server: Server): number => (server.address() as AddressInfo).port
beforeAll(async () => {
  silent = createServer((_request, response) => response.end('reached'))
  silent.on('connection', () => connections++)
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
  leading = createServer((_request, response) =>
    response.writeHead(307, { location: `http://127.0.0.1:${portOf(silent)}/` }).end('elsewhere'),
  )
  await new Promise<void>((resolve) => leading.listen(0, '127.0.0.1', resolve))
  process.env['HEADGATE_PLANTED'] = 'the secret'
  for (const folder of ['inside', 'inside/sub', 'outside']) mkdirSync(join(root, folder))
  writeFileSync(join(root, 'outside', 'secret'), 'the secret')
  const links = { up: '../outside', far: join(root, 'outside', 'secret'), whole: '/', proc: '/proc/self/root' }
  for (const [link, target] of Object.entries(links)) symlinkSync(target, join(inside, link))
})
afterAll(() => {
  delete process.env['HEADGATE_PLANTED']
  for (const server of [silent, leading]) server.close()
  rmSync(root, { recursive: true, force: true })
})

const absent = () => Promise.reject(new HostError('unavailable', 'not in this test'))

/** Resolves names as an attacker would: to what he likes, and to something else the next time. */
class Attacked implements Host {
  readonly asked: string[] = []
  readonly #lookup: LookupFunction = (name, _options, callback) => {
    const times = this.asked.push(name)
    const address = name === 'rebind.example' ? (times % 2 === 0 ? '127.0.0.1' : '10.0.0.1') : ADDRESSES[name]
    callback(null, [{ address: address ?? '127.0.0.1', family: address?.includes(':') ? 6 : 4 }])
  }
  readonly #outgoing = new Outgoing(this.#lookup)
  readonly send: Host['send'] = (request, caller) => this.#outgoing.send(request, caller)
  readonly store = absent
  readonly publish = absent
  readonly request = absent
  readonly call = absent
}

const ADDRESSES: Readonly<Record<string, string>> = {
  'inner.example': '192.168.0.1',
  'metadata.example': '169.254.169.254',
  'six.example': '::1',
  'mapped.example': '::ffff:127.0.0.1',
  'unique.example': 'fd00::1',
  'none.example': '0.0.0.0',
  'shared.example': '100.64.0.1',
  'nat.example': '64:ff9b::7f00:1',
  'tunnel.example': '2002:7f00:1::',
  'teredo.example': '2001:0:7f00:1::1',
  'compatible.example': '::7f00:1',
  'broadcast.example': '255.255.255.255',
  'many.example': 'ff02::1',
}

const PROBES = [
  'read /etc/passwd',
  'read ../outside/secret',
  'read /data/../outside/secret',
  'read /data/sub/../../outside/secret',
  'read /data/./sub/.././../outside/secret',
  'read /data/up/secret',
  'read /data/up/../outside/secret',
  'read /data/sub/../up/secret',
  'read /data/far',
  'read /data/whole/etc/passwd',
  'read /data/proc/etc/passwd',
  'list /data/up',
  'list /data/whole',
  'list /data/..',
  'list /',
  'size /data/far',
  'read /proc/self/environ',
  'read /dev/zero',
  'write /data/up/made x',
  'write /data/far x',
  'mkdir /data/up/made',
  'rename /data/up/secret /data/mine',
  'unlink /data/up/secret',
  'link /data/up/secret /data/mine',
]

test.each(['hostile-program', 'hostile-command', 'hostile'])('%s: paths, all refused and counted', async (name) => {
  const grants = granted({ dirs: [{ guest: '/data', host: inside, write: true }] })
  await using opened = await open([spec('f', { wasm: guest(name), grants })])
  for (const [at, probe] of PROBES.entries()) {
    const answer = textOf(await opened.call('f', 'file', probe))
    expect(answer, probe).toMatch(/^(PermissionDenied|Uncategorized|ReadOnlyFilesystem|NotFound) \d+$/)
    await expect.poll(() => opened.pool.stats()[0]?.denied.dirs, { message: probe }).toBe(at + 1)
  }
  expect(readFileSync(join(root, 'outside', 'secret'), 'utf8')).toBe('the secret')
  expect(readdirSync(join(root, 'outside'))).toEqual(['secret'])
  expect(readdirSync(inside).toSorted()).toEqual(['far', 'proc', 'sub', 'up', 'whole'])
})

test.each(['hostile-program', 'hostile-command', 'hostile'])('%s: no variable, no socket', async (name) => {
  await using opened = await open([spec('f', { wasm: guest(name) })])
  expect(textOf(await opened.call('f', 'env'))).toMatch(/^\[\] /)
  expect(textOf(await opened.call('f', 'network', `127.0.0.1:${portOf(silent)}`))).toBe('false')
  expect(connections).toBe(0)
})

test('addresses, names that lead to them, names that change: refused, counted, and not dialled', async () => {
  const port = portOf(silent)
  const host = new Attacked()
  const grants = granted({ http: { to: ['*', `*:${port}`], requests: 1_000 } })
  await using opened = await open([spec('f', { wasm: guest('reach'), grants })], { host })
  const hosts = [
    ...['127.0.0.1', '127.1', '2130706433', '0x7f.1', '0.0.0.0', 'localhost', '[::1]', '[::ffff:127.0.0.1]', '[::]'],
    ...['10.0.0.1', '172.16.0.1', '192.168.0.1', '169.254.169.254', '100.64.0.1', '[fd00::1]', '[fe80::1]'],
    ...[
      '0177.0.0.1',
      '0x7f000001',
      '017700000001',
      '127.0.0.1.',
      'localhost.',
      'LOCALHOST',
      '①②⑦.0.0.1',
      '127。0。0。1',
    ],
    ...['[::7f00:1]', '[::127.0.0.1]', '[64:ff9b::127.0.0.1]', '[2002:7f00:1::]', '[2001:0:7f00:1::1]', '[fec0::1]'],
    ...['[ff02::1]', '255.255.255.255', '224.0.0.1', '192.0.2.1', '198.18.0.1', '240.0.0.1', 'ｌｏｃａｌｈｏｓｔ'],
    ...Object.keys(ADDRESSES),
    ...['rebind.example', 'rebind.example', 'rebind.example'],
  ]
  for (const [at, name] of hosts.entries()) {
    const error = await opened.call('f', 'http.get', `http://${name}:${port}/`).catch((thrown: unknown) => thrown)
    expect(String(error), name).toMatch(/ErrorCode::(DestinationIpProhibited|HttpRequestUriInvalid|HttpRequestDenied)/)
    await expect.poll(() => opened.pool.stats()[0]?.denied.http, { message: name }).toBe(at + 1)
  }
  expect(opened.lines.map(({ message }) => message).join('\n')).toContain('private: true')
  const asked = host.asked.length
  for (const name of [
    ...['user@127.0.0.1', 'api.example@127.0.0.1', 'user:pw@127.0.0.1', '127.0.0.1\\@api.example', 'api.example\\x'],
    ...[
      '[::1%25lo]',
      '[::1',
      '::1',
      'a b',
      'api.example%00.x',
      'api.example%2f.x',
      'a#',
      'a?',
      'a\t',
      'a\r\nx: y',
      '.',
      '',
    ],
  ])
    await expect(opened.call('f', 'http.get', `http://${name}:${port}/`), name).rejects.toThrow('HttpRequestUriInvalid')
  expect(host.asked.length).toBe(asked)
  expect(connections).toBe(0)
})

test('a name that only looks like an allowed one is another, and one in another script is what DNS has for it', async () => {
  const host = new Attacked()
  const grants = granted({ http: ['*.example.com', 'bücher.example'] })
  await using opened = await open([spec('f', { wasm: guest('reach'), grants })], { host })
  for (const name of ['evil.test\\.example.com', 'evil.test%2f.example.com', 'evil.test@x.example.com'])
    await expect(opened.call('f', 'http.get', `http://${name}/`), name).rejects.toThrow('HttpRequestUriInvalid')
  for (const name of ['example.com', 'xexample.com', 'еxample.com', 'a.еxample.com', 'a.example.com.evil.test'])
    await expect(opened.call('f', 'http.get', `http://${name}/`), name).rejects.toThrow('HttpRequestDenied')
  expect(host.asked).toEqual([])
  for (const name of ['A.Example.COM', 'a。example。com', 'bücher.example', 'xn--bcher-kva.example'])
    await expect(opened.call('f', 'http.get', `http://${name}/`), name).rejects.toThrow('DestinationIpProhibited')
  expect(host.asked).toEqual(['a.example.com', 'a.example.com', 'xn--bcher-kva.example', 'xn--bcher-kva.example'])
})

test('headers that frame a message, or say whom it is for, are the gateway’s: no second request is smuggled in', async () => {
  let raw = ''
  const server = createRawServer((socket) => {
    socket.on('data', (bytes) => {
      raw += bytes.toString('latin1')
      if (raw.endsWith('other.example\r\n\r\n')) socket.end('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n')
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const grants = granted({ http: [{ host: 'echo.example', port, private: true }] })
  await using opened = await open([spec('f', { wasm: guest('reach'), grants })], { host: new Attacked() })
  expect(textOf(await opened.call('f', 'http.smuggle', `http://echo.example:${port}/first`))).toBe('200')
  server.close()
  const [head = '', ...body] = raw.split('\r\n\r\n')
  const [line, ...headers] = head.toLowerCase().split('\r\n')
  expect(line).toBe('post /first http/1.1')
  expect(headers.toSorted()).toEqual([
    '__proto__: a',
    'connection: keep-alive',
    'constructor: b',
    `content-length: ${body.join('\r\n\r\n').length}`,
    `host: echo.example:${port}`,
    'x-kept: c',
  ])
  expect(body[0]).toBe('0')
})

test('what is not named is refused before anything is resolved', async () => {
  const host = new Attacked()
  const grants = granted({ http: ['api.example', { host: 'get.example', methods: ['GET'] }, 'https://tls.example'] })
  await using opened = await open([spec('f', { wasm: guest('reach'), grants })], { host })
  const attempts = [
    ['http.get', 'http://other.example/'],
    ['http.get', 'http://api.example.evil/'],
    ['http.get', 'http://sub.api.example/'],
    ['http.get', 'http://api.example:8080/'],
    ['http.get', 'http://tls.example/'],
    ['http.post', 'http://get.example/'],
    ['http.get', `http://127.0.0.1:${portOf(silent)}/`],
  ] as const
  for (const [how, url] of attempts) await expect(opened.call('f', how, url), url).rejects.toThrow('HttpRequestDenied')
  await expect.poll(() => opened.pool.stats()[0]?.denied).toEqual({ http: attempts.length })
  expect(host.asked).toEqual([])
  expect(opened.lines.map(({ message }) => message).join('\n')).toContain('allow: { http: [other.example] }')
})

test('a redirect is the function’s to read, and leads nowhere by itself', async () => {
  const port = portOf(leading)
  const grants = granted({ http: [{ host: 'leading.example', port, private: true }] })
  await using opened = await open([spec('f', { wasm: guest('reach'), grants })], { host: new Attacked() })
  expect(textOf(await opened.call('f', 'http.get', `http://leading.example:${port}/`))).toMatch(/^307 /)
  await expect(opened.call('f', 'http.get', `http://127.0.0.1:${portOf(silent)}/`)).rejects.toThrow('HttpRequestDenied')
  expect(connections).toBe(0)
})
