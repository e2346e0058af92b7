/** What keeps a source from starting, in words that say what to do; and what it makes when it starts. */

import { expect, test } from 'vitest'
import { GatewayError } from '#connector'
import { POSTGRES } from '../../test/services/postgres.ts'
import { Database } from '../../test/services/postgres-database.ts'
import { describeServers } from '../../test/services/server.ts'
import { Face } from './face.ts'

/** Resolves with what `start` rejects with. */
async function refusal(config: unknown): Promise<GatewayError> {
  const face = new Face(config)
  const error: unknown = await face.start().then(
    () => new Error('it started'),
    (thrown: unknown) => thrown,
  )
  await face.source.stop()
  expect(error).toBeInstanceOf(GatewayError)
  return error as GatewayError
}

await describeServers([POSTGRES], 'starting', ({ address }) => {
  const at = new URL(address).host

  test.each<[string, (url: URL) => void, RegExp]>([
    [
      'a wrong password',
      (url) => {
        url.password = 'n0t-the-one'
      },
      /^shop \(postgres\): connecting: "[\d.:]+": password authentication failed for user "postgres"; check the user and the password/,
    ],
    [
      'a user that is none',
      (url) => {
        url.username = 'nobody_here'
      },
      /password authentication failed for user "nobody_here"/,
    ],
    [
      'a database that is none',
      (url) => {
        url.pathname = 'nothing_here'
      },
      /database "nothing_here" does not exist; check the name of the database/,
    ],
    [
      'a port of nobody',
      (url) => {
        url.port = '1'
      },
      /connecting: no answer from "127\.0\.0\.1:1": connect ECONNREFUSED/,
    ],
  ])('%s', async (_, change, expected) => {
    const url = new URL(address)
    change(url)
    const error = await refusal({ url: url.href, tables: { t: ['insert'] } })
    expect(error.message).toMatch(expected)
    expect(error.code).toBe('SOURCE_UNAVAILABLE')
    expect(error.message).not.toContain(url.password)
    expect(error.cause).toBeUndefined()
  })

  test.each<[string, string, Record<string, readonly string[]>, object, string]>([
    [
      'a table that is not there',
      'create table t (id int primary key)',
      { t: ['insert'], orders: ['insert'] },
      {},
      'there is no table "public.orders"; create it, or take it out of tables',
    ],
    ['a view', 'create view t as select 1 as id', { t: ['insert'] }, {}, '"public.t" is not a table; name tables'],
    [
      'a table that is not logged',
      'create unlogged table t (id int primary key)',
      { t: ['insert'] },
      {},
      'the changes of "public.t" are not logged',
    ],
    [
      'updates of a table without a key',
      'create table t (id int)',
      { t: ['insert', 'update'] },
      {},
      '"public.t" has no primary key, without which update cannot be told of; add one, or "alter table public.t replica identity full", or name insert alone',
    ],
    [
      'a publication that is not there',
      'create table t (id int primary key)',
      { t: ['insert'] },
      { publication: 'mine' },
      'there is no publication "mine"; create it, or leave the option out',
    ],
    [
      'a publication without the table',
      'create table t (id int primary key); create publication mine',
      { t: ['insert'] },
      { publication: 'mine' },
      'the publication "mine" lacks "public.t"; alter publication "mine" add table "public"."t"',
    ],
    [
      'a publication without the operation',
      `create table t (id int primary key); create publication mine for table t with (publish = 'insert')`,
      { t: ['insert', 'delete'] },
      { publication: 'mine' },
      'the publication "mine" does not publish delete',
    ],
    [
      'publications that may not be made',
      'create table t (id int primary key)',
      { t: ['insert'] },
      { create: false },
      `there is no publication "headgate_shop_insert"; set create: true, or run: create publication "headgate_shop_insert" for table "public"."t" with (publish = 'insert', publish_via_partition_root = true)`,
    ],
    [
      'a slot that may not be made',
      'create table t (id int primary key); create publication mine for table t',
      { t: ['insert'] },
      { create: false, publication: 'mine', slot: 'not_made' },
      `the slot "not_made" is not there; set create: true, or run: select pg_create_logical_replication_slot('not_made', 'pgoutput')`,
    ],
  ])('%s', async (_, sql, tables, more, expected) => {
    await using database = await Database.open(address)
    await database.query(sql)
    const { message } = await refusal({ url: database.url, tables, ...more })
    expect(message).toContain(`"${at}": ${expected}`)
    expect(await database.query('select from pg_replication_slots where database = current_database()')).toEqual([])
  })

  test('a role that may not replicate, and one that does not own the table', async () => {
    await using database = await Database.open(address)
    await database.query('create table t (id int primary key)')
    const role = `${database.name}_role`
    await database.query(
      `create role ${role} login password 'p4ss'; grant create on database ${database.name} to ${role}`,
    )
    const url = new URL(database.url)
    url.username = role
    url.password = 'p4ss'
    const config = { url: url.href, tables: { t: ['insert'] } }
    expect((await refusal(config)).message).toMatch(
      /publishing the tables: .*must be owner of table t; the role needs REPLICATION/,
    )
    await database.query(`alter table t owner to ${role}`)
    expect((await refusal(config)).message).toMatch(/making the slot: .*replication.*; the role needs REPLICATION/)
    await database.query(`alter role ${role} replication`)
    await using face = await Face.open(config)
    await database.query('insert into t values (1)')
    await face.has(1)
    await face.source.stop()
    await database.dropSlots()
    await database.query(`drop owned by ${role} cascade; drop role ${role}`)
  })

  test('publications follow the tables of the configuration, and no change in between is lost', async () => {
    await using database = await Database.open(address)
    await database.query('create table a (id int primary key); create table b (id int primary key)')
    const config = (tables: object) => ({ url: database.url, tables })
    await using face = await Face.open(config({ a: ['insert', 'delete'] }))
    await face.source.stop()
    await database.query('insert into a values (1)')
    await using next = await Face.open(config({ a: ['insert'], b: ['insert', 'update'] }), {
      cursor: face.context.cursor,
    })
    await database.query('insert into b values (1); update b set id = 2; delete from a')
    const events = await next.has(3)
    expect(events.map(({ source, type }) => `${source.split('.')[1]} ${type.split('.')[2]}`)).toEqual([
      'a insert',
      'b insert',
      'b update',
    ])
    const published = await database.query<{ what: string }>(
      `select replace(p.pubname, 'headgate_shop_', '') || ' ' || coalesce(string_agg(t.tablename, ',' order by t.tablename), '') as what
        from pg_publication p left join pg_publication_tables t on t.pubname = p.pubname group by p.pubname order by 1`,
    )
    expect(published.map(({ what }) => what)).toEqual(['delete ', 'insert a,b', 'truncate ', 'update b'])
  })

  test('a publication and a slot of the operator', async () => {
    await using database = await Database.open(address)
    await database.query('create table a (id int primary key); create table b (id int primary key)')
    await database.query(`create publication "Mine, all" for all tables`)
    const slot = `${database.name}_own`
    await database.query(`select pg_create_logical_replication_slot('${slot}', 'pgoutput')`)
    await database.query('insert into a values (1); insert into b values (1); delete from a')
    const config = { url: database.url, tables: { a: ['insert'] }, publication: 'Mine, all', slot, create: false }
    await using face = await Face.open(config)
    await database.query('insert into a values (2)')
    const events = await face.has(2)
    expect(events.map(({ source, subject, type }) => [source, subject, type])).toEqual([
      ['/postgres/shop/public.a', '1', 'headgate.postgres.insert'],
      ['/postgres/shop/public.a', '2', 'headgate.postgres.insert'],
    ])
  })
})
