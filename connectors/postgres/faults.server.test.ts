/** Faults of the database and of the way to it: nothing is lost, and what is wrong is told once. */

import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { GatewayError } from '#connector'
import { eventually } from '../../test/services/eventually.ts'
import { POSTGRES } from '../../test/services/postgres.ts'
import { Database } from '../../test/services/postgres-database.ts'
import { Relay } from '../../test/services/relay.ts'
import { describeServers, type OwnServer, startOwn } from '../../test/services/server.ts'
import { Face } from './face.ts'

const TABLES = { t: ['insert', 'update', 'delete'] }
const MAKE = 'create table t (id int primary key, v text)'

/** Through the relay instead of straight to the server. */
const through = (relay: Relay, url: string): string => {
  const changed = new URL(url)
  changed.host = relay.address
  return changed.href
}

/** Writes rows one by one until told; a server that is away is waited for. Ids that were committed. */
function write(url: string, database: Database): { readonly committed: number[]; end(): Promise<void> } {
  const committed: number[] = []
  let running = true
  const work = async () => {
    let client = await database.connect()
    for (let id = 1; running; id += 1) {
      try {
        await client.query('insert into t values ($1, $2)', [id, url.length])
        committed.push(id)
        await sleep(1)
      } catch {
        await client.end().catch(() => {})
        await sleep(50)
        client = await database.connect().catch(() => client)
      }
    }
    await client.end().catch(() => {})
  }
  const done = work()
  return {
    committed,
    end: async () => {
      running = false
      await done
    },
  }
}

await describeServers([POSTGRES], 'faults', ({ address }) => {
  test('connections are cut again and again under load', async () => {
    await using database = await Database.open(address)
    await using relay = await Relay.open(address)
    await database.query(MAKE)
    await using face = await Face.open({ url: through(relay, database.url), tables: TABLES })
    const writing = write(database.url, database)
    for (let cut = 1; cut <= 5; cut += 1) {
      await eventually(() => face.accepted.size > cut * 50, { what: `row ${cut * 50}`, withinMs: 30_000 })
      relay.cut()
      await eventually(() => face.meter.reconnects === cut, { what: 'it reads again', withinMs: 30_000 })
    }
    await writing.end()
    await face.has(writing.committed.length)
    const subjects = new Set(face.events.map(({ subject }) => subject))
    expect(writing.committed.filter((id) => !subjects.has(`${id}`))).toEqual([])
    expect(face.meter).toMatchObject({ troubles: 5, reconnects: 5 })
    const { length: offered } = face.offered
    console.log(
      JSON.stringify({
        row: 28,
        fault: 'cut',
        acknowledged: writing.committed.length,
        settled: subjects.size,
        duplicates: offered - face.accepted.size,
      }),
    )
  })

  test('a database that is away for a while is told once, and gone back to', async () => {
    await using database = await Database.open(address)
    await using relay = await Relay.open(address)
    await database.query(MAKE)
    await using face = await Face.open({ url: through(relay, database.url), tables: TABLES })
    await database.query(`insert into t values (1, 'a')`)
    await face.has(1)
    await relay.close()
    await database.query(`insert into t values (2, 'b')`)
    const told = await face.tells(/connecting: no answer from "127\.0\.0\.1:\d+": connect ECONNREFUSED.*; trying again/)
    await eventually(() => face.meter.troubles > 3, { what: 'a few attempts' })
    expect(face.told.filter((line) => line === told)).toHaveLength(1)
    await relay.listen()
    await face.has(2)
    await face.tells(/^shop \(postgres\): reading changes$/)
    expect(face.meter.reconnects).toBe(1)
  })

  test('a change that the gateway refuses comes again, before later ones of its row, and holds up no other row', async () => {
    await using database = await Database.open(address)
    await database.query(MAKE)
    await using face = await Face.open({ url: database.url, tables: TABLES })
    let refusals = 3
    face.accept = ({ subject }) => {
      if (subject === '2' && refusals-- > 0)
        throw new GatewayError('JOURNAL_FULL', 'journal: full', { retryAfterMs: 10 })
    }
    await database.query(`insert into t values (1, 'a'), (2, 'b'), (3, 'c')`)
    await database.query(`update t set v = 'd' where id = 2`)
    const events = await face.has(4)
    expect(events.map(({ subject, type }) => `${subject} ${type.split('.')[2]}`).toSorted()).toEqual([
      '1 insert',
      '2 insert',
      '2 update',
      '3 insert',
    ])
    const two = face.offered.filter(({ subject }) => subject === '2').map(({ type }) => type.split('.')[2])
    // The later change of the row waits for the earlier one.
    expect(two).toEqual(['insert', 'insert', 'insert', 'insert', 'update'])
    await face.tells(/a change was not accepted; trying again/)
    await confirmed(database)
  })

  test('a table that nobody writes to holds back no log of the others, and what is open is not passed over', async () => {
    await using database = await Database.open(address)
    await database.query(`${MAKE}; create table other (id serial, pad text)`)
    await using face = await Face.open({ url: database.url, tables: TABLES })
    const open = await database.connect()
    await open.query(`begin; insert into t values (1, 'a')`)
    await database.query(`insert into other (pad) select repeat('x', 1000) from generate_series(1, 2000)`)
    await confirmed(database)
    await face.source.stop()
    await open.query('commit')
    await open.end()
    await face.restart()
    await face.has(1)
  })

  test('how far it is behind is measured, and a slot that keeps much is warned of', async () => {
    await using database = await Database.open(address)
    await database.query(MAKE)
    await using face = new Face({ url: database.url, tables: TABLES, warn_lag: '64KiB' })
    const gate = Promise.withResolvers<void>()
    using _ = { [Symbol.dispose]: () => gate.resolve() }
    face.accept = () => gate.promise
    await face.start()
    await database.query(`insert into t select i, repeat('x', 1000) from generate_series(1, 1000) i`)
    await face.tells(/keeps \d+ bytes of the log on the disk of the database/)
    const { inFlight, lagBytes = 0, oldest } = face.meter.standing
    expect(lagBytes).toBeGreaterThan(1_000_000)
    expect(inFlight).toBe(8)
    expect(Number(oldest)).toBeGreaterThan(Date.now() - 60_000)
    gate.resolve()
    await face.has(1_000)
    await eventually(() => face.meter.standing.oldest === null, { what: 'nothing is left', withinMs: 20_000 })
  })

  test('of two gateways one reads and the other waits, takes over when that is gone, and loses nothing', async () => {
    await using database = await Database.open(address)
    await database.query(MAKE)
    const config = { url: database.url, tables: TABLES }
    await using first = await Face.open(config)
    await using second = await Face.open(config)
    await second.tells(/another gateway reads; waiting to take over/)
    await database.query(`insert into t select i, 'a' from generate_series(1, 100) i`)
    await first.has(100)
    expect(second.offered).toEqual([])
    await confirmed(database)
    // Holds what it has, as one that hangs; then its connections end, as when it is killed.
    const gate = Promise.withResolvers<void>()
    using _ = { [Symbol.dispose]: () => gate.resolve() }
    first.accept = () => gate.promise
    await database.query(`insert into t select i, 'b' from generate_series(101, 200) i`)
    await eventually(() => first.offered.length > 100, { what: 'it holds some' })
    const stopping = first.source.stop()
    await database.query(
      `select pg_terminate_backend(active_pid) from pg_replication_slots where slot_name = 'headgate_shop'`,
    )
    await second.has(100)
    expect(second.events.map(({ subject }) => Number(subject)).toSorted((a, b) => a - b)[0]).toBe(101)
    gate.resolve()
    await stopping
    await second.tells(/^shop \(postgres\): reading changes$/)
  })

  /** Resolves once everything up to now is acknowledged. */
  async function confirmed(database: Database): Promise<void> {
    const [now] = await database.query<{ lsn: string }>('select pg_current_wal_lsn() as lsn')
    const reached = async () => {
      const [row] = await database.query<{ ok: boolean }>(
        'select confirmed_flush_lsn + 1 >= $1::pg_lsn as ok from pg_replication_slots where database = current_database()',
        [now?.lsn],
      )
      return row?.ok
    }
    await eventually(reached, { what: 'all is acknowledged', withinMs: 20_000, everyMs: 50 })
  }

  describe('of the server itself', () => {
    let own: OwnServer
    beforeAll(async () => {
      own = await startOwn(POSTGRES)
    })
    afterAll(() => own[Symbol.asyncDispose]())

    test('it is stopped and started, and killed and started, under load', async () => {
      const database = await Database.open(own.address)
      await database.query(MAKE)
      await using face = await Face.open({ url: database.url, tables: TABLES })
      const writing = write(database.url, database)
      for (const [at, signal] of (['SIGTERM', 'SIGKILL'] as const).entries()) {
        await eventually(() => face.accepted.size > (at + 1) * 100, { what: 'some rows', withinMs: 30_000 })
        await own.stop(signal)
        await own.start()
      }
      const before = face.accepted.size
      await eventually(() => face.accepted.size > before + 100, {
        what: 'it goes on',
        withinMs: 60_000,
        detail: () => face.told.join('\n'),
      })
      await writing.end()
      const subjects = () => new Set(face.events.map(({ subject }) => subject))
      const lost = () => {
        const seen = subjects()
        return writing.committed.filter((id) => !seen.has(`${id}`))
      }
      await eventually(() => lost().length === 0, { what: 'every row that was committed', detail: () => `${lost()}` })
      console.log(
        JSON.stringify({
          row: 28,
          fault: 'server restarted',
          acknowledged: writing.committed.length,
          settled: subjects().size,
          duplicates: face.offered.length - face.accepted.size,
        }),
      )
    })

    test('a slot that the server gives up is told as lost, and the tables are read again', async () => {
      const database = await Database.open(own.address)
      await database.query(`${MAKE}; create table other (pad text)`)
      await database.query(`alter system set max_slot_wal_keep_size = '1MB'`)
      await database.query('select pg_reload_conf()')
      const config = { url: database.url, tables: TABLES, snapshot: 'initial', slot: 'given_up' }
      await using face = await Face.open(config)
      await database.query(`insert into t values (1, 'a')`)
      await face.has(1)
      await face.tells(/read the \d rows that were there/)
      await face.source.stop()
      await database.query(`insert into t values (2, 'b')`)
      const lost = async () => {
        await database.query(`insert into other select repeat('x', 1000) from generate_series(1, 20000)`)
        await database.query('select pg_switch_wal(); checkpoint')
        const [slot] = await database.query<{ wal_status: string }>(
          `select wal_status from pg_replication_slots where slot_name = 'given_up'`,
        )
        return slot?.wal_status === 'lost'
      }
      await eventually(lost, { what: 'the slot is given up', withinMs: 60_000 })
      await face.restart()
      await face.tells(
        /the slot "given_up" was given up by the server.*changes after [0-9A-F]+\/[0-9A-F]+ are gone, and the tables are read again/,
      )
      expect(face.log.lines.find(({ level }) => level === 'error')?.fields).toMatchObject({ code: 'SLOT_LOST' })
      const subjects = () => new Set(face.events.map(({ subject }) => subject))
      await eventually(() => subjects().has('2'), { what: 'the row that was missed' })
      await database.query(`insert into t values (3, 'c')`)
      await eventually(() => subjects().has('3'), { what: 'it goes on' })
    })

    test.each([
      ['initial', /was dropped; changes are gone, and the tables are read again/, ['1', '2', '3']],
      ['never', /was dropped; changes are gone, and set snapshot: initial to have tables read again then/, ['1', '3']],
    ] as const)('a slot that somebody dropped, with snapshot: %s', async (snapshot, expected, seen) => {
      const database = await Database.open(own.address)
      await database.query(MAKE)
      await using face = await Face.open({ url: database.url, tables: TABLES, snapshot, slot: `dropped_${snapshot}` })
      await database.query(`insert into t values (1, 'a')`)
      await face.has(1)
      if (snapshot === 'initial') await face.tells(/read the \d rows that were there/)
      await face.source.stop()
      await database.dropSlots()
      await database.query(`insert into t values (2, 'b')`)
      await face.restart()
      await face.tells(expected)
      await database.query(`insert into t values (3, 'c')`)
      const subjects = () => [...new Set(face.events.map(({ subject }) => subject))].toSorted()
      await eventually(() => subjects().includes('3'), { what: 'it goes on' })
      expect(subjects()).toEqual(seen)
    })
  })
})
