/** What of the server's settings matters to a source. */

import type { Client } from 'pg'
import type { Context } from '#connector'
import { Trouble } from './trouble.ts'

/** What was accepted and not told yet comes again after a crash. */
const FEEDBACK_MS = 200

export interface Settings {
  /** How often the server is told how far we are. Milliseconds. */
  readonly feedbackMs: number
}

/** Resolves with them. Rejects with a `Trouble` when the server keeps no log that changes can be read from. */
export async function readSettings(client: Client, { log, name }: Context): Promise<Settings> {
  const { rows } = await client.query<{ name: string; setting: string }>(
    `select name, setting from pg_settings where name in ('wal_level', 'wal_sender_timeout', 'max_slot_wal_keep_size')`,
  )
  const held = new Map(rows.map((row) => [row.name, row.setting]))
  const level = held.get('wal_level')
  if (level !== 'logical') throw new Trouble(`wal_level is ${level}`, 'set wal_level=logical and restart the server')
  if (held.get('max_slot_wal_keep_size') === '-1')
    log.info(
      { source: name },
      `${name} (postgres): the server keeps its log for as long as this source does not read it, until the disk is full; max_slot_wal_keep_size bounds that`,
    )
  // A connection that says nothing for as long is cut.
  const timeout = Number(held.get('wal_sender_timeout') ?? 0)
  return { feedbackMs: timeout > 0 ? Math.min(FEEDBACK_MS, timeout / 3) : FEEDBACK_MS }
}
