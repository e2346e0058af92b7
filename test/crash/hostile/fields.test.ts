/** Row 30 of the fault matrix, on the whole gateway: events, requests and answers that are made to hurt. */

import { readdirSync, readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { dirname } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { RawClient } from '../../e2e/broker/running.ts'
import { Client, eventOf, post, request, settled, unique } from '../../e2e/path/client.ts'
import { eventually } from '../../services/eventually.ts'
import { type GatewayProcess, startGateway } from '../../services/gateway.ts'
import { Receiver } from '../../services/receiver.ts'
import { sharedByTests } from '../../services/tries.ts'

/** Told to the gateway in its environment. */
const TOKEN = 'tok-9f31c2aa77'
/** Told to the gateway by a client. */
const PASSWORD = 'pass-5be0d1c443'
const FORGED = '{"level":"error","msg":"forged"}'
const MIB = 2 ** 20
/** A gigabyte of nothing, in 64 members of one stream. */
const BOMB = Buffer.concat(Array.from({ length: 64 }, () => gzipSync(Buffer.alloc(16 * MIB), { level: 9 })))

const config = (port: number) => `
sinks:
  echoing: { http: { url: "http://127.0.0.1:${port}/echo?access_token=\${TOKEN}", allow: [127.0.0.1], headers: { Authorization: "Bearer \${TOKEN}" } } }
  kept: { http: { url: "http://127.0.0.1:${port}/kept", allow: [127.0.0.1] } }
  bomb: { http: { url: "http://127.0.0.1:${port}/bomb", allow: [127.0.0.1] } }
routes:
  echoing: { from: http, when: type == "echo", to: echoing, retry: 0 }
  kept: { from: http, when: type == "kept", to: kept, retry: 0 }
  bomb: { from: http, when: type == "bomb", to: bomb, retry: 0 }
  polluted: { from: http, when: data.polluted == true, to: "mqtt:polluted" }
  matches: { from: http, when: 'type.matches("^(a+)+$")', to: "mqtt:matched" }
  like: { from: http, filters: [{ sql: "subject LIKE '%a%a%a%a%a%a%a%a%b'" }], to: "mqtt:liked" }
  topics: { from: "mqtt:#", when: type == "topic", to: "mqtt:topics" }
`

let receiver: Receiver
let gateway: GatewayProcess
sharedByTests(async () => {
  receiver = await Receiver.open(({ path, headers }) => {
    if (path.startsWith('/bomb')) return { status: 400, headers: { 'content-encoding': 'gzip' }, body: BOMB }
    if (path.startsWith('/kept')) return { status: 204 }
    return { status: 400, body: `no\r\n${FORGED}\r\n\u2028${headers.authorization} ${path}` }
  })
  gateway = await startGateway({ config: config(receiver.port), http: 'body_limit: 2MiB', env: { TOKEN } })
  return async () => {
    await gateway[Symbol.asyncDispose]()
    await receiver.close()
  }
})

const rss = (): number =>
  Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${gateway.pid}/status`, 'utf8'))?.[1]) * 1_024

const STRUCTURED = { 'content-type': 'application/cloudevents+json' }

/** Resolves with the answer, and the least milliseconds of three tries; `make` gives the body of each. */
async function timed(make: () => string) {
  let ms = Number.POSITIVE_INFINITY
  let answer = await post(gateway.http, '/events', make(), STRUCTURED)
  for (let time = 0; time < 3; time += 1) {
    const body = make()
    const begun = performance.now()
    answer = await post(gateway.http, '/events', body, STRUCTURED)
    ms = Math.min(ms, performance.now() - begun)
  }
  return { answer, ms }
}

/** What the gateway logged: whole lines of JSON. */
function logged(): readonly Record<string, unknown>[] {
  const lines = gateway.output().split('\n').slice(0, -1)
  return lines.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line))
}

describe('row 30: one line of log for each event, and no token in it', () => {
  test('answers and names with line breaks and tokens in them', async () => {
    const events = Array.from({ length: 20 }, () => eventOf('echo'))
    for (const event of events) await post(gateway.http, '/events', event, STRUCTURED)
    for (const { id } of events) await settled(gateway, `${id}`)
    using client = new RawClient(gateway.mqtt)
    await client.hello(`c\r\n${FORGED}\u2028`, { username: 'me', password: PASSWORD })
    client.socket.write(Buffer.from([0x30, 0xff, 0xff, 0xff, 0x7f]))
    await eventually(() => client.closed, { what: 'the client is refused' })
    const authorization = `Bearer ${PASSWORD}`
    await request(gateway.http, `/nothing%0d%0a${encodeURIComponent(FORGED)}?token=${PASSWORD}`, {
      headers: { authorization },
    })
    await post(gateway.http, '/events', 'no event', { ...STRUCTURED, authorization, cookie: PASSWORD })
    await request(gateway.admin, '/admin/tail', { method: 'POST', headers: { authorization } })

    const lines = await eventually(
      () => (logged().some(({ client }) => `${client}`.startsWith('c\r\n')) ? logged() : undefined),
      {
        what: 'the client is told of',
        detail: () => gateway.output(),
      },
    )
    for (const { id } of events) expect(lines.filter(({ event }) => event === id)).toHaveLength(1)
    expect(lines.filter(({ msg }) => msg === 'forged')).toEqual([])
    expect(gateway.output()).not.toContain(`\n${FORGED}`)
    expect(gateway.output()).not.toMatch(new RegExp(`${TOKEN}|${PASSWORD}`))
    const letters = await request(gateway.admin, '/admin/dead-letters?limit=100')
    const shown = await request(gateway.admin, '/admin/config')
    for (const { text } of [letters, shown]) {
      expect(text).toContain('echo')
      expect(text).not.toMatch(new RegExp(`${TOKEN}|${PASSWORD}`))
    }
  })

  test.each([
    ['a line break', { subject: `a\r\n${FORGED}` }],
    ['a NUL', { subject: 'a\0b' }],
    ['half a character', { source: '/\ud800' }],
    ['a line break in an extension', { tenant: 'a\nb' }],
    ['a name with a line break', { 'a\r\nb': 'x' }],
    ['an object for an attribute', { tenant: { a: 1 } }],
    ['__proto__', JSON.parse('{ "__proto__": { "polluted": true } }')],
    ['constructor', { constructor: { prototype: { polluted: true } } }],
  ])('an event with %s in a field is refused, and the field is named', async (_, fields) => {
    const field = Object.keys(fields)[0] ?? ''
    const hostile = JSON.stringify(fields).slice(1)
    const { answer, ms } = await timed(
      () =>
        `{"specversion":"1.0","id":"${unique('f')}","type":"t",${'source' in fields ? '' : '"source":"/x",'}${hostile}`,
    )
    expect(answer.status).toBe(400)
    expect(answer.json['code']).toBe('EVENT_INVALID')
    expect(answer.text).toContain(JSON.stringify(field).slice(1, -1).split('\\')[0])
    expect(ms).toBeLessThan(200)
  })
})

describe('row 30: what comes in changes nothing of the gateway itself', () => {
  test('data with __proto__ in it are data', async () => {
    const routes = async (data: string): Promise<unknown> => {
      const body = `{"specversion":"1.0","id":"${unique('p')}","source":"/p","type":"t","data":${data}}`
      return (await post(gateway.http, '/events', body, STRUCTURED)).json['routes']
    }
    expect(await routes('{"polluted":true}')).toEqual(['polluted'])
    for (const data of [
      '{"__proto__":{"polluted":true}}',
      '{"constructor":{"prototype":{"polluted":true}}}',
      '[{"__proto__":{"polluted":true}}]',
      '{}',
    ])
      expect(await routes(data), data).toEqual([])
  })

  test('patterns that take for ever elsewhere take next to nothing', async () => {
    const slow = await timed(() => JSON.stringify(eventOf(`${'a'.repeat(50_000)}!`)))
    expect(slow.answer).toMatchObject({ status: 202, json: { routes: [] } })
    expect(slow.ms).toBeLessThan(200)
    const like = await timed(() => JSON.stringify(eventOf('t', { subject: 'a'.repeat(65_535) })))
    expect(like.answer).toMatchObject({ status: 202, json: { routes: [] } })
    expect(like.ms).toBeLessThan(200)
  })

  test('names with .. in them name no file', async () => {
    const before = readdirSync(dirname(gateway.folder)).toSorted()
    const paths = [
      '/calls/../../../../../../etc/passwd',
      '/calls/..%2f..%2f..%2f..%2fetc%2fpasswd',
      '/../../../../etc/passwd',
      '/call/../../etc/passwd',
      '/call/%2e%2e%2fetc%2fpasswd',
    ]
    for (const path of [
      ...paths,
      ...paths.map((each) => each.replace('/call', '/admin/events/call')),
      '/admin/dead-letters/../../../../etc/passwd',
    ])
      for (const port of [gateway.http, gateway.admin]) {
        const answer = await raw(port, path)
        expect(answer, path).toMatch(/^HTTP\/1\.1 4\d\d /)
        expect(answer).not.toContain('root:')
      }
    await using client = await Client.connect(gateway, { clientId: '../../../evil', clean: false, version: 4 })
    await client.subscribe('../../../evil/#')
    await client.publish('../../../evil/topic', eventOf('topic', { id: '../../evil' }), { retain: true })
    await client.receive('../../../evil/topic')
    const files = readdirSync(gateway.folder, { recursive: true }).map(String)
    expect(files.filter((name) => name.includes('evil'))).toEqual([])
    expect(
      readdirSync(dirname(gateway.folder)).filter((name) => name.includes('evil') && !before.includes(name)),
    ).toEqual([])
  })
})

/** Asks for a path as it is written: `fetch` would resolve it. */
function raw(port: number, path: string): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const socket = connect(port, '127.0.0.1')
  let text = ''
  socket.on('data', (chunk) => {
    text += chunk
  })
  socket.on('error', reject)
  socket.once('close', () => resolve(text))
  socket.write(`GET ${path} HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\nconnection: close\r\n\r\n`)
  return promise
}

describe('row 30: nothing inflates a gigabyte', () => {
  const binary = (type: string) => ({
    'ce-specversion': '1.0',
    'ce-id': unique('bomb'),
    'ce-source': '/bomb',
    'ce-type': type,
    'content-type': 'application/json',
  })
  const send = (path: string, headers: Record<string, string>) =>
    request(gateway.http, path, { method: 'POST', headers, body: new Uint8Array(BOMB) })

  test('a compressed body is refused, and costs no memory', async () => {
    const before = rss()
    let ms = Number.POSITIVE_INFINITY
    for (const [path, headers] of [
      ['/events', { ...STRUCTURED, 'content-encoding': 'gzip' }],
      ['/events', { ...binary('kept'), 'content-encoding': 'gzip' }],
      ['/events', { ...binary('kept'), 'content-encoding': 'deflate, gzip' }],
      ['/anything', { ...binary('kept'), 'content-encoding': 'br' }],
    ] as const) {
      const begun = performance.now()
      const { headers: answered, json, status } = await send(path, headers)
      ms = Math.min(ms, performance.now() - begun)
      expect([status, answered.get('accept-encoding')]).toEqual([415, 'identity'])
      expect(json['detail']).toContain('content-encoding')
    }
    expect(ms).toBeLessThan(200)
    expect(rss() - before).toBeLessThan(64 * MIB)
  })

  test('as data it goes through as it is', async () => {
    const before = rss()
    const headers = { ...binary('kept'), 'content-type': 'application/gzip' }
    expect((await send('/events', headers)).status).toBe(202)
    const id = headers['ce-id']
    await settled(gateway, id)
    const found = receiver.received.find(({ headers: sent }) => sent['ce-id'] === id)
    expect(found?.body.equals(BOMB)).toBe(true)
    expect(rss() - before).toBeLessThan(64 * MIB)
  })

  test('a compressed answer of a sink is not read for what it says', async () => {
    const before = rss()
    const event = eventOf('bomb')
    await post(gateway.http, '/events', event, STRUCTURED)
    expect((await settled(gateway, `${event['id']}`)).deliveries).toMatchObject([
      { status: 'dead', error: { code: 'SINK_REJECTED' } },
    ])
    expect(rss() - before).toBeLessThan(64 * MIB)
  })

  test('a WebSocket is not compressed, whatever it offers', async () => {
    const socket = new WebSocket(`ws://127.0.0.1:${gateway.ws}`, 'mqtt', { perMessageDeflate: true })
    await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject))
    expect(socket.extensions).toBe('')
    socket.terminate()
  })
})
