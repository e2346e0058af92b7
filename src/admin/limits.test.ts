/** What the admin listener bounds: how large a request may be, how slowly it may come, and what it leads to. */

import { once } from 'node:events'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Bench, event, letter } from './harness.ts'

const LIMIT = 4 * 2 ** 20

let bench: Bench
beforeEach(async () => {
  bench = await Bench.open()
})
afterEach(() => bench[Symbol.asyncDispose]())

const socket = () => {
  const { hostname, port } = new URL(`http://${bench.admin.address}`)
  return connect(Number(port), hostname)
}

/** Resolves to all that comes back for these bytes, which say "connection: close" themselves. */
const exchange = (request: string): Promise<string> => {
  const own = socket()
  own.write(request)
  return text(own)
}

const head = (line: string, ...headers: string[]): string =>
  `${[`${line} HTTP/1.1`, 'host: localhost', ...headers].join('\r\n')}\r\n\r\n`

test('a body above 4 MiB is 413, whether its length is told or found', async () => {
  const json = 'content-type: application/json'
  const told = await exchange(head('POST /admin/explain', json, 'connection: close', `content-length: ${LIMIT + 1}`))
  const chunk = `${(LIMIT + 1).toString(16)}\r\n${'x'.repeat(LIMIT + 1)}\r\n`
  const found = await exchange(
    head('POST /admin/explain', json, 'connection: close', 'transfer-encoding: chunked') + chunk,
  )
  for (const answer of [told, found]) {
    expect(answer).toMatch(/^HTTP\/1\.1 413 /)
    expect(answer).toMatch(/content-type: application\/problem\+json/i)
    expect(answer).toContain('"code":"REQUEST_INVALID"')
  }
  expect((await bench.post('/admin/explain', { ...event, data: 'x'.repeat(LIMIT - 1_000) })).status).not.toBe(413)
})

// In the time that is real: one may hold a connection, and memory, for 10 s and no longer.
test('a request that dribbles is closed', { timeout: 40_000 }, async () => {
  const heads = [
    head('POST /admin/explain', 'content-type: application/json', 'content-length: 1000'),
    'GET /health HTTP/1.1\r\nhost: localhost\r\nx-slow: ',
  ]
  const answers = heads.map(async (start) => {
    const own = socket()
    own.write(start)
    const dribble = setInterval(() => own.write('x'), 500)
    return text(own).finally(() => clearInterval(dribble))
  })
  for (const answer of await Promise.all(answers)) expect(answer).toMatch(/^HTTP\/1\.1 408 /)
})

test('a caller that leaves in the middle of its body harms nobody', async () => {
  const own = socket()
  own.write(head('POST /admin/dead-letters/drop', 'content-type: application/json', 'content-length: 1000'))
  own.write('{"filter":')
  await once(own, 'connect')
  own.destroy()
  expect((await bench.get('/health')).status).toBe(200)
  expect(bench.letters.taken).toEqual([])
})

test.each(['/health/', '/Health', '//health', '/admin/dead-letters/', '/admin/events/'])(
  '%s is no path',
  async (path) => {
    expect((await bench.get(path)).status).toBe(404)
  },
)

test('HEAD is answered by nobody, and starts no tail', async () => {
  for (const path of ['/health', '/admin/tail']) {
    const response = await fetch(`http://${bench.admin.address}${path}`, { method: 'HEAD' })
    expect([response.status, await response.text()]).toEqual([404, ''])
  }
  expect(bench.listeners.size).toBe(0)
})

test('an id is taken as it came: dots, slashes and percent signs too', async () => {
  for (const id of ['..', 'a/../b', 'a%2Fb', '50%', 'a b?c#d', 'é\n']) {
    bench.letters.all = [{ ...letter(1, 100), id }]
    const path = `/admin/dead-letters/${encodeURIComponent(id)}`
    const answer = await exchange(head(`GET ${path}`, 'connection: close'))
    expect(answer, id).toMatch(/^HTTP\/1\.1 200 /)
  }
})

test('a parameter given twice is refused, as neither alone was meant', async () => {
  expect((await bench.get('/admin/dead-letters?route=a&route=b')).status).toBe(400)
})

test('HTTP/1.0 without a Host is answered, unless only this machine may ask', async () => {
  expect(await exchange('GET /health HTTP/1.0\r\n\r\n')).toMatch(/^HTTP\/1\.1 403 /)
  await bench[Symbol.asyncDispose]()
  bench = await Bench.open('0.0.0.0:0')
  expect(await exchange('GET /health HTTP/1.0\r\n\r\n')).toMatch(/^HTTP\/1\.1 200 /)
})

test('what fetch gives to the rest of the process stays as Node made it', () => {
  expect(bench.admin.address).not.toBe('')
  expect([Request.name, Response.name]).toEqual(['Request', 'Response'])
})
