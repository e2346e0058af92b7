/** Plan, as a user types it: with a gateway that runs, and without one. */

import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Gateway, headgate, repository, runGateway, scratch } from './gateway.ts'

const folder = scratch()
const echo = join(repository, 'functions/echo/echo.wasm')
const data = join(folder.path, 'data')
const routes = (...lines: readonly string[]): string =>
  `log: { level: warn }\nfunctions:\n  echo: ${echo}\nroutes:\n${lines.map((line) => `  ${line}\n`).join('')}`
const ORDERS = 'orders: { from: http, when: type == "order.created", to: echo }'
const USERS = 'users: { from: http, when: type.startsWith("user."), to: echo }'
let running: string
let gateway: Gateway

beforeAll(async () => {
  running = folder.file('running.yaml', routes(ORDERS, USERS))
  gateway = await runGateway(running, data)
  for (const [id, type] of [
    ['o-1', 'order.created'],
    ['o-2', 'order.created'],
    ['u-1', 'user.left'],
  ])
    await headgate(['send', '--id', id ?? '', '--type', type ?? '', ...gateway.http])
})

afterAll(async () => {
  gateway?.child.kill('SIGKILL')
  await gateway?.ended
  folder.remove()
})

const plan = (next: string, ...flags: readonly string[]) =>
  headgate(['plan', next, '--config', running, '--data', data, ...flags])

test('the same routes change nothing', async () => {
  expect(await plan(running, '--max-changes', '0')).toMatchObject({
    code: 0,
    err: '',
    out: 'the same: of 3 events, every one would go where it went\n',
  })
})

test('what would go elsewhere is counted and named; more of it than allowed is exit 1', async () => {
  const next = folder.file('next.yaml', routes('sales: { from: http, when: type == "order.created", to: echo }'))
  const { code, out } = await plan(next)
  expect(code).toBe(0)
  expect(out).toBe(`3 of 3 events would be routed otherwise
  no route any more  users -> echo                      1 event   u-1
  moved              orders -> echo  =>  sales -> echo  2 events  o-1, o-2
`)
  expect(await plan(next, '--max-changes', '3')).toMatchObject({ code: 0 })
  expect(await plan(next, '--max-changes', '2')).toMatchObject({
    code: 1,
    out,
    err: 'headgate: plan: 3 events would be routed otherwise, and --max-changes is 2\n',
  })
})

test('machines get JSON, and a stretch of time is respected', async () => {
  const next = folder.file('fewer.yaml', routes(ORDERS))
  expect(JSON.parse((await plan(next, '--json', '--from', '1h')).out)).toEqual({
    events: 3,
    changed: 1,
    changes: [{ kind: 'unmatched', from: 'users -> echo', events: 1, examples: ['u-1'] }],
    otherwise: [],
    damaged: 0,
  })
  expect((await plan(next, '--to', '1h')).out).toBe('the journal remembers no event of that time\n')
})

test('a candidate with mistakes is told with its places, and the gateway need not run', async () => {
  const wrong = folder.file('wrong.yaml', routes('orders: { from: http, when: type ===, to: echo }'))
  expect(await plan(wrong)).toMatchObject({ code: 1, out: '', err: expect.stringMatching(/wrong\.yaml:5:/) })
  gateway.child.kill('SIGTERM')
  await gateway.ended
  expect((await plan(running)).out).toContain('the same: of 3 events')
  const nowhere = await headgate(['plan', running, '--config', running, '--data', join(folder.path, 'nowhere')])
  expect(nowhere).toMatchObject({ code: 1, err: expect.stringContaining('there is no journal in') })
})
