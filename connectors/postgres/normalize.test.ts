/** Golden: a change in, its event out. */

import { globSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { expect, test } from 'vitest'
import { type CloudEvent, validateEvent } from '#connector'
import { type Change, keyOf, normalize, type Transaction } from './normalize.ts'

interface Fixture {
  /** With the transaction's numbers as texts. */
  readonly change: Omit<Change, 'transaction'> & {
    readonly transaction: { readonly lsn: string; readonly txId: number; readonly committed: string }
  }
  readonly event: Omit<CloudEvent, 'data'> & { readonly data: unknown }
}

const files = globSync(join(import.meta.dirname, 'fixtures/*.json'))

const read = (file: string): Fixture => JSON.parse(readFileSync(file, 'utf8'))

const changeOf = ({ change }: Fixture): Change => {
  const { committed, lsn, txId } = change.transaction
  const transaction: Transaction = { lsn: BigInt(lsn), txId, committed: BigInt(committed) }
  return { ...change, transaction }
}

test.each(files.map((file) => [basename(file), file]))('%s', (_, file) => {
  const fixture = read(file)
  const { data, ...attributes } = normalize('shop', changeOf(fixture))
  expect({ ...attributes, data: JSON.parse(Buffer.from(data ?? []).toString()) }).toEqual(fixture.event)
  expect(validateEvent({ ...attributes, ...(data && { data }) })).toEqual([])
})

test('what a reader of Debezium asks for is where it looks', () => {
  for (const file of files) {
    const { data } = normalize('shop', changeOf(read(file)))
    const payload = JSON.parse(Buffer.from(data ?? []).toString())
    expect(Object.keys(payload)).toEqual(expect.arrayContaining(['op', 'before', 'after', 'source']))
    expect('curdt').toContain(payload.op)
    const { lsn, schema, table, ts_ms, txId } = payload.source
    expect([typeof lsn, typeof schema, typeof table, typeof ts_ms, typeof txId]).toEqual([
      ...['string', 'string', 'string', 'number', 'number'],
    ])
  }
})

test.each([
  [{ id: '7' }, ['id'], '7'],
  [{ id: '' }, ['id'], '%'],
  [{ id: 'a\nb%' }, ['id'], 'a%0Ab%25'],
  [{ id: 'a,b' }, ['id'], 'a,b'],
  [{ a: 'x,y', b: 'z' }, ['a', 'b'], 'x%2Cy,z'],
  [{ a: 'x' }, ['a', 'b'], undefined],
  [{ a: 'x' }, [], undefined],
  [null, ['a'], undefined],
])('the key of %j by %j is %j', (row, key, expected) => {
  expect(keyOf({ schema: 's', name: 't', columns: [], key }, row)).toBe(expected)
})
