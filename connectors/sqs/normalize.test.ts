/** Golden: a message in, its event out. */

import { globSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { expect, test } from 'vitest'
import type { CloudEvent } from '#connector'
import { eventOf, normalize } from './normalize.ts'
import type { Message } from './queue.ts'

interface Fixture {
  readonly arn: string
  readonly message: Message
  readonly event: Omit<CloudEvent, 'data'> & { readonly data?: string }
}

const files = globSync(join(import.meta.dirname, 'fixtures/*.json'))
const read = (file: string): Fixture => JSON.parse(readFileSync(file, 'utf8'))

test.each(files.map((file) => [basename(file), file]))('%s', (_, file) => {
  const { arn, event, message } = read(file)
  const { data, ...attributes } = normalize(message, arn)
  expect({ ...attributes, ...(data && { data: Buffer.from(data).toString() }) }).toEqual(event)
  expect(eventOf(message) === undefined).toBe(event.source === arn)
})

test('bytes in an attribute are base64, and a message without a body has empty data', () => {
  const attributes = { Blob: { DataType: 'Binary', BinaryValue: Uint8Array.of(255, 0) } }
  const event = normalize({ MessageId: 'm', MessageAttributes: attributes }, 'arn:aws:sqs:r:1:q')
  expect(event.extensions).toEqual({ sqsmsgblob: '/wA=' })
  expect(event.data).toHaveLength(0)
})
