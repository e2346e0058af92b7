/** The way to the database: over TLS with an authority, on a connection whose other end is silent, and with a huge transaction. */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { MemoryCredit, memoryContext } from '#conformance'
import type { CloudEvent, Emit } from '#connector'
import { certify } from '../../test/services/certificates.ts'
import { eventually } from '../../test/services/eventually.ts'
import { POSTGRES } from '../../test/services/postgres.ts'
import { Database } from '../../test/services/postgres-database.ts'
import { Relay } from '../../test/services/relay.ts'
import { describeServers, type OwnServer, startOwn } from '../../test/services/server.ts'
import { postgresConfig } from './config.ts'
import { Face } from './face.ts'
import connector from './index.ts'
import { PostgresSource } from './source.ts'

const TABLES = { t: ['insert'] }
const MAKE = 'create table t (id int primary key, v text)'

await describeServers([POSTGRES], 'the way to the database', ({ address }) => {
  describe('with TLS', () => {
    let own: OwnServer
    const folder = mkdtempSync(join(tmpdir(), 'headgate-tls-'))
    beforeAll(async () => {
      own = await startOwn(POSTGRES)
      await certify(folder, ['server'], 'DNS:localhost')
      await using database = await Database.open(own.address)
      for (const file of ['server.crt', 'server.key']) {
        const lines = `unnest(string_to_array('${readFileSync(join(folder, file), 'utf8').trimEnd()}', e'\\n'))`
        // The server's own user writes it: nobody else may read the key.
        await database.query(`copy (select ${lines}) to program 'umask 077; cat > ${file}'`)
      }
      await database.query('alter system set ssl = on')
      await database.query('select pg_reload_conf()')
    })
    afterAll(async () => {
      await own[Symbol.asyncDispose]()
      rmSync(folder, { recursive: true })
    })

    /** The URL of a database, with the certificate checked as told. */
    const secured = (url: string, mode: string, host = 'localhost', ca = 'ca.crt'): string => {
      const changed = new URL(url)
      changed.hostname = host
      changed.searchParams.set('sslmode', mode)
      changed.searchParams.set('sslrootcert', join(folder, ca))
      return changed.href
    }

    test('verify-full: source and sink speak over it alone', async () => {
      await using database = await Database.open(own.address)
      await database.query(MAKE)
      const url = secured(database.url, 'verify-full')
      await using face = await Face.open({ url, tables: TABLES, snapshot: 'initial' })
      await database.query(`insert into t values (1, 'a')`)
      await face.has(1)
      const spec = connector.sink
      const sink = spec?.create(spec.config.parse({ url, table: 'events' }), memoryContext())
      const event: CloudEvent = { specversion: '1.0', id: '1', source: '/s', type: 't' }
      await sink?.start(AbortSignal.timeout(10_000))
      await sink?.deliver(event, AbortSignal.timeout(10_000))
      const seen = await database.query<{ ssl: boolean; backend_type: string }>(
        `select distinct ssl, backend_type from pg_stat_ssl join pg_stat_activity using (pid)
          where datname = current_database() and pid <> pg_backend_pid() order by 2`,
      )
      expect(seen).toEqual([
        { ssl: true, backend_type: 'client backend' },
        { ssl: true, backend_type: 'walsender' },
      ])
      expect(await database.query('select id from events')).toEqual([{ id: '1' }])
      await sink?.stop()
    })

    test.each<[string, (url: string) => string, RegExp]>([
      ['an authority that is another', (url) => secured(url, 'verify-full', 'localhost', 'server.crt'), /certificate/],
      ['a name that the certificate has not', (url) => secured(url, 'verify-full', '127.0.0.1'), /altnames/],
      ['a file that is not there', (url) => secured(url, 'verify-full', 'localhost', 'none.crt'), /none\.crt/],
    ])('%s fails the start, by name', async (_, given, why) => {
      await using database = await Database.open(own.address)
      await database.query(MAKE)
      const face = new Face({ url: given(database.url), tables: TABLES })
      const error = await face.start().then(
        () => undefined,
        (thrown: unknown) => thrown,
      )
      expect(error).toMatchObject({ code: 'SOURCE_UNAVAILABLE', message: expect.stringMatching(why) })
    })
  })

  test('a connection whose other end is silent is given up, and the slot taken back from it', async () => {
    await using database = await Database.open(address)
    await using relay = await Relay.open(address)
    await database.query(MAKE)
    const url = new URL(database.url)
    url.host = relay.address
    await using face = await Face.open({ url: url.href, tables: TABLES })
    await database.query(`insert into t values (1, 'a')`)
    await face.has(1)
    relay.hang()
    await database.query(`insert into t values (2, 'b')`)
    await face.tells(/reading changes: .*the server does not answer; trying again/, 60_000)
    await face.has(2, 60_000)
    expect(face.meter.reconnects).toBe(1)
    expect(face.events.map(({ subject }) => subject)).toEqual(['1', '2'])
  })

  test('a transaction of 200,000 rows is offered as it comes: little of it is in memory, none without credit', async () => {
    const ROWS = 200_000
    await using database = await Database.open(address)
    await database.query(MAKE)
    const credit = new MemoryCredit()
    const context = memoryContext({ name: 'shop', credit, maxInFlight: 1_024 })
    const source = new PostgresSource(postgresConfig.parse({ url: database.url, tables: TABLES }), context)
    await using _ = { [Symbol.asyncDispose]: () => source.stop() }
    let offered = 0
    let inFlight = 0
    let mostInFlight = 0
    let last = ''
    const emit: Emit = async ({ extensions, id }) => {
      offered += 1
      inFlight += 1
      mostInFlight = Math.max(mostInFlight, inFlight)
      if (offered === 1_000) credit.close()
      await new Promise(setImmediate)
      inFlight -= 1
      const sequence = String(extensions?.['sequence'])
      expect(sequence > last).toBe(true)
      last = sequence
      return { callId: id, duplicate: false, routes: [] }
    }
    await source.start(emit, AbortSignal.timeout(20_000))
    const before = process.memoryUsage().rss
    let peak = before
    const watching = setInterval(() => {
      peak = Math.max(peak, process.memoryUsage().rss)
    }, 50)
    await database.query(`insert into t select i, repeat('x', 1000) from generate_series(1, ${ROWS}) i`)
    await eventually(() => offered >= 1_000, { what: 'a thousand rows', withinMs: 60_000 })
    await new Promise((resolve) => setTimeout(resolve, 3_000))
    const paused = offered
    const pausedMiB = Math.round((peak - before) / 2 ** 20)
    credit.open()
    await eventually(() => offered >= ROWS, { what: 'every row', withinMs: 100_000, detail: () => `${offered}` })
    clearInterval(watching)
    const peakMiB = Math.round((peak - before) / 2 ** 20)
    console.log(JSON.stringify({ rows: ROWS, paused, pausedMiB, peakMiB, mostInFlight }))
    expect(offered).toBe(ROWS)
    expect(paused).toBeLessThan(1_000 + 1_024)
    expect(mostInFlight).toBeLessThanOrEqual(1_024)
    // The rows are 250 MiB as events.
    expect(pausedMiB).toBeLessThan(96)
    expect(peakMiB).toBeLessThan(160)
  })
})
