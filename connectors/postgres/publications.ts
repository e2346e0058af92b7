/** The publications that say which changes are sent: one for each operation, so that a table is in those it wants alone. */

import type { Client } from 'pg'
import { OPERATIONS, type PostgresConfig } from './config.ts'
import { quoted, type Wanted } from './tables.ts'
import { stateOf, Trouble } from './trouble.ts'

/** Somebody else made or changed it at the same moment: duplicate_object, unique_violation, tuple concurrently updated. */
const RACES = new Set(['42710', '23505', 'XX000'])

/**
 * Resolves with the names to subscribe to, made and corrected where that is allowed. One publication for all operations
 * would be simpler, but what it publishes holds for each of its tables: an application could no longer update a table
 * without a key that is there for its inserts alone. All four are there from the start and stay: one that was made after
 * a change in the log cannot be used to read that change.
 */
export async function ensurePublications(
  client: Client,
  { create, publication }: PostgresConfig,
  slot: string,
  tables: readonly Wanted[],
): Promise<readonly string[]> {
  if (publication !== undefined) {
    await check(client, publication, tables)
    return [publication]
  }
  const names: string[] = []
  for (const operation of OPERATIONS) {
    const name = `${slot.slice(0, 53)}_${operation}`
    const wanted = tables.filter(({ operations }) => operations.has(operation))
    names.push(name)
    await ensure(client, { name, operation, create, wanted })
  }
  return names
}

interface Publication {
  readonly name: string
  readonly operation: string
  readonly create: boolean
  readonly wanted: readonly Wanted[]
}

async function ensure(client: Client, { name, operation, create, wanted }: Publication): Promise<void> {
  const there = await exists(client, name)
  const list = wanted.map((table) => `${quoted(table.schema)}.${quoted(table.name)}`).join(', ')
  const make = `create publication ${quoted(name)}${list && ` for table ${list}`} with (publish = '${operation}', publish_via_partition_root = true)`
  if (!there && !create) throw new Trouble(`there is no publication "${name}"`, `set create: true, or run: ${make}`)
  if (!there) return attempt(client, make)
  const held = await tablesOf(client, name)
  const missing = wanted.filter((table) => !held.has(`${table.schema}.${table.name}`))
  if (missing.length === 0 && held.size === wanted.length) return
  const change = `alter publication ${quoted(name)} ${list ? `set table ${list}` : `drop table ${[...held.values()].join(', ')}`}`
  if (create) return attempt(client, change)
  if (missing.length > 0)
    throw new Trouble(
      `the publication "${name}" lacks "${missing[0]?.schema}.${missing[0]?.name}"`,
      `set create: true, or run: ${change}`,
    )
}

/** Two gateways that start at once do the same. */
async function attempt(client: Client, sql: string): Promise<void> {
  try {
    await client.query(sql)
  } catch (error) {
    if (!RACES.has(stateOf(error) ?? '')) throw error
  }
}

async function exists(client: Client, name: string): Promise<boolean> {
  const { rowCount } = await client.query('select from pg_publication where pubname = $1', [name])
  return rowCount === 1
}

/** By `schema.name`, as SQL names it. */
async function tablesOf(client: Client, publication: string): Promise<ReadonlyMap<string, string>> {
  const { rows } = await client.query<{ schema: string; name: string }>(
    'select schemaname as schema, tablename as name from pg_publication_tables where pubname = $1',
    [publication],
  )
  return new Map(rows.map(({ schema, name }) => [`${schema}.${name}`, `${quoted(schema)}.${quoted(name)}`]))
}

/** From version 18 on the server says nothing of a publication that is not there: it sends nothing. */
async function check(client: Client, publication: string, tables: readonly Wanted[]): Promise<void> {
  const { rows } = await client.query<Record<string, string>>(
    'select pubinsert as insert, pubupdate as update, pubdelete as delete, pubtruncate as truncate from pg_publication where pubname = $1',
    [publication],
  )
  const [published] = rows
  if (!published)
    throw new Trouble(
      `there is no publication "${publication}"`,
      'create it, or leave the option out to have them made',
    )
  const held = await tablesOf(client, publication)
  for (const { schema, name, operations } of tables) {
    if (!held.has(`${schema}.${name}`))
      throw new Trouble(
        `the publication "${publication}" lacks "${schema}.${name}"`,
        `alter publication ${quoted(publication)} add table ${quoted(schema)}.${quoted(name)}`,
      )
    const silent = [...operations].find((operation) => published[operation] !== 't')
    if (silent)
      throw new Trouble(`the publication "${publication}" does not publish ${silent}`, 'alter it, or the table')
  }
}
