/** What JavaScript has of a browser in a function: promises, fetch, timers, texts, console, on both engines. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { buildFunction, type Engine, newFunction } from '../../src/author/index.ts'
import { RehearsalHost } from '../../src/host/rehearsal.ts'
import { createGateway, type EmbeddedGateway } from '../../src/index.ts'
import { NO_GRANTS } from '../../src/pool/grants.ts'
import { inspectFunction } from '../../src/pool/index.ts'
import { open as openPool, spec, textOf } from './open.ts'

const folder = mkdtempSync(join(tmpdir(), 'headgate-web-'))
const open = new Set<() => void>()
let most = 0
/** Answers `/together` once two wait there, `/never` never, and everything else with what it was sent. */
const server: Server = createServer((request, response) => {
  if (request.url === '/never') return
  if (request.url === '/together') {
    open.add(() => response.end('there'))
    most = Math.max(most, open.size)
    if (open.size === 2) for (const end of open) end()
    if (open.size === 2) open.clear()
    return
  }
  response.writeHead(request.url === '/teapot' ? 418 : 200, {
    'x-method': `${request.method}`,
    'x-sent': `${request.headers['x-sent']}`,
  })
  request.pipe(response)
})
let origin = ''
let gateway: EmbeddedGateway | undefined

const SOURCE = `
import { define, json } from './kit.js'
const wait = (ms, value) => new Promise((resolve) => setTimeout(resolve, ms, value))
const work = {
  async get(origin) { return (await fetch(origin + '/plain?a=ü b')).status },
  async post(origin) {
    const answer = await fetch(origin, { method: 'POST', body: 'Grüße 🚪', headers: { 'X-Sent': 'yes' } })
    return [answer.status, answer.ok, answer.headers.get('X-Method'), answer.headers.get('x-sent'), await answer.text()]
  },
  async large(origin) {
    const body = new Uint8Array(200_000).fill(7)
    const bytes = await (await fetch(origin, { method: 'PUT', body })).bytes()
    return [bytes.length, bytes.every((byte) => byte === 7)]
  },
  async json(origin) { return (await fetch(origin, { method: 'POST', body: JSON.stringify({ a: [1] }) })).json() },
  async teapot(origin) { const { ok, status } = await fetch(origin + '/teapot'); return [ok, status] },
  async together(origin) {
    const both = await Promise.all([fetch(origin + '/together'), fetch(origin + '/together')])
    return Promise.all(both.map((answer) => answer.text()))
  },
  async race(origin) { return Promise.race([fetch(origin + '/never').then(() => 'never'), wait(20, 'timer')]) },
  async abort(origin) {
    try { await fetch(origin + '/never', { signal: AbortSignal.timeout(30) }) } catch ({ name, message }) { return [name, message] }
  },
  async refused() {
    try { await fetch('https://elsewhere.example/') } catch ({ name, code, message }) { return [name, code, message] }
  },
  async wrong() { return fetch('ftp://x').catch(({ name }) => name) },
  async order() {
    const seen = []
    setTimeout(() => seen.push('late'), 20)
    setTimeout(() => seen.push('never'), 60_000)
    const id = setTimeout(() => seen.push('cleared'), 1)
    clearTimeout(id)
    Promise.resolve().then(() => seen.push('job')).finally(() => seen.push('finally'))
    await null
    seen.push('after')
    await wait(40)
    return seen
  },
  async settled() {
    const all = await Promise.allSettled([1, Promise.reject(new Error('no')), wait(1, 'slow'), { then: (ok) => ok('thenable') }])
    return all.map(({ value, reason }) => value ?? reason.message)
  },
  async generator() {
    async function* count() { for (let n = 0; n < 3; n++) { await wait(1); yield n } }
    const seen = []
    for await (const n of count()) seen.push(n)
    return seen
  },
  async fields() {
    class Counter { #n = 0; static of() { return new Counter() } async up() { await null; return ++this.#n } }
    const counter = Counter.of()
    await counter.up()
    return counter.up()
  },
  async failing() { await wait(1); throw new Error('it went wrong') },
  async stuck() { await new Promise(() => {}) },
  text() {
    const bytes = new TextEncoder().encode('aü🚪\\ud800')
    const broken = new TextDecoder().decode(new Uint8Array([0x61, 0xff, 0xc3, 0xbc, 0xe2, 0x82]))
    return [bytes.length, new TextDecoder().decode(bytes), broken]
  },
  talk() { console.log('two', { a: 1 }); console.error(new Error('loud')); return 1 },
}
export const handle = define(({ type, subject }) => {
  const answer = work[type]?.(subject)
  const reply = (value) => ({ reply: json(value) })
  return typeof answer?.then === 'function' ? answer.then(reply) : answer === undefined ? {} : reply(answer)
})
`

const ENGINES: readonly Engine[] = ['quickjs', 'starlingmonkey']

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  origin = `http://127.0.0.1:${port}`
  const made = newFunction('web', 'js', folder)
  writeFileSync(join(made, 'index.js'), SOURCE)
  const functions = await Promise.all(
    ENGINES.map(async (engine) => {
      const { path } = await buildFunction(made, { engine })
      return `  ${engine}: { wasm: ${path}, memory: 128MiB, timeout: 10s, pool: { max: 1 }, allow: { http: [{ host: 127.0.0.1, port: ${port}, private: true }] } }`
    }),
  )
  const yaml = `
broker: { listen: ["tcp://127.0.0.1:0"] }
http: { listen: 127.0.0.1:0 }
admin: { listen: 127.0.0.1:0 }
journal: { path: ${folder} }
log: { level: error }
functions:
${functions.join('\n')}
`
  gateway = await createGateway({ yaml })
  await gateway.start()
}, 120_000)
afterAll(async () => {
  await gateway?.stop()
  server.closeAllConnections()
  server.close()
  rmSync(folder, { recursive: true, force: true })
})

describe.each(ENGINES)('on %s', (engine) => {
  const call = async (type: string): Promise<unknown> => {
    if (!gateway) throw new Error('it has not been started')
    const event = { specversion: '1.0', id: crypto.randomUUID(), source: '/test', type, subject: origin }
    return (await gateway.call(engine, event, { timeoutMs: 20_000 })).data
  }

  test('fetch sends and is answered', async () => {
    expect(await call('get')).toBe(200)
    expect(await call('post')).toEqual([200, true, 'POST', 'yes', 'Grüße 🚪'])
    expect(await call('large')).toEqual([200_000, true])
    expect(await call('json')).toEqual({ a: [1] })
    expect(await call('teapot')).toEqual([false, 418])
  })

  test('what is awaited together is waited for at once; what loses a race is left behind', async () => {
    most = 0
    expect(await call('together')).toEqual(['there', 'there'])
    expect(most).toBe(2)
    expect(await call('race')).toBe('timer')
    expect(await call('abort')).toEqual(['TimeoutError', 'it took longer than 30 ms'])
  })

  test('a request that is not allowed is a TypeError with the code of the interface', async () => {
    expect(await call('refused')).toEqual([
      'TypeError',
      'HTTP-request-denied',
      'fetching "https://elsewhere.example/": HTTP-request-denied',
    ])
    expect(await call('wrong')).toBe('TypeError')
  })

  test('promises, timers and asynchronous generators go in the order of the language', async () => {
    expect(await call('order')).toEqual(['job', 'after', 'finally', 'late'])
    expect(await call('settled')).toEqual([1, 'no', 'slow', 'thenable'])
    expect(await call('generator')).toEqual([0, 1, 2])
    expect(await call('fields')).toBe(2)
  })

  test('what it throws later is a failure, and one that never settles is refused; its instance goes on', async () => {
    await expect(call('failing')).rejects.toThrow('it went wrong')
    await expect(call('stuck')).rejects.toMatchObject({
      message: expect.stringContaining('it waits for a promise that nothing is left to settle'),
    })
    expect(await call('get')).toBe(200)
  })

  test('texts and console', async () => {
    expect(await call('text')).toEqual([10, 'aü🚪\ufffd', 'a\ufffdü\ufffd\ufffd'])
    expect(await call('talk')).toBe(1)
  })

  test('a thousand requests leave nothing behind', async () => {
    for (let round = 0; round < 26; round++) await Promise.all(Array.from({ length: 50 }, () => call('get')))
    expect(await call('get')).toBe(200)
  }, 120_000)
})

test('a function that waits for nothing asks for nothing of it', async () => {
  const { path } = await buildFunction(newFunction(`plain-${Date.now()}`, 'js', folder))
  const { imports } = await inspectFunction(path)
  expect(imports.map(({ name }) => name).filter((name) => /http|keyvalue|config|messaging|call@/.test(name))).toEqual(
    [],
  )
})

test('a handler that waits whatever it is called with is warm all the same', async () => {
  const made = newFunction(`eager-${Date.now()}`, 'js', folder)
  const source = `
import { define, json, store } from './kit.js'
export const handle = define(async () => {
  await new Promise((resolve) => setTimeout(resolve, 5))
  const failed = await fetch('http://127.0.0.1/').catch(({ code }) => code)
  return { reply: json([store('a').increment('n'), failed]) }
})`
  writeFileSync(join(made, 'index.js'), source)
  const { path } = await buildFunction(made)
  const reach = spec('f', { wasm: path, grants: { ...NO_GRANTS, kv: ['a'] } })
  await using opened = await openPool([reach], { host: new RehearsalHost() })
  expect(JSON.parse(textOf(await opened.call('f', 'x')))).toEqual([1, 'HTTP-request-denied'])
})
