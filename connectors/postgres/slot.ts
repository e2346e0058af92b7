/** The replication slot: the place in the log that the server keeps for us, and what it costs. */

import type { Client } from 'pg'
import { parseLsn } from './lsn.ts'
import { Trouble } from './trouble.ts'

export interface Slot {
  /** Everything before it was acknowledged. */
  readonly confirmed: bigint
  /** Whether somebody reads it, and what that goes by. */
  readonly active: boolean
  readonly reader: string | null
  /** What it holds can no longer be read. */
  readonly lost: boolean
  /** reserved, extended, unreserved (about to be lost) or lost. */
  readonly status: string
  /** Bytes of the log that are there for it alone. */
  readonly kept: number
  /** Bytes between the end of the log and what was acknowledged. */
  readonly behind: number
}

interface Found {
  readonly plugin: string
  readonly database: string
  readonly here: string
  readonly active: string
  readonly reader: string | null
  readonly status: string | null
  readonly confirmed: string
  readonly kept: string
  readonly behind: string
}

const QUERY = `
  select s.plugin, s.database, current_database() as here, s.active, s.wal_status as status,
    s.confirmed_flush_lsn as confirmed, a.application_name as reader,
    pg_wal_lsn_diff(now.lsn, s.restart_lsn) as kept, pg_wal_lsn_diff(now.lsn, s.confirmed_flush_lsn) as behind
  from (select case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_lsn() end as lsn) now,
    pg_replication_slots s left join pg_stat_activity a on a.pid = s.active_pid
  where s.slot_name = $1`

/** Resolves with the slot, or undefined when there is none of that name. Rejects when it is one for something else. */
export async function findSlot(client: Client, name: string): Promise<Slot | undefined> {
  const { rows } = await client.query<Found>(QUERY, [name])
  const [found] = rows
  if (!found) return undefined
  if (found.plugin !== 'pgoutput' || found.database !== found.here)
    throw new Trouble(
      `the slot "${name}" is one of ${found.plugin} in the database "${found.database}"`,
      'name another with slot',
    )
  return {
    confirmed: parseLsn(found.confirmed ?? '0/0'),
    active: found.active === 't',
    reader: found.reader,
    lost: found.status === 'lost',
    status: found.status ?? 'lost',
    kept: Number(found.kept ?? 0),
    behind: Number(found.behind ?? 0),
  }
}

export async function createSlot(client: Client, name: string): Promise<void> {
  await client.query(`select pg_create_logical_replication_slot($1, 'pgoutput')`, [name])
}

export async function dropSlot(client: Client, name: string): Promise<void> {
  await client.query('select pg_drop_replication_slot($1)', [name])
}

/** Runs `work` while no other gateway that reads this slot does; resolves to undefined at once when another does. */
export async function alone<T>(client: Client, name: string, work: () => Promise<T>): Promise<T | undefined> {
  const key = `hashtextextended('headgate/' || current_database() || '/' || $1, 0)`
  const { rows } = await client.query<{ got: string }>(`select pg_try_advisory_lock(${key}) as got`, [name])
  if (rows[0]?.got !== 't') return undefined
  try {
    return await work()
  } finally {
    // A connection that broke has given it up.
    await client.query(`select pg_advisory_unlock(${key})`, [name]).catch(() => {})
  }
}
