/** The table of a sink: made or checked, and how an event becomes a row of it. */

import type { Client } from 'pg'
import type { CloudEvent } from '#connector'
import { nameOf, quoted } from './tables.ts'
import { stateOf, Trouble } from './trouble.ts'

type Value = string | Buffer | null

/** What each column gets. A table of the operator's own may have some of them, and others that have a default. */
const COLUMNS: Readonly<Record<string, (event: CloudEvent) => Value>> = {
  id: ({ id }) => id,
  source: ({ source }) => source,
  type: ({ type }) => type,
  specversion: ({ specversion }) => specversion,
  subject: ({ subject }) => subject ?? null,
  time: ({ time }) => time ?? null,
  datacontenttype: ({ datacontenttype }) => datacontenttype ?? null,
  dataschema: ({ dataschema }) => dataschema ?? null,
  extensions: ({ extensions }) => JSON.stringify(extensions ?? {}),
  data: ({ data }) => (data === undefined ? null : Buffer.from(data.buffer, data.byteOffset, data.length)),
}
const NEEDED = ['id', 'source']

/** `received` says when a row came; the time of an event is whatever its sender wrote, kept to the letter. */
const make = (table: string): string => `create table if not exists ${table} (
  id text not null, source text not null, type text not null, subject text, time text, datacontenttype text,
  dataschema text, extensions jsonb not null, data bytea, received timestamptz not null default now(),
  primary key (source, id))`

export interface Insert {
  readonly text: string
  values(event: CloudEvent): readonly Value[]
}

/** Resolves with the statement that writes an event. Rejects with a `Trouble` that says what the table lacks. */
export async function prepareTable(client: Client, table: string, create: boolean): Promise<Insert> {
  const { schema, name } = nameOf(table)
  const place = `${quoted(schema)}.${quoted(name)}`
  let types = await columnsOf(client, place)
  if (types.size === 0) {
    if (!create)
      throw new Trouble(
        `there is no table "${schema}.${name}"`,
        `set create: true, or run: ${make(place).replace(/\s+/g, ' ')}`,
      )
    await client.query(make(place))
    types = await columnsOf(client, place)
  }
  const columns = Object.keys(COLUMNS).filter((column) => types.has(column))
  const lacking = NEEDED.find((column) => !types.has(column))
  if (lacking)
    throw new Trouble(
      `the table "${schema}.${name}" has no column "${lacking}"`,
      'it needs id and source, and a unique index on both',
    )
  const asText = types.has('data') && types.get('data') !== 'bytea'
  const text = (values: readonly string[]) =>
    `insert into ${place} (${columns.map(quoted).join(', ')}) values (${values.join(', ')}) on conflict (source, id) do nothing`
  await tryOut(client, text(columns.map(() => 'null')), `${schema}.${name}`)
  return {
    text: text(columns.map((_, at) => `$${at + 1}`)),
    values: (event) => columns.map((column) => cell(column, event, asText)),
  }
}

function cell(column: string, event: CloudEvent, asText: boolean): Value {
  const value = COLUMNS[column]?.(event) ?? null
  return asText && value instanceof Buffer ? value.toString() : value
}

/** Types by name; empty when there is no such table. */
async function columnsOf(client: Client, place: string): Promise<ReadonlyMap<string, string>> {
  const { rows } = await client.query<{ name: string; type: string }>(
    'select attname as name, atttypid::regtype::text as type from pg_attribute where attrelid = to_regclass($1) and attnum > 0 and not attisdropped',
    [place],
  )
  return new Map(rows.map(({ name, type }) => [name, type]))
}

/** Plans the statement without running it: what is wrong with the table is told now, not with each event. */
async function tryOut(client: Client, text: string, table: string): Promise<void> {
  try {
    await client.query(`explain ${text}`)
  } catch (error) {
    // invalid_column_reference
    if (stateOf(error) !== '42P10') throw error
    throw new Trouble(
      `the table "${table}" has no unique index on source and id`,
      'add one: an event that is delivered twice is told by it',
    )
  }
}
