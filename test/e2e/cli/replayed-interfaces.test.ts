/** A dead letter of every interface, of a transform, of a batch and of a deadline is run again: the same file, the same end. */

import { copyFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Gateway, headgate, repository, runGateway, scratch, until } from './gateway.ts'

const folder = scratch()
let config: string
let gateway: Gateway
/** What others tell is another thing each time. */
let asked = 0
const upstream: Server = createServer((request, response) => {
  request.resume().on('end', () => setTimeout(() => response.end(`answer ${++asked} to ${request.url}`), 20))
})

const yaml = (authority: string) => `log: { level: warn }
functions:
  web: { wasm: fickle-http.wasm, timeout: 2s, ${allow(authority)} }
  tool: { wasm: fickle-command.wasm, timeout: 2s, ${allow(authority)} }
  plain: { wasm: fickle-program.wasm }
  ours: { wasm: fickle.wasm, allow: { kv: [things] } }
  orders: { wasm: fickle-program.wasm }
routes:
  web: { from: http, when: source == "/web", to: web, retry: { max: 0 } }
  tool: { from: http, when: source == "/tool", to: tool, retry: { max: 0 } }
  plain: { from: http, when: source == "/plain", to: plain, retry: { max: 0 } }
  ours: { from: http, when: source == "/ours", to: ours, retry: { max: 0 } }
  made: { from: http, when: source == "/made", transform: '{ "type": data.do, "subject": "made" }', to: web, retry: { max: 0 } }
  batch: { from: http, when: source == "/batch", batch: { max: 3, wait: 30s }, to: plain, retry: { max: 0 } }
  orders: { from: mqtt:orders/#, to: orders, retry: { max: 0 } }
`

const allow = (authority: string) =>
  `allow: { config: { rate: seven }, kv: [things], http: ["${authority}"], messaging: { publish: ["orders/#"] } }`

beforeAll(async () => {
  for (const name of ['fickle-http', 'fickle-command', 'fickle-program', 'fickle'])
    copyFileSync(join(repository, `test/functions/guests/${name}/${name}.wasm`), join(folder.path, `${name}.wasm`))
  await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve))
  config = folder.file('interfaces.yaml', yaml(authority()))
  gateway = await runGateway(config, join(folder.path, 'data'))
}, 60_000)

afterAll(async () => {
  gateway?.child.kill('SIGKILL')
  await gateway?.ended
  upstream.close()
  folder.remove()
})

const authority = (): string => `127.0.0.1:${(upstream.address() as AddressInfo).port}`

interface Letter {
  readonly id: string
  readonly route: string
  readonly event: { readonly id: string }
  readonly error: { readonly message: string; readonly code: string }
}

let sent = 0
async function send(source: string, type: string, data: object = {}): Promise<string> {
  const id = `e${sent++}`
  const headers = { 'content-type': 'application/cloudevents+json' }
  const body = JSON.stringify({ specversion: '1.0', id, source, type, subject: authority(), data })
  expect((await fetch(`http://${gateway.http[1]}/events`, { method: 'POST', headers, body })).ok).toBe(true)
  return id
}

const letters = async (): Promise<readonly Letter[]> =>
  JSON.parse(await (await fetch(`http://${gateway.admin[1]}/admin/dead-letters?limit=1000`)).text()).items

/** Resolves with the dead letter of an event. */
async function letterOf(event: string): Promise<Letter> {
  let letter: Letter | undefined
  await until(`${event} is given up on`, 30_000, async () => {
    letter = (await letters()).find((each) => each.event.id === event)
    return letter !== undefined
  })
  if (!letter) throw new Error(`${event} is not given up on`)
  return letter
}

/** Runs it again: the same failure, and nobody but the recording is asked. */
async function expectAgain(event: string, says: RegExp): Promise<Letter> {
  const letter = await letterOf(event)
  const before = asked
  const { code, out, err } = await headgate(['function', 'replay', letter.id, '--config', config, ...gateway.admin])
  expect({ code, err: code === 0 ? '' : err, out }).toEqual({ code: 0, err: '', out: expect.stringMatching(says) })
  expect(asked).toBe(before)
  return letter
}

test.each(['web', 'tool'])('a component that asks everybody: %s', async (source) => {
  const event = await send(`/${source}`, 'clock.random.kv.http.race.sleep.config.trap')
  const { error } = await expectAgain(event, /the same failure in .* with (\d+) of \1 recorded inputs/)
  expect(error.message).toContain('answer')
})

test.each(['web', 'tool'])('a component that published before it failed publishes no more: %s', async (source) => {
  // What is published is handled by a function that fails.
  const orders = async () => (await letters()).filter(({ route }) => route === 'orders').length
  const before = await orders()
  const reach = (count: number) => until(`${count} are published`, 30_000, async () => (await orders()) >= count)
  const event = await send(`/${source}`, 'publish.clock.trap')
  await reach(before + 1)
  await expectAgain(event, /the same failure/)
  await send(`/${source}`, 'publish.trap')
  await reach(before + 2)
  expect(await orders()).toBe(before + 2)
})

test('a module of wasip1', async () => {
  const { error } = await expectAgain(await send('/plain', 'exit'), /the same failure/)
  expect(error.message).toContain('exit code 65')
})

test('a component of our world', async () => {
  await expectAgain(await send('/ours', 'both'), /the same failure in .* with 3 of 3/)
})

test('a call that came through a transform is run with what that made', async () => {
  const event = await send('/made', 'whatever', { do: 'clock.kv.trap' })
  const { error } = await expectAgain(event, /the same failure/)
  expect(error.message).toMatch(/clock \d+/)
})

test('a batch is run as a whole, by the dead letter of any of its members', async () => {
  const events = [await send('/batch', 'one'), await send('/batch', 'two'), await send('/batch', 'three')]
  const failures = []
  for (const event of events) failures.push((await expectAgain(event, /the same failure/)).error.message)
  expect(new Set(failures).size).toBe(1)
})

test.each(['web', 'tool'])(
  'a call that was ended at its deadline, in a loop or waiting, comes to the same end: %s',
  async (source) => {
    for (const words of ['clock.http.loop', 'random.kv.rest']) {
      const event = await send(`/${source}`, words)
      const { error } = await expectAgain(event, /the same end, its deadline, in .* with (\d+) of \1 recorded inputs/)
      expect(error.code).toBe('FUNCTION_TIMED_OUT')
    }
  },
)
