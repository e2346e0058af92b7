/** Events made up by fast-check, for property tests of everything that carries an event. */

import fc from 'fast-check'
import type { CloudEvent, ExtensionValue } from './event.ts'
import { CONTEXT_ATTRIBUTES } from './text.ts'

/** Text that an attribute may have, of several scripts. */
export const attributeText = fc
  .string({ unit: 'binary', minLength: 1, maxLength: 20 })
  .filter((text) => !/[\p{Cc}\p{Cs}\p{Noncharacter_Code_Point}]/u.test(text))

const name = fc
  .stringMatching(/^[a-z0-9]{1,20}$/)
  .filter((text) => text !== 'data' && text !== 'data_base64' && !CONTEXT_ATTRIBUTES.has(text))

const extensionValue: fc.Arbitrary<ExtensionValue> = fc.oneof(
  attributeText,
  fc.boolean(),
  fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
)

const time = fc
  .date({ min: new Date(0), max: new Date('9999-01-01T00:00:00Z'), noInvalidDate: true })
  .map((date) => date.toISOString().replace('Z', '123456+02:00'))

const json = fc.json({ maxDepth: 4 }).map((text) => ({ datacontenttype: 'application/json', data: Buffer.from(text) }))
const plain = fc.string({ unit: 'binary' }).map((text) => ({ datacontenttype: 'text/plain', data: Buffer.from(text) }))
const bytes = fc.uint8Array().map((data) => ({ datacontenttype: 'application/octet-stream', data: Buffer.from(data) }))
const lies = fc.uint8Array().map((data) => ({ datacontenttype: 'application/json', data: Buffer.from(data) }))

/** A valid event, whatever its data: JSON, text, bytes, bytes that claim to be JSON, or none. */
export const anyEvent: fc.Arbitrary<CloudEvent> = fc
  .record(
    {
      id: attributeText,
      source: fc.webPath().filter((path) => path !== '' && !path.startsWith('//')),
      type: attributeText,
      subject: attributeText,
      time,
      dataschema: fc.webUrl(),
      extensions: fc.dictionary(name, extensionValue, { minKeys: 1, maxKeys: 5, noNullPrototype: true }),
      body: fc.oneof(json, plain, bytes, lies),
    },
    { requiredKeys: ['id', 'source', 'type'] },
  )
  .map(({ body, ...attributes }) => ({ specversion: '1.0', ...attributes, ...body }))
