/** The initial load: every row once, in the state from which the changes go on; again where it was cut short. */

import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { eventually } from '../../test/services/eventually.ts'
import { POSTGRES } from '../../test/services/postgres.ts'
import { Database } from '../../test/services/postgres-database.ts'
import { describeServers } from '../../test/services/server.ts'
import { dataOf, Face } from './face.ts'

await describeServers([POSTGRES], 'the initial load', ({ address }) => {
  test('rows that were there come once, then the changes since, while others write', async () => {
    await using database = await Database.open(address)
    await database.query('create table t (id int primary key, v int); create table u (id int primary key)')
    await database.query('insert into t select i, 0 from generate_series(1, 3000) i; insert into u values (1)')
    const writer = await database.connect()
    let writing = true
    let last = 3_000
    const written = (async () => {
      while (writing) await writer.query('insert into t values ($1, 0)', [++last])
      await writer.query('update t set v = 1 where id <= 10')
    })()
    const tables = { t: ['insert', 'update'], u: ['delete'] }
    await using face = await Face.open({ url: database.url, tables, snapshot: 'initial' })
    await face.has(3_200)
    writing = false
    await written
    await writer.end()
    const events = await face.has(last + 10)
    const read = events.filter((event) => dataOf(event).op === 'r')
    const inserted = events.filter((event) => dataOf(event).op === 'c')
    expect(read.length).toBeGreaterThanOrEqual(3_000)
    expect(read.length + inserted.length).toBe(last)
    expect(new Set([...read, ...inserted].map(({ subject }) => subject)).size).toBe(last)
    expect(face.offered.length).toBe(face.accepted.size)
    expect(read[0]).toMatchObject({ type: 'headgate.postgres.insert', source: '/postgres/shop/public.t' })
    expect(read[0]?.id).toMatch(/^read\/\d+\(\d+,\d+\)@\d+$/)
    // What follows sorts behind it.
    const sequence = (some: typeof events) => some.map(({ extensions }) => String(extensions?.['sequence']))
    expect(sequence(read).every((one) => sequence(inserted).every((other) => one < other))).toBe(true)
    // A second start reads none of it again.
    await face.restart()
    await database.query('insert into t values (0, 0)')
    await face.has(last + 11)
    expect(face.offered.length).toBe(last + 11)
  })

  test('cut short, it begins anew: rows that are still the same keep their names, no slot is left behind', async () => {
    await using database = await Database.open(address)
    await database.query('create table t (id int primary key, v int)')
    await database.query('insert into t select i, 0 from generate_series(1, 500) i')
    await using face = await Face.open({ url: database.url, tables: { t: ['insert', 'update'] }, snapshot: 'initial' })
    let held = true
    const gate = Promise.withResolvers<void>()
    face.accept = () => (held && face.offered.length > 200 ? gate.promise : undefined)
    await eventually(() => face.offered.length > 200, { what: 'half of it is offered' })
    await database.query('update t set v = 1 where id = 500')
    await database.cut()
    held = false
    gate.resolve()
    await face.has(500)
    await face.tells(/read the 500 rows/)
    await database.query('insert into t values (501, 0)')
    const events = await face.has(501)
    const reads = events.filter((event) => dataOf(event).op === 'r')
    expect(new Set(reads.map(({ subject }) => subject)).size).toBe(500)
    expect(reads.find(({ subject }) => subject === '500')).toMatchObject({ subject: '500' })
    const slots = await database.query<{ name: string }>(
      'select slot_name as name from pg_replication_slots where database = current_database()',
    )
    expect(slots.map(({ name }) => name)).toEqual(['headgate_shop'])
  })

  test('waits for credit, and stops in the middle', async () => {
    await using database = await Database.open(address)
    await database.query('create table t (id int primary key, pad text)')
    await database.query(`insert into t select i, repeat('x', 10000) from generate_series(1, 5000) i`)
    await using face = new Face({ url: database.url, tables: { t: ['insert'] }, snapshot: 'initial' })
    const gate = Promise.withResolvers<void>()
    face.accept = () => gate.promise
    await face.start()
    await eventually(() => face.offered.length === 8, { what: 'as many as may be under way' })
    await sleep(50)
    expect(face.offered.length).toBe(8)
    const stopped = face.source.stop()
    gate.resolve()
    await stopped
    expect(face.offered.length).toBeLessThan(100)
    const left = () => database.connections()
    await eventually(async () => (await left()) === 0, { what: 'no connection is left' })
  })
})
