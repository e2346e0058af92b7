/** What the README and config/examples say, and a router's file in the `event_sources` form, on a real server. */

import { readFileSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readBlocks } from '../../test/e2e/readme/blocks.ts'
import { Machine } from '../../test/e2e/readme/terminal.ts'
import { eventually } from '../../test/services/eventually.ts'
import { startGateway } from '../../test/services/gateway.ts'
import { POSTGRES } from '../../test/services/postgres.ts'
import { Database } from '../../test/services/postgres-database.ts'
import { describeServers } from '../../test/services/server.ts'
import { describeWith } from '../../test/services/service.ts'

const ROOT = join(import.meta.dirname, '../..')
const LONG = { timeout: 120_000 }
const PATIENT = { withinMs: 60_000, everyMs: 100 }
const ORDERS = 'create table orders (id bigint primary key, document jsonb not null)'
const order = (id: number) =>
  `insert into orders values (${id}, '{"orderId":${id},"items":[{"price":2,"quantity":3}]}')`

await describeServers([POSTGRES], 'postgres, as it is configured', ({ address }) => {
  test(
    'config/examples/postgres.yaml: orders that are there and that come become rows of another table',
    LONG,
    async () => {
      await using database = await Database.open(address)
      await database.query(ORDERS)
      await database.query(order(1))
      const file = readFileSync(join(ROOT, 'config/examples/postgres.yaml'), 'utf8')
      const config = file.replaceAll('../../functions', 'FUNCTIONS')
      await using _ = await startGateway({ config, env: { DATABASE_URL: database.url } })
      await database.query(order(2))
      const written = () =>
        database.query<{ id: string; type: string; data: string }>(
          `select type, convert_from(data, 'UTF8')::jsonb->>'orderId' as id from order_summaries order by 2`,
        )
      await eventually(async () => (await written()).length === 2, { what: 'two summaries', ...PATIENT })
      expect(await written()).toEqual([
        { id: '1', type: 'order.accepted' },
        { id: '2', type: 'order.accepted' },
      ])
    },
  )

  test('event_sources: the operations of each table go to its function', LONG, async () => {
    await using database = await Database.open(address)
    await database.query('create table users (id int primary key); create table orders (id int primary key)')
    const config = `
event_sources:
  - type: database
    config:
      type: postgresql
      connection_string: "\${DATABASE_URL}"
      tables:
        - { name: users, operations: [INSERT, UPDATE, DELETE], target_function: echo }
        - { name: orders, operations: [INSERT], target_function: echo }
`
    const env = { DATABASE_URL: database.url, HEADGATE_FUNCTIONS: join(ROOT, 'functions') }
    await using gateway = await startGateway({ config, env })
    await database.query('insert into users values (1); update users set id = 2; delete from users')
    await database.query('insert into orders values (1); update orders set id = 2; delete from orders')
    const metrics = async () => (await fetch(`http://127.0.0.1:${gateway.admin}/metrics`)).text()
    for (const done of ['route="users",outcome="done"} 3', 'route="orders",outcome="done"} 1'])
      await eventually(async () => (await metrics()).includes(`headgate_deliveries_total{${done}`), {
        what: done,
        ...PATIENT,
      })
  })

  describeWith(['psql'], 'the README', () => {
    test('functions on your Postgres changes in five minutes', LONG, async () => {
      await using database = await Database.open(address)
      const blocks = readBlocks(readFileSync(join(import.meta.dirname, 'README.md'), 'utf8'))
      process.env['DATABASE_URL'] = database.url
      await using machine = await Machine.open()
      // As `npm ci` would have it.
      symlinkSync(join(ROOT, 'node_modules'), join(machine.repository, 'node_modules'))
      const [make, write, run, insert, look] = blocks
      expect(blocks).toHaveLength(5)
      for (const block of [make, write]) expect((await machine.run(block?.script ?? '')).code).toBe(0)
      await machine.leave(run?.script ?? '')
      expect((await machine.run(insert?.script ?? '')).code).toBe(0)
      const shown = async () => (await machine.run(look?.script ?? '')).output.trim() === look?.shown
      await eventually(shown, { what: `"${look?.shown}" is shown`, ...PATIENT })
    })
  })
})
