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
  const key = keyOf(table, after ?? before)
  return {
    specversion: '1.0',
    id: version === undefined ? `${formatLsn(transaction.lsn)}/${index}` : `read/${version}`,
    source: sourceOf(name, table),
    // A row that was there is news to whoever reads the table for the first time; `op` tells it from an insert.
    type: `headgate.postgres.${op === 'read' ? 'insert' : op}`,
    ...(key !== undefined && { subject: key }),
    time: instantOf(transaction.committed),
    datacontenttype: 'application/json',
    extensions: {
      sequence: `${sortableLsn(transaction.lsn)}/${String(index).padStart(10, '0')}`,
      ...(key !== undefined && { partitionkey: key }),
    },
    data: Buffer.from(
      `{"op":"${OPS[op]}","before":${toJson(table, before)},"after":${toJson(table, after)}${unchanged(table, after)},"source":${origin(change)}}`,
    ),
  }
}

/** `/postgres/<name>/<schema>.<table>` */
export const sourceOf = (name: string, { schema, name: table }: Pick<Table, 'schema' | 'name'>): string =>
  `/postgres/${[name, `${schema}.${table}`].map(encodeURIComponent).join('/')}`

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

function toJson({ columns }: Table, row: Row | null): string {
  if (row === null) return 'null'
  let members = ''
  for (const { name, oid } of columns) {
    const value = row[name]
    if (value === undefined) continue
    members += `${members === '' ? '' : ','}${JSON.stringify(name)}:${value === null ? 'null' : encoderOf(oid)(value)}`
  }
  return `{${members}}`
}

/** Large values that an update left as they were are not in the log: their columns are named, and left out. */
function unchanged({ columns }: Table, after: Row | null): string {
  if (after === null) return ''
  const left = columns.filter(({ name }) => after[name] === undefined)
  return left.length === 0 ? '' : `,"unchanged":${JSON.stringify(left.map(({ name }) => name))}`
}

function origin({ table, transaction: { committed, lsn, txId } }: Change): string {
  const ms = committed / 1_000n
  const { schema, name } = table
  return `{"lsn":"${formatLsn(lsn)}","txId":${txId},"schema":${JSON.stringify(schema)},"table":${JSON.stringify(name)},"tsMs":${ms},"ts_ms":${ms}}`
}

/** With microseconds. */
export function instantOf(micros: bigint): string {
  const text = new Date(Number(micros / 1_000n)).toISOString()
  return `${text.slice(0, -1)}${String(micros % 1_000n).padStart(3, '0')}Z`
}
