/** The tables of a source as the catalog knows them, and whether they can be read as configured. */

import type { Client } from 'pg'
import type { Operation, PostgresConfig } from './config.ts'
import type { Table } from './normalize.ts'
import { Trouble } from './trouble.ts'

/** A table of the configuration. */
export interface Wanted extends Table {
  readonly oid: string
  readonly operations: ReadonlySet<Operation>
}

const QUERY = `
  select c.oid::text as oid, n.nspname as schema, c.relname as name, c.relkind as kind, c.relpersistence as persistence,
    c.relreplident as identity,
    (select coalesce(json_agg(json_build_object('name', a.attname, 'oid', a.atttypid::int8) order by a.attnum), '[]')
      from pg_attribute a
      where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = '') as columns,
    (select coalesce(json_agg(a.attname order by a.attnum), '[]') from pg_index i, pg_attribute a
      where i.indrelid = c.oid and i.indisprimary and a.attrelid = c.oid and a.attnum = any(i.indkey)) as key
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where (n.nspname, c.relname) in (select * from unnest($1::text[], $2::text[]))`

interface Found {
  readonly oid: string
  readonly schema: string
  readonly name: string
  readonly kind: string
  readonly persistence: string
  readonly identity: string
  /** JSON. */
  readonly columns: string
  readonly key: string
}

/** `orders` is in the schema public. */
export function nameOf(table: string): { readonly schema: string; readonly name: string } {
  const [first = '', second] = table.split('.')
  return second === undefined ? { schema: 'public', name: first } : { schema: first, name: second }
}

/** Resolves with the tables. Rejects with a `Trouble` that names the first that cannot be read. */
export async function findTables(client: Client, configured: PostgresConfig['tables']): Promise<readonly Wanted[]> {
  const names = Object.keys(configured).map(nameOf)
  const { rows } = await client.query<Found>(QUERY, [names.map(({ schema }) => schema), names.map(({ name }) => name)])
  return Object.entries(configured).map(([table, operations]) => {
    const { schema, name } = nameOf(table)
    const found = rows.find((row) => row.schema === schema && row.name === name)
    if (!found) throw new Trouble(`there is no table "${schema}.${name}"`, 'create it, or take it out of tables')
    check(found, operations)
    const columns = JSON.parse(found.columns) as Table['columns']
    return { schema, name, oid: found.oid, columns, key: JSON.parse(found.key), operations: new Set(operations) }
  })
}

function check({ schema, name, kind, persistence, identity, key }: Found, operations: readonly Operation[]): void {
  const table = `"${schema}.${name}"`
  if (!['r', 'p'].includes(kind)) throw new Trouble(`${table} is not a table`, 'name tables; views have no changes')
  if (persistence !== 'p')
    throw new Trouble(
      `the changes of ${table} are not logged`,
      'it is unlogged or temporary; "alter table ... set logged"',
    )
  // With such a table in a publication, the application's own updates and deletes fail (55000).
  const keyless = identity === 'n' || (identity === 'd' && key === '[]')
  const wanting = operations.filter((one) => one === 'update' || one === 'delete')
  if (keyless && wanting.length > 0)
    throw new Trouble(
      `${table} has no primary key, without which ${wanting.join(' and ')} cannot be told of`,
      `add one, or "alter table ${schema}.${name} replica identity full", or name insert alone`,
    )
}

/** Resolves with the primary key of a table, by its oid; in the order of the table, as the log has it. */
export async function keyOfTable(client: Client, oid: number): Promise<readonly string[]> {
  const { rows } = await client.query<{ name: string }>(
    `select a.attname as name from pg_index i, pg_attribute a
      where i.indrelid = $1 and i.indisprimary and a.attrelid = $1 and a.attnum = any(i.indkey) order by a.attnum`,
    [oid],
  )
  return rows.map(({ name }) => name)
}

/** An identifier or a text inside SQL. */
export const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`
export const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`
