/** The initial load: the rows that are there, read in the very state of the database from which the slot goes on. */

import type { Client } from 'pg'
import { type Connection, connect, type Target } from './connection.ts'
import { parseLsn } from './lsn.ts'
import { normalize, type Row, type Transaction } from './normalize.ts'
import type { Offers } from './offers.ts'
import { literal, quoted, type Wanted } from './tables.ts'

/** About this much is fetched at once. Bytes. */
const BATCH_BYTES = 4 * 2 ** 20
const MOST_ROWS = 1_000

export interface Load {
  readonly name: string
  readonly target: Target
  readonly slot: string
  readonly tables: readonly Wanted[]
  readonly offers: Offers
  /** A connection for queries. */
  readonly client: Client
}

/**
 * Resolves once every row is accepted and the slot is there, which goes on from the state that was read; with the number
 * of rows. A slot of its own, which ends with its connection, holds the log until then: what is cut short leaves nothing,
 * and a slot of the given name stands for a load that is whole.
 */
export async function load({ name, target, slot, tables, offers, client }: Load): Promise<number> {
  await using holder = await connect(target, true)
  await using reader = await connect(target)
  const passing = `${slot.slice(0, 58)}_load`
  const { rows } = await holder.client.query<{ consistent_point: string; snapshot_name: string }>(
    `CREATE_REPLICATION_SLOT ${quoted(passing)} TEMPORARY LOGICAL pgoutput EXPORT_SNAPSHOT`,
  )
  const [{ consistent_point, snapshot_name } = { consistent_point: '0/0', snapshot_name: '' }] = rows
  await reader.client.query('begin isolation level repeatable read read only')
  await reader.client.query(`set transaction snapshot ${literal(snapshot_name)}`)
  const transaction = await stamp(reader, parseLsn(consistent_point))
  let count = 0
  for (const table of tables.filter(({ operations }) => operations.has('insert')))
    count += await loadTable(reader, { name, table, transaction, offers })
  await offers.drained()
  await client.query('select pg_copy_logical_replication_slot($1, $2, false)', [passing, slot])
  return count
}

async function stamp({ client }: Connection, lsn: bigint): Promise<Transaction> {
  const { rows } = await client.query<{ now: string }>('select (extract(epoch from now()) * 1000000)::int8 as now')
  return { lsn, txId: 0, committed: BigInt(rows[0]?.now ?? 0) }
}

interface Reading {
  readonly name: string
  readonly table: Wanted
  readonly transaction: Transaction
  readonly offers: Offers
}

async function loadTable({ client }: Connection, { name, table, transaction, offers }: Reading): Promise<number> {
  const columns = table.columns.map((column) => quoted(column.name)).join(', ')
  // Where the row lies, and who wrote it last: the same for as long as it is the same row.
  const version = `tableoid::text || ctid::text || '@' || xmin::text`
  const from = `${quoted(table.schema)}.${quoted(table.name)}`
  await client.query(`declare rows no scroll cursor for select ${version}${columns && `, ${columns}`} from ${from}`)
  let index = 0
  for (let most = 10; ; ) {
    const { rows } = await client.query<(string | null)[]>({ text: `fetch ${most} from rows`, rowMode: 'array' })
    let bytes = 1
    for (const [row, ...values] of rows) {
      const after: Row = Object.fromEntries(table.columns.map((column, at) => [column.name, values[at]]))
      const change = {
        op: 'read',
        table,
        transaction,
        index: index++,
        before: null,
        after,
        version: row ?? '',
      } as const
      const event = normalize(name, change)
      bytes += event.data?.length ?? 0
      await offers.send({ event, rows: [], accepted: () => {} })
    }
    if (rows.length < most) break
    most = Math.max(1, Math.min(MOST_ROWS, Math.floor((BATCH_BYTES * rows.length) / bytes)))
  }
  await client.query('close rows')
  return index
}
