/** Golden: a record in, its event out. */

import { globSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { expect, test } from 'vitest'
import type { CloudEvent } from '#connector'
import { type KafkaRecord, normalize } from './normalize.ts'

/** Bytes are written as text, or as `{ base64 }` where they are none. */
type Bytes = string | { readonly base64: string } | null

interface Fixture {
  readonly record: {
    readonly key: Bytes
    readonly value: Bytes
    readonly headers?: Readonly<Record<string, Bytes | readonly Bytes[]>>
    readonly timestamp: string
    readonly offset: string
  }
  readonly event: Omit<CloudEvent, 'data'> & { readonly data?: Bytes }
}

const bytes = (given: Bytes): Buffer | null => {
  if (given === null) return null
  return typeof given === 'string' ? Buffer.from(given) : Buffer.from(given.base64, 'base64')
}

function readRecord({ headers = {}, key, offset, timestamp, value }: Fixture['record']): KafkaRecord {
  const read = Object.entries(headers).map(([name, given]) => {
    const all = [given].flat() as Bytes[]
    const values = all.map((each) => bytes(each) ?? Buffer.alloc(0))
    return [name, Array.isArray(given) ? values : values[0]] as const
  })
  return { key: bytes(key), value: bytes(value), headers: Object.fromEntries(read), timestamp, offset }
}

const files = globSync(join(import.meta.dirname, 'fixtures/*.json'))
const origin = { name: 'orders', topic: 'shop.orders', partition: 3 }

test.each(files.map((file) => [basename(file), file]))('%s', (_, file) => {
  const { event, record } = JSON.parse(readFileSync(file, 'utf8')) as Fixture
  const made = normalize(readRecord(record), origin)
  const { data, ...attributes } = made.event
  // What is no CloudEvent is of this type: the operator's `as` may name it otherwise, and nothing else.
  expect(made.made).toBe(event.type === 'dev.knative.kafka.event')
  const { data: wanted, ...others } = event
  expect(attributes).toEqual(others)
  expect(data === undefined ? undefined : Buffer.from(data)).toEqual(wanted === undefined ? undefined : bytes(wanted))
})

test('a record gets the same name each time', () => {
  const record = readRecord({ key: 'k', value: 'v', timestamp: '1774751400000', offset: '7' })
  expect(normalize(record, origin)).toEqual(normalize(record, origin))
})
