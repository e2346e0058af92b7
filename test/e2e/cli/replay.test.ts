/** Replay, as a user types it: what runs again, what is only counted, and that one name runs once. */

import { join } from 'node:path'
import { expect, test } from 'vitest'
import { sharedByTests } from '../../services/tries.ts'
import { type Gateway, headgate, repository, runGateway, type Scratch, scratch, until } from './gateway.ts'

let folder: Scratch
let gateway: Gateway

sharedByTests(async () => {
  folder = scratch()
  const config = folder.file(
    'replay.yaml',
    `log: { level: warn }
functions:
  echo: ${join(repository, 'functions/echo/echo.wasm')}
routes:
  orders: { from: http, when: type == "order.created", to: echo }
  all: { from: http, to: echo }
`,
  )
  gateway = await runGateway(config, join(folder.path, 'data'))
  for (const [id, type, data] of [
    ['o-1', 'order.created', '{"amount":3}'],
    ['o-2', 'order.created', '{"amount":300}'],
    ['u-1', 'user.left', '{}'],
  ] as const)
    await headgate(['send', '--id', id, '--type', type, '--data', data, ...gateway.http])
  return async () => {
    await gateway[Symbol.asyncDispose]()
    folder.remove()
  }
})

const replay = (...flags: readonly string[]) => headgate(['replay', ...flags, ...gateway.admin])
const why = (id: string) => headgate(['why', id, ...gateway.admin])

test('a dry run counts by route and runs nothing', async () => {
  expect(await replay('--from', '1h', '--dry-run')).toMatchObject({
    code: 0,
    err: '',
    out: '3 events would run again\n  orders  2 events\n  all     3 events\n',
  })
  expect((await why('o-1/replay/first')).code).toBe(1)
})

test('events run again, filtered, once under one name, and why tells of what they are', async () => {
  const asked = [
    '--from',
    '1h',
    '--route',
    'orders',
    '--when',
    'data.amount > 100',
    '--name',
    'first',
    '--rate',
    '50/s',
  ]
  expect(await replay(...asked)).toMatchObject({
    code: 0,
    err: '',
    out: '1 event runs again as replay first\n  orders  1 event\n',
  })
  await until('it is done', 20_000, async () => (await why('o-2/replay/first')).out.includes('done in 1 attempt'))
  const history = JSON.parse((await headgate(['why', 'o-2/replay/first', '--json', ...gateway.admin])).out)
  const first = JSON.parse((await headgate(['why', 'o-2', '--json', ...gateway.admin])).out)
  expect(history).toMatchObject({
    event: { data: { amount: 300 }, replay: 'first', replayof: first.callId },
    deliveries: [{ route: 'orders' }],
  })
  expect((await replay(...asked)).out).toBe(
    '0 events run again as replay first\n  1 had run again under this name before\n',
  )
})

test('mistakes are told, and cost nothing', async () => {
  expect(await replay()).toMatchObject({
    code: 1,
    err: expect.stringContaining('give --from, --to, --route or --when'),
  })
  expect(await replay('--route', 'nope')).toMatchObject({ code: 1, err: expect.stringContaining('no route "nope"') })
  expect(await replay('--from', '1h', '--when', 'type ===')).toMatchObject({ code: 1 })
  expect(await replay('--from', '1h', '--rate', 'fast')).toMatchObject({ code: 1 })
})
