/** Pure: a change of a row becomes a CloudEvent, its data named as Debezium names them. */

import type { CloudEvent } from '#connector'
import type { Operation } from './config.ts'
import { formatLsn, sortableLsn } from './lsn.ts'
import { encoderOf } from './values.ts'

/** A table as its changes come: the columns in order, and those of its primary key. */
export interface Table {
  readonly schema: string
  readonly name: string
  readonly columns: readonly { readonly name: string; readonly oid: number }[]
  /** Empty when there is none. */
  readonly key: readonly string[]
}

/** Values as Postgres writes them; null is NULL, and what is absent was not sent, as it did not change. */
export type Row = Readonly<Record<string, string | null | undefined>>

/** The transaction that changes came with. */
export interface Transaction {
  /** Of its commit: with the place inside it, this is what names a change for good. */
  readonly lsn: bigint
  readonly txId: number
  /** Microseconds since the epoch at which it was committed. */
  readonly committed: bigint
}

export interface Change {
  /** `read` is a row that was there already when the source began. */
  readonly op: Operation | 'read'
  readonly table: Table
  readonly transaction: Transaction
  /** Counts the changes of the transaction; of a row that was read, those of its table. */
  readonly index: number
  readonly before: Row | null
  readonly after: Row | null
  /** Names a row that was read: the same text for as long as the row is the same. */
  readonly version?: string
}

const OPS = { insert: 'c', update: 'u', delete: 'd', truncate: 't', read: 'r' } as const

/** Returns the event of a change. The same change always gets the same `source` and `id`. */
export function normalize(name: string, change: Change): CloudEvent {
  const { op, table, transaction, index, before, after, version } = change
  const { lsn, sequence, time } = textsOf(transaction)
  const key = keyOf(table, after ?? before)
  return {
    specversion: '1.0',
    id: version === undefined ? `${lsn}/${index}` : `read/${version}`,
    source: sourceOf(name, table),
    // A row that was there is news to whoever reads the table for the first time; `op` tells it from an insert.
    type: `headgate.postgres.${op === 'read' ? 'insert' : op}`,
    ...(key !== undefined && { subject: key }),
    time,
    datacontenttype: 'application/json',
    extensions: {
      sequence: `${sequence}/${String(index).padStart(10, '0')}`,
      ...(key !== undefined && { partitionkey: key }),
    },
    data: Buffer.from(
      `{"op":"${OPS[op]}","before":${toJson(table, before)},"after":${toJson(table, after)}${unchanged(table, after)},"source":${origin(change)}}`,
    ),
  }
}

/** Keeps what is made of an object for as long as there is that object: a transaction may have a million changes. */
function kept<K extends object, V>(make: (key: K) => V): (key: K) => V {
  const held = new WeakMap<K, V>()
  return (key) => {
    const found = held.get(key) ?? make(key)
    held.set(key, found)
    return found
  }
}

const textsOf = kept(({ lsn, committed, txId }: Transaction) => ({
  lsn: formatLsn(lsn),
  sequence: sortableLsn(lsn),
  time: instantOf(committed),
  tsMs: Number(committed / 1_000n),
  txId,
}))

/** The members of a row, each with its name and what writes its value. */
const membersOf = kept(({ columns }: Table) =>
  columns.map(({ name, oid }) => ({ name, head: `${JSON.stringify(name)}:`, encode: encoderOf(oid) })),
)

const placeOf = kept(({ schema, name }: Table) => ({
  uri: encodeURIComponent(`${schema}.${name}`),
  json: `"schema":${JSON.stringify(schema)},"table":${JSON.stringify(name)}`,
}))

/** `/postgres/<name>/<schema>.<table>` */
const sourceOf = (name: string, table: Table): string => `/postgres/${encodeURIComponent(name)}/${placeOf(table).uri}`

/** The values of the primary key, with a comma between; undefined where there is none, or not all of it was sent. */
export function keyOf({ key }: Table, row: Row | null): string | undefined {
  if (row === null || key.length === 0) return undefined
  const [only] = key
  if (key.length === 1 && only !== undefined) return attribute(row[only], UNFIT)
  const values = key.map((column) => attribute(row[column], UNFIT_OF_SEVERAL))
  return values.includes(undefined) ? undefined : values.join(',')
}

/** What no attribute may hold, and what is written for it. */
const UNFIT = /[%\p{Cc}\p{Noncharacter_Code_Point}]/gu
const UNFIT_OF_SEVERAL = /[%,\p{Cc}\p{Noncharacter_Code_Point}]/gu

/** An attribute is never empty. */
const attribute = (value: string | null | undefined, unfit: RegExp): string | undefined =>
  value === '' ? '%' : value?.replace(unfit, encodeURIComponent)

function toJson(table: Table, row: Row | null): string {
  if (row === null) return 'null'
  let members = ''
  for (const { encode, head, name } of membersOf(table)) {
    const value = row[name]
    if (value === undefined) continue
    members += `${members === '' ? '' : ','}${head}${value === null ? 'null' : encode(value)}`
  }
  return `{${members}}`
}

/** Large values that an update left as they were are not in the log: their columns are named, and left out. */
function unchanged({ columns }: Table, after: Row | null): string {
  if (after === null) return ''
  if (columns.every(({ name }) => after[name] !== undefined)) return ''
  const left = columns.filter(({ name }) => after[name] === undefined)
  return `,"unchanged":${JSON.stringify(left.map(({ name }) => name))}`
}

function origin({ table, transaction }: Change): string {
  const { lsn, tsMs, txId } = textsOf(transaction)
  return `{"lsn":"${lsn}","txId":${txId},${placeOf(table).json},"tsMs":${tsMs},"ts_ms":${tsMs}}`
}

/** With microseconds. */
function instantOf(micros: bigint): string {
  const text = new Date(Number(micros / 1_000n)).toISOString()
  return `${text.slice(0, -1)}${String(micros % 1_000n).padStart(3, '0')}Z`
}
