/** `headgate why` at 3 a.m.: which attempts there were and where, what the routes said at the time, the chain, and what never got in. */

import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import mqtt from 'mqtt'
import { expect, test } from 'vitest'
import { sharedByTests } from '../../services/tries.ts'
import { type Gateway, headgate, repository, runGateway, type Scratch, scratch, until } from './gateway.ts'

let folder: Scratch
const echo = join(repository, 'functions/echo/echo.wasm')
const guest = join(repository, 'test/functions/guests/hostile/hostile.wasm')
const config = (least: number): string => `log: { level: warn }
functions:
  echo: ${echo}
  guest: { wasm: ${guest}, version: 2, pool: { min: 1, max: 2 } }
routes:
  traps:
    from: http
    when: type == "trap" && data.n > ${least}
    to: { guest: 100, echo: 0 }
    retry: { max: 2, delay: 20ms, jitter: none, backoff: constant }
    dead_letter: "mqtt:dead/{id}"
  first: { from: http, when: type == "step", to: ["mqtt:steps/{id}", echo] }
  second: { from: "mqtt:steps/+", to: echo }
  large: { from: http, when: type == "step" && data.n > 10, to: echo }
`
let gateway: Gateway

sharedByTests(async () => {
  folder = scratch()
  gateway = await runGateway(folder.file('why.yaml', config(1)), join(folder.path, 'data'))
  return async () => {
    await gateway[Symbol.asyncDispose]()
    folder.remove()
  }
})

const post = (body: string, path = '/events') =>
  fetch(`http://${gateway.http[1]}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/cloudevents+json' },
    body,
  })
const send = async (id: string, type: string, n: number): Promise<void> => {
  const response = await post(JSON.stringify({ specversion: '1.0', id, source: '/s', type, data: { n } }))
  expect(response.ok).toBe(true)
}
const why = async (...args: readonly string[]): Promise<string> =>
  (await headgate(['why', ...args, ...gateway.admin])).out
const asJson = async (id: string) => JSON.parse(await why(id, '--json'))
const settled = (id: string, status: string) =>
  until(`${id} is ${status}`, 30_000, async () => {
    const found = await asJson(id)
    return found.deliveries?.length > 0 && found.deliveries.every((each: { status: string }) => each.status === status)
  })
const sha = createHash('sha256').update(readFileSync(guest)).digest('hex')

test('each attempt is told with its time, its worker and its version, and what to do next', async () => {
  await send('dead-1', 'trap', 2)
  await settled('dead-1', 'dead')
  const [delivery] = (await asJson('dead-1')).deliveries
  expect(delivery.tries).toMatchObject(
    [1, 2, 3].map((attempt) => ({
      attempt,
      worker: expect.any(Number),
      queueMs: expect.any(Number),
      runMs: expect.any(Number),
      function: 'guest@2',
      sha256: sha,
      error: { code: 'FUNCTION_TRAPPED' },
    })),
  )
  const [first, second] = delivery.tries
  expect(second.waitMs).toBeGreaterThanOrEqual(19)
  expect(Date.parse(second.startedAt)).toBeGreaterThanOrEqual(Date.parse(first.endedAt) + 19)
  const out = await why('dead-1')
  expect(out).toMatch(/traps -> guest@2 +dead after 3 attempts/)
  expect(out).toMatch(
    new RegExp(`attempt 1 +failed +in .*worker \\d+, guest@2 \\(${sha.slice(0, 12)}\\).*FUNCTION_TRAPPED`),
  )
  expect(out).toMatch(/attempt 3 .*FUNCTION_TRAPPED, as above/)
  expect(out).toContain(`next: headgate dead-letters show ${delivery.id}`)
  // The copy that went to the dead-letter topic.
  expect(out).toMatch(/> trap dead-1 +dead .*\n {4}trap dead-1\/\S+\/dead +done .*dead_letter: mqtt:dead/)
})

test('an event that came of another is one chain with it, seen from either end', async () => {
  await send('root', 'step', 1)
  await settled('root', 'done')
  const { chain } = await asJson('root')
  expect(chain).toMatchObject([
    { id: 'root', type: 'step' },
    { cause: 'root', deliveries: ['second -> echo'] },
  ])
  await settled(chain[1].callId, 'done')
  expect(await why('root')).toMatch(/chain\n> step root +done .*\n {4}step root\/\S+ +done +\+.*second -> echo/)
  expect(await why(chain[1].id)).toMatch(/chain\n {2}step root +done .*\n> {3}step root\/\S+ +done/)
})

test('an event that no route took says which clause was not true, and what it saw', async () => {
  await send('lost', 'trap', 1)
  const { code, out } = await headgate(['why', 'lost', ...gateway.admin])
  expect(code).toBe(0)
  expect(out).toContain('no route took it')
  expect(out).toMatch(/no +traps +data\.n > 1 is not true; it saw data\.n = 1/)
  expect((await headgate(['why', 'never', ...gateway.admin])).code).toBe(1)
})

test('what was refused is listed with the reason and the sender', async () => {
  await send('nowhere', 'trap', 1)
  expect((await post('{"specversion":"1.0"')).status).toBe(400)
  const out = await why('--refused', 'POST /events')
  expect(out).toMatch(/refused +unread +from http:POST \/events by \S+ +EVENT_INVALID: /)
  expect((await asJson('nowhere')).refused).toMatchObject([{ kind: 'unmatched', event: { id: 'nowhere' } }])
})

test('a publish that was refused is found by its client, whatever it was answered', async () => {
  const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${gateway.mqttPort}`, {
    protocolVersion: 5,
    clientId: 'sensor-7',
  })
  await client.publishAsync('service/echo', 'no JSON', { qos: 1 }).catch(() => undefined)
  await client.endAsync(true)
  expect(await why('--refused', 'sensor-7')).toMatch(
    /refused +unread +from mqtt:service\/echo by sensor-7 +EVENT_INVALID: /,
  )
})

test('a letter moved to another target is linked to its new event', async () => {
  await send('moved', 'trap', 3)
  await settled('moved', 'dead')
  const [{ id }] = (await asJson('moved')).deliveries
  const moved = await headgate(['dead-letters', 'redrive', '--id', id, '--to', 'echo', ...gateway.admin])
  expect(moved.err + moved.out).toMatch(/1/)
  await until('it is linked', 30_000, async () => /trap moved\/redrive\/\S+ +done/.test(await why('moved')))
})

test('after a reload the routes are told as they stood then, also after a restart', async () => {
  await send('early', 'trap', 1)
  await send('cause', 'step', 1)
  await settled('cause', 'done')
  writeFileSync(join(folder.path, 'why.yaml'), config(5))
  await until('the second generation runs', 30_000, async () => {
    await send(`probe-${performance.now()}`, 'trap', 5)
    return (await why('early')).includes('as they stood then')
  })
  expect(await why('early')).toMatch(/data\.n > 1 is not true/)
  const before = await asJson('cause')
  expect(before.generation).toMatchObject({ runs: false, known: true })
  expect(await why('cause')).toMatch(/large +data\.n > 10 is not true; it saw data\.n = 1/)
  gateway.child.kill('SIGKILL')
  await gateway.ended
  gateway = await runGateway(join(folder.path, 'why.yaml'), join(folder.path, 'data'))
  const after = await asJson('cause')
  expect([after.generation, after.verdicts, after.deliveries, after.chain]).toEqual([
    before.generation,
    before.verdicts,
    before.deliveries,
    before.chain,
  ])
})
