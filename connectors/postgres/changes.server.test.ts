/** What becomes of each kind of change: its event, byte for byte where that matters. */

import { expect, test } from 'vitest'
import { POSTGRES } from '../../test/services/postgres.ts'
import { Database } from '../../test/services/postgres-database.ts'
import { describeServers } from '../../test/services/server.ts'
import { dataOf, Face, textOf } from './face.ts'

const ALL = ['insert', 'update', 'delete', 'truncate']

await describeServers([POSTGRES], 'changes of rows', ({ address }) => {
  test('insert, update, delete and truncate, in order, with the names of Debezium', async () => {
    await using database = await Database.open(address)
    await database.query('create table users (id int8 primary key, name text)')
    await using face = await Face.open({ url: database.url, tables: { users: ALL } })
    await database.query(`insert into users values (7, 'Ada')`)
    await database.query(`update users set name = null where id = 7`)
    await database.query('update users set id = 8 where id = 7')
    await database.query('delete from users')
    await database.query('truncate users')
    const events = await face.has(5)
    expect(events.map(({ subject, type }) => [type, subject])).toEqual([
      ['headgate.postgres.insert', '7'],
      ['headgate.postgres.update', '7'],
      ['headgate.postgres.update', '8'],
      ['headgate.postgres.delete', '8'],
      ['headgate.postgres.truncate', undefined],
    ])
    expect(events.map(dataOf).map(({ after, before, op }) => [op, before, after])).toEqual([
      ['c', null, { id: '7', name: 'Ada' }],
      ['u', null, { id: '7', name: null }],
      ['u', { id: '7' }, { id: '8', name: null }],
      ['d', { id: '8' }, null],
      ['t', null, null],
    ])
    const [first] = events
    expect(first).toMatchObject({
      specversion: '1.0',
      source: '/postgres/shop/public.users',
      datacontenttype: 'application/json',
      id: expect.stringMatching(/^[0-9A-F]+\/[0-9A-F]+\/0$/),
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/),
      extensions: { partitionkey: '7', sequence: expect.stringMatching(/^[0-9A-F]{16}\/0{10}$/) },
    })
    expect(first && dataOf(first).source).toEqual({
      lsn: first?.id.replace(/\/\d+$/, ''),
      txId: expect.any(Number),
      schema: 'public',
      table: 'users',
      tsMs: Math.floor(Date.parse(first?.time ?? '')),
      ts_ms: Math.floor(Date.parse(first?.time ?? '')),
    })
    const sequences = events.map(({ extensions }) => String(extensions?.['sequence']))
    expect(sequences).toEqual(sequences.toSorted())
  })

  test('changes of one transaction share its LSN and are counted; those that nobody asked for leave a gap', async () => {
    await using database = await Database.open(address)
    await database.query('create table a (id int primary key); create table b (id int primary key)')
    await using face = await Face.open({ url: database.url, tables: { a: ['insert', 'delete'], b: ['insert'] } })
    await database.query(
      'begin; insert into a values (1); insert into b values (1); delete from b; delete from a; commit',
    )
    const events = await face.has(3)
    expect(new Set(events.map(({ id }) => id.replace(/\/\d+$/, ''))).size).toBe(1)
    // The server does not send what no publication asks for.
    expect(
      events.map(({ id, source, type }) => [id.split('/').at(-1), source.split('.')[1], type.split('.')[2]]),
    ).toEqual([
      ['0', 'a', 'insert'],
      ['1', 'b', 'insert'],
      ['2', 'a', 'delete'],
    ])
    expect(new Set(events.map((event) => dataOf(event).source['txId'])).size).toBe(1)
  })

  test('large values that an update left alone are named and left out; with the full identity they are there', async () => {
    await using database = await Database.open(address)
    await database.query(`create table docs (id int primary key, title text, body text)`)
    await database.query(`alter table docs alter body set storage external`)
    await using face = await Face.open({ url: database.url, tables: { docs: ['insert', 'update'] } })
    const body = 'x'.repeat(20_000)
    await database.query('insert into docs values (1, $1, $2)', ['first', body])
    await database.query(`update docs set title = 'second'`)
    await database.query('alter table docs replica identity full')
    await database.query(`update docs set title = 'third'`)
    const [, partial, full] = (await face.has(3)).map(dataOf)
    expect(partial).toMatchObject({ before: null, after: { id: 1, title: 'second' }, unchanged: ['body'] })
    expect(partial?.after).not.toHaveProperty('body')
    expect(full).toMatchObject({ before: { title: 'second', body }, after: { title: 'third', body } })
    expect(full).not.toHaveProperty('unchanged')
    expect(face.events.map(({ subject }) => subject)).toEqual(['1', '1', '1'])
  })

  test('tables without a key: inserts have no subject and the application goes on updating; with the full identity all is told', async () => {
    await using database = await Database.open(address)
    await database.query(
      'create table log (line text); create table facts (id int, v text); alter table facts replica identity full',
    )
    await database.query('create table keyed (id int primary key)')
    const tables = { log: ['insert'], facts: ALL, keyed: ALL }
    await using face = await Face.open({ url: database.url, tables })
    await database.query(`insert into log values ('a'); update log set line = 'b'; delete from log`)
    await database.query(`insert into facts values (1, 'a'); update facts set v = 'b'; delete from facts`)
    const events = await face.has(4)
    expect(events.map(({ extensions, subject }) => [subject, extensions?.['partitionkey']])).toEqual(
      Array(4).fill([undefined, undefined]),
    )
    expect(events.map(dataOf).map(({ after, before, op }) => [op, before, after])).toEqual([
      ['c', null, { line: 'a' }],
      ['c', null, { id: 1, v: 'a' }],
      ['u', { id: 1, v: 'a' }, { id: 1, v: 'b' }],
      ['d', { id: 1, v: 'b' }, null],
    ])
  })

  test('keys of several columns, of other schemas, of any text; columns that come and go', async () => {
    await using database = await Database.open(address)
    await database.query(
      'create schema "Sales"; create table "Sales"."Order lines" (n int, region text, note text, primary key (region, n))',
    )
    await using face = await Face.open({ url: database.url, tables: { 'Sales.Order lines': ['insert'] } })
    await database.query(`insert into "Sales"."Order lines" values (1, 'a,b' || chr(10) || '100%', null)`)
    await database.query('alter table "Sales"."Order lines" drop note, add "quoted ""name""" int default 5')
    await database.query(`insert into "Sales"."Order lines" values (2, 'é')`)
    const events = await face.has(2)
    expect(events.map(({ subject }) => subject)).toEqual(['1,a%2Cb%0A100%25', '2,é'])
    expect(events[0]?.source).toBe('/postgres/shop/Sales.Order%20lines')
    expect(events.map((event) => dataOf(event).after)).toEqual([
      { n: 1, region: 'a,b\n100%', note: null },
      { n: 2, region: 'é', 'quoted "name"': 5 },
    ])
  })

  test('rows of partitions are those of the table', async () => {
    await using database = await Database.open(address)
    await database.query('create table m (at date, id int, primary key (at, id)) partition by range (at)')
    await database.query(`create table m1 partition of m for values from ('2026-01-01') to ('2026-02-01')`)
    await database.query(`insert into m values ('2026-01-02', 0)`)
    await using face = await Face.open({ url: database.url, tables: { m: ['insert'] }, snapshot: 'initial' })
    await face.has(1)
    await database.query(`insert into m values ('2026-01-02', 1)`)
    const events = await face.has(2)
    expect(events.map(({ source, subject }) => [source, subject])).toEqual([
      ['/postgres/shop/public.m', '2026-01-02,0'],
      ['/postgres/shop/public.m', '2026-01-02,1'],
    ])
  })

  test('each type is told without loss, whether it was read or changed, whatever the settings of the role are', async () => {
    await using database = await Database.open(address)
    const role = `${database.name}_role`
    await database.query(`create role ${role} superuser login password 'p4ss'`)
    await database.query(
      `alter role ${role} set timezone = 'Asia/Tokyo'; alter role ${role} set datestyle = 'German'; alter role ${role} set intervalstyle = 'postgres_verbose'; alter role ${role} set bytea_output = 'escape'; alter role ${role} set extra_float_digits = -5`,
    )
    const names = TYPES.map((_, at) => `c${at}`)
    await database.query(`create type mood as enum ('so so', 'ok')`)
    await database.query(
      `create table t (id int primary key, ${TYPES.map(([type], at) => `c${at} ${type}`).join(', ')})`,
    )
    const values = TYPES.map(([type, value]) => `(${value})::${type}`).join(', ')
    await database.query(`insert into t values (1, ${values})`)
    const url = new URL(database.url)
    url.username = role
    url.password = 'p4ss'
    await using face = await Face.open({ url: url.href, tables: { t: ['insert'] }, snapshot: 'initial' })
    await face.has(1)
    await database.query(`insert into t values (2, ${values})`)
    const [read, changed] = await face.has(2)
    for (const event of [read, changed]) {
      const told = /"after":\{"id":[12],(.*)\},"source"/s.exec(event ? textOf(event) : '')?.[1]
      expect(told).toBe(TYPES.map(([, , json], at) => `"${names[at]}":${json}`).join(','))
      if (event) JSON.parse(textOf(event))
    }
    await face.source.stop()
    await database.query(`drop owned by ${role} cascade; drop role ${role}`)
  })
})

/** Type, a value of it in SQL, the JSON it becomes. */
const TYPES: readonly (readonly [type: string, value: string, json: string])[] = [
  ['bool', 'true', 'true'],
  ['int2', '-32768', '-32768'],
  ['int4', '2147483647', '2147483647'],
  ['int8', '9223372036854775807', '"9223372036854775807"'],
  ['numeric', `'12345678901234567890.123456789012345678900'`, '"12345678901234567890.123456789012345678900"'],
  ['numeric', `'NaN'`, '"NaN"'],
  ['float4', '0.1', '0.1'],
  ['float8', '0.1::float8 + 0.2', '0.30000000000000004'],
  ['float8', `'-Infinity'`, '"-Infinity"'],
  ['float8', '1e300', '1e+300'],
  ['timestamp', `'2026-01-02 03:04:05.123456'`, '"2026-01-02T03:04:05.123456"'],
  ['timestamptz', `'2026-01-02 03:04:05.123456+09'`, '"2026-01-01T18:04:05.123456Z"'],
  ['timestamptz', `'infinity'`, '"infinity"'],
  ['timestamptz', `'0044-03-15 00:00:00+00 BC'`, '"0044-03-15 00:00:00+00 BC"'],
  ['date', `'2026-01-02'`, '"2026-01-02"'],
  ['time', `'03:04:05.000001'`, '"03:04:05.000001"'],
  ['interval', `'1 year 2 days 03:04:05.5'`, '"P1Y2DT3H4M5.5S"'],
  ['bytea', `'\\x00ff80'`, '"AP+A"'],
  ['uuid', `'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'`, '"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"'],
  ['json', `'{"n": 12345678901234567890,  "n": 1}'`, '{"n": 12345678901234567890,  "n": 1}'],
  ['jsonb', `'[1.10, null]'`, '[1.10, null]'],
  ['text', `E'quo"te \\\\ \\n\\u2028 \\U0001F600'`, JSON.stringify('quo"te \\ \n\u2028 \u{1F600}')],
  ['text', 'null', 'null'],
  ['varchar(5)', `''`, '""'],
  ['char(3)', `'a'`, '"a  "'],
  ['mood', `'so so'`, '"so so"'],
  ['inet', `'10.0.0.1/8'`, '"10.0.0.1/8"'],
  ['int4[]', `'{{1,2},{3,null}}'`, '[[1,2],[3,null]]'],
  ['int8[]', `'{9223372036854775807}'`, '["9223372036854775807"]'],
  ['text[]', `'{"a,b","NULL",NULL,"q\\"\\\\",""}'`, '["a,b","NULL",null,"q\\"\\\\",""]'],
  ['text[]', `'{}'`, '[]'],
  ['bytea[]', `array['\\x00ff'::bytea]`, '["AP8="]'],
  ['jsonb[]', `array['{"a": [1]}'::jsonb]`, '[{"a": [1]}]'],
  ['timestamptz[]', `'{2026-01-02 03:04:05+00}'`, '["2026-01-02T03:04:05Z"]'],
  ['int4range', `'[1,5)'`, '"[1,5)"'],
  ['mood[]', `'{ok,"so so"}'`, '"{ok,\\"so so\\"}"'],
]
