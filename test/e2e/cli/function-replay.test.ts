/** A dead letter is run again without a gateway: what it was given comes out of the journal, and it fails in the same place. */

import { appendFileSync, copyFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Gateway, headgate, repository, runGateway, scratch, until } from './gateway.ts'

const guest = join(repository, 'test/functions/guests/fickle/fickle.wasm')
const folder = scratch()
const wasm = join(folder.path, 'fickle.wasm')
const yaml = `log: { level: warn }
functions:
  fickle: { wasm: fickle.wasm, version: "2", pool: { max: 1 }, allow: { config: { rate: seven } } }
  quiet: { wasm: fickle.wasm, record: never }
  open: { wasm: fickle.wasm, record: always }
routes:
  f: { from: http, when: subject == "rate", to: fickle, retry: { max: 0 } }
  q: { from: http, when: subject == "quiet", to: quiet, retry: { max: 0 } }
  o: { from: http, when: subject == "open", to: open, retry: { max: 0 } }
`
let config: string
let gateway: Gateway

beforeAll(async () => {
  copyFileSync(guest, wasm)
  config = folder.file('replay.yaml', yaml)
  gateway = await runGateway(config, join(folder.path, 'data'))
}, 60_000)

afterAll(async () => {
  gateway?.child.kill('SIGKILL')
  await gateway?.ended
  folder.remove()
})

const items = async (): Promise<{ id: string; event: { id: string }; error: { message: string } }[]> =>
  JSON.parse((await headgate(['dead-letters', 'list', '--json', ...gateway.admin])).out).items

const call = () =>
  fetch(`http://${gateway.http[1]}/call/fickle`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{}',
  })
let sent = 0

async function send(type: string, subject: string): Promise<string> {
  const id = `e${sent++}`
  const headers = { 'content-type': 'application/cloudevents+json' }
  const body = JSON.stringify({ specversion: '1.0', id, source: '/s', type, subject, data: { n: 1 } })
  expect((await fetch(`http://${gateway.http[1]}/events`, { method: 'POST', headers, body })).ok).toBe(true)
  return id
}

/** Sends an event that fails. Resolves with its dead letter. */
async function die(type: string, subject = 'rate') {
  const id = await send(type, subject)
  let letter: Awaited<ReturnType<typeof items>>[number] | undefined
  await until(`${type} is given up on`, 30_000, async () => {
    letter = (await items()).find(({ event }) => event.id === id)
    return letter !== undefined
  })
  return letter ?? { id: '', event: { id }, error: { message: '' } }
}

const replay = (id: string, ...args: readonly string[]) =>
  headgate(['function', 'replay', id, '--config', config, ...gateway.admin, ...args])

test('the same clocks and random numbers give the same failure, and each is shown with its place', async () => {
  const { id, error } = await die('both')
  const shown = await headgate(['dead-letters', 'show', id, ...gateway.admin])
  expect(shown.out).toMatch(new RegExp(`recorded +3 inputs, \\d+ bytes, on .*headgate function replay ${id}`))
  const { code, out, err } = await replay(id, '--inspect')
  expect({ code, err }).toEqual({ code: 0, err: expect.stringContaining('in the order') })
  expect(out).toMatch(/1 {2}wall clock: \d{4}-\S+Z\n.* < fickle::clock:0x\w+ < handle:0x/)
  expect(out).toMatch(/2 {2}random 16: [0-9a-f]{32}\n.* < fickle::order:0x/)
  expect(out.split(error.message)).toHaveLength(3)
  expect(out).toMatch(/the same failure in [\d.]+ ms, with 3 of 3 recorded inputs/)
  const { same, steps, failed } = JSON.parse((await replay(id, '--json')).out)
  expect([same, steps.length, failed.message]).toEqual([true, 3, error.message])
})

test('a config value is the one of then, which the replay is not told otherwise', async () => {
  const { id } = await die('config')
  const { code, out } = await replay(id, '--inspect')
  expect(code).toBe(0)
  expect(out).toContain('config.get "rate": "seven"')
})

test('what earlier calls left in an instance is not recorded, and that is said', async () => {
  await die('clock')
  for (let n = 0; n < 2; n++) expect((await call()).ok).toBe(true)
  const { id } = await die('third')
  const { code, out, err } = await replay(id)
  expect(code).toBe(3)
  expect(out).toContain('on an instance that had run 2 calls before')
  expect(out).toMatch(/now +it succeeds: 1\n/)
  expect(err).toMatch(/it did not fail again; the instance had run 2 calls before.*pool: \{ reuse: 1 \}/)
})

test('what was never recorded cannot be replayed, nor what is gone', async () => {
  const { id } = await die('clock', 'quiet')
  const { code, err } = await replay(id)
  expect({ code, err }).toEqual({ code: 1, err: expect.stringContaining('nothing was recorded') })
  expect((await replay('9-9')).err).toContain('nothing was recorded under "9-9"')
  const { id: redriven } = await die('clock')
  await headgate(['dead-letters', 'drop', '--id', redriven, '--yes', ...gateway.admin])
  expect((await replay(redriven)).code).toBe(1)
})

test('what succeeded is run again where its function says so, by the id of its event', async () => {
  const id = await send('fine', 'open')
  const { admin } = gateway
  await until('it is done', 30_000, async () => (await headgate(['why', id, ...admin])).out.includes('done in 1'))
  const { code, out } = await replay(id)
  expect({ code, out }).toEqual({ code: 0, out: expect.stringContaining('it succeeds again') })
})

test('another file than the one that failed is not run: it is said which that was', async () => {
  const { id } = await die('clock')
  // A custom section without a name changes the digest, and nothing else.
  appendFileSync(wasm, Buffer.from([0, 1, 0]))
  const refused = await replay(id)
  expect(refused.code).toBe(1)
  expect(refused.err).toMatch(/is the file that failed, which is fickle@2, sha256 [0-9a-f]{64}; there is .*fickle.wasm/)
  expect((await replay(id, '--wasm', wasm)).err).toContain('has sha256')
  const { code, out } = await replay(id, '--wasm', guest)
  expect({ code, out }).toEqual({ code: 0, out: expect.stringContaining('the same failure') })
})
