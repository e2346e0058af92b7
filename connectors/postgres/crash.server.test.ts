/** Row 28 of the fault matrix, on a real gateway: killed while it reads changes, with a slot that is dropped, and two that share one. */

import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { eventually } from '../../test/services/eventually.ts'
import { startGateway } from '../../test/services/gateway.ts'
import { POSTGRES } from '../../test/services/postgres.ts'
import { Database } from '../../test/services/postgres-database.ts'
import { Receiver } from '../../test/services/receiver.ts'
import { describeServers } from '../../test/services/server.ts'
import { describeWith } from '../../test/services/service.ts'
import { slotOf } from './source.ts'

const CHANGES = 10_000
const KILLS = 3

const config = (url: string): string => `
sources:
  changes:
    postgres: { url: "\${POSTGRES_URL}", tables: { t: [insert, update, delete] } }
sinks:
  ledger:
    http: { url: "${url}", allow: [127.0.0.1] }
routes:
  all: { from: changes, to: ledger, order_by: subject, concurrency: 64 }
`

/** Changes by their kind and row, as often as each arrived; and the kinds of each row in the order of their first arrival. */
class Ledger {
  readonly counts = new Map<string, number>()
  readonly rows = new Map<string, string[]>()
  readonly receiver: Receiver

  private constructor(receiver: Receiver) {
    this.receiver = receiver
    receiver.script = async ({ headers }) => {
      const kind = String(headers['ce-type']).split('.')[2] ?? ''
      const row = String(headers['ce-subject'])
      const name = `${kind} ${row}`
      if (!this.counts.has(name)) this.rows.set(row, [...(this.rows.get(row) ?? []), kind])
      this.counts.set(name, (this.counts.get(name) ?? 0) + 1)
      return { status: 204 }
    }
  }

  static async open(): Promise<Ledger> {
    return new Ledger(await Receiver.open(async () => ({ status: 503 })))
  }

  get arrivals(): number {
    return [...this.counts.values()].reduce((sum, count) => sum + count, 0)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.receiver[Symbol.asyncDispose]()
  }
}

/** Inserts and updates a row in one transaction each, deletes every second one: resolves once it is all committed. */
async function change(database: Database, from: number, to: number): Promise<readonly string[]> {
  const client = await database.connect()
  const made: string[] = []
  for (let id = from; id < to; id += 1) {
    await client.query('insert into t values ($1, 0)', [id])
    await client.query('update t set v = 1 where id = $1', [id])
    made.push(`insert ${id}`, `update ${id}`)
    if (id % 2 === 1) continue
    await client.query('delete from t where id = $1', [id])
    made.push(`delete ${id}`)
  }
  await client.end()
  return made
}

await describeServers([POSTGRES], 'a gateway on changes', ({ address }) => {
  test(`killed ${KILLS} times within ${CHANGES} changes, it loses none and keeps the order of each row`, {
    timeout: 300_000,
  }, async () => {
    await using database = await Database.open(address)
    await database.query('create table t (id int primary key, v int)')
    await using ledger = await Ledger.open()
    const env = { POSTGRES_URL: database.url }
    await using gateway = await startGateway({ config: config(ledger.receiver.url), env })
    const changing = change(database, 0, CHANGES / 2.5)
    for (let kill = 1; kill <= KILLS; kill += 1) {
      const next = (CHANGES * kill) / (KILLS + 1)
      await eventually(() => ledger.counts.size >= next, {
        what: `${next} changes`,
        withinMs: 120_000,
        detail: gateway.output,
      })
      await gateway.kill()
      await gateway.restart()
    }
    const made = await changing
    const lost = () => made.filter((name) => !ledger.counts.has(name))
    await eventually(() => lost().length === 0, {
      what: 'every change',
      withinMs: 120_000,
      everyMs: 200,
      detail: () => `${lost().length} lost`,
    })
    expect(made.length).toBe(CHANGES)
    const duplicates = ledger.arrivals - ledger.counts.size
    console.log(
      JSON.stringify({ row: 28, kills: KILLS, acknowledged: made.length, settled: ledger.counts.size, duplicates }),
    )
    const order = ['insert', 'update', 'delete']
    const disordered = [...ledger.rows].filter(([, kinds]) => kinds.some((kind, at) => kind !== order[at]))
    expect(disordered).toEqual([])
    // At most what was on its way to the ledger at each kill.
    expect(duplicates).toBeLessThanOrEqual(KILLS * 64)
  })

  test('of two gateways the second takes over when the first is killed', async () => {
    await using database = await Database.open(address)
    await database.query('create table t (id int primary key, v int)')
    await using ledger = await Ledger.open()
    const given = { config: config(ledger.receiver.url), env: { POSTGRES_URL: database.url } }
    await using first = await startGateway(given)
    await using second = await startGateway(given)
    await eventually(() => /waiting to take over/.test(second.output()), { what: 'the second waits' })
    const changing = change(database, 0, 1_000)
    await eventually(() => ledger.counts.size > 500, { what: 'the first reads', withinMs: 60_000 })
    await first.kill()
    const made = await changing
    // What the first had accepted and not delivered is in its journal.
    await first.restart()
    const lost = () => made.filter((name) => !ledger.counts.has(name))
    await eventually(() => lost().length === 0, {
      what: 'every change',
      withinMs: 60_000,
      everyMs: 100,
      detail: () => `${lost().length} lost`,
    })
    expect(second.output()).toMatch(/changes \(postgres\): reading changes/)
  })

  describeWith(['strace'], 'a disk that takes its time', () => {
    test('killed between receiving and journaling: every change comes again, in the order of its row', async () => {
      await using database = await Database.open(address)
      await database.query('create table t (id int primary key, v int)')
      await using ledger = await Ledger.open()
      const folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'headgate-strace-'))
      using _ = { [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }) }
      const data = join(folder, 'var')
      // Nothing that is handed to the journal from now on is on disk within this time.
      const slow = [
        '-P',
        join(data, 'journal/data.mdb'),
        '-e',
        'trace=fdatasync',
        '-e',
        `inject=fdatasync:delay_enter=4s`,
      ]
      const under = ['strace', '-D', '-f', '--seccomp-bpf', '-qq', '-o', join(folder, 'log'), ...slow]
      const given = { config: config(ledger.receiver.url), env: { POSTGRES_URL: database.url }, data }
      {
        // It is ready once a probe of its journal is on disk, which takes too long.
        await using first = await startGateway({ ...given, under, unready: true })
        await eventually(() => first.output().includes('http listens'), {
          what: 'it runs',
          withinMs: 100_000,
          detail: first.output,
        })
        const [before] = await database.query<{ lsn: string }>('select pg_current_wal_lsn() as lsn')
        const made = await change(database, 0, 40)
        const received = async () => {
          const [row] = await database.query<{ all: boolean }>(
            `select bool_and(sent_lsn >= pg_current_wal_lsn()) as all from pg_stat_replication
              where application_name like 'headgate changes%'`,
          )
          return row?.all
        }
        await eventually(received, { what: 'the server has sent it all', detail: first.output })
        expect(made).toHaveLength(100)
        expect(ledger.arrivals).toBe(0)
        await first.kill()
        const confirmed =
          'select from pg_replication_slots where confirmed_flush_lsn > $1 and database = current_database()'
        expect(await database.query(confirmed, [before?.lsn])).toEqual([])
      }
      await using second = await startGateway(given)
      await eventually(() => ledger.counts.size === 100, {
        what: 'every change',
        withinMs: 60_000,
        detail: second.output,
      })
      const order = ['insert', 'update', 'delete']
      for (const kinds of ledger.rows.values()) expect(kinds).toEqual(order.slice(0, kinds.length))
      const figures = { acknowledged: 100, settled: ledger.counts.size, duplicates: ledger.arrivals - 100 }
      console.log(JSON.stringify({ row: 28, fault: 'killed between receive and journal', ...figures }))
    })
  })

  test('a slot that is dropped while the gateway is away is told as SLOT_LOST; what the slot keeps is a metric', async () => {
    await using database = await Database.open(address)
    await database.query('create table t (id int primary key, v text)')
    await using ledger = await Ledger.open()
    const given = { config: config(ledger.receiver.url), env: { POSTGRES_URL: database.url } }
    await using gateway = await startGateway(given)
    await database.query(`insert into t values (1, '')`)
    await eventually(() => ledger.counts.size === 1, { what: 'the first row', withinMs: 30_000 })
    await gateway.terminate()
    await database.query(`insert into t values (2, '')`)
    await database.dropSlots()
    await gateway.restart()
    const lost = `the slot \\"${slotOf({}, 'changes')}\\" was dropped; changes are gone`
    await eventually(() => gateway.output().includes(lost), { what: 'it is told', detail: gateway.output })
    expect(
      gateway
        .output()
        .split('\n')
        .find((line) => line.includes(lost)),
    ).toContain('"code":"SLOT_LOST"')
    await database.query(`insert into t values (3, repeat('x', 1000000))`)
    await eventually(() => ledger.counts.has('insert 3'), { what: 'it goes on', withinMs: 30_000 })
    const metrics = async () => (await fetch(`http://127.0.0.1:${gateway.admin}/metrics`)).text()
    const isTold = async () => /^headgate_source_lag_bytes{source="changes"} \d+$/m.test(await metrics())
    await eventually(isTold, { what: 'what the slot keeps is told', withinMs: 30_000 })
    await gateway.kill()
  })
})
