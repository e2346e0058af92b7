/** The batch format: which event is wrong, and what is no list. */

import { expect, test } from 'vitest'
import { formatJsonBatch, parseJsonBatch } from './batch.ts'

const bytes = (text: string) => new TextEncoder().encode(text)
const GOOD = '{"specversion":"1.0","id":"1","source":"/s","type":"t","data":[1.0, "]"]}'

test('reads each event, data exact, whatever the white space', () => {
  const events = parseJsonBatch(bytes(` [ ${GOOD} ,\n${GOOD}] `))
  expect(events.map(({ data }) => data && Buffer.from(data).toString())).toEqual(['[1.0, "]"]', '[1.0, "]"]'])
  expect(parseJsonBatch(bytes('[ ]'))).toEqual([])
  expect(Buffer.from(formatJsonBatch([])).toString()).toBe('[]')
})

test.each([
  ['', /ends too early/],
  ['{}', /expected a list/],
  [GOOD, /expected a list/],
  ['[', /ends too early/],
  [`[${GOOD},]`, /not JSON/],
  [`[${GOOD} ${GOOD}]`, /not JSON/],
  [`[,${GOOD}]`, /not JSON/],
  [`[${GOOD}]]`, /not JSON/],
  [`[${GOOD},7]`, /event 1: .*expected an object/],
  [`[${GOOD},{"id":""}]`, /event 1: .*"id" is empty/],
  [`[[${GOOD}]]`, /event 0: .*expected an object/],
  [`[${'['.repeat(200_000)}]`, /nested deeper/],
])('refuses %.60s', (text, message) => {
  expect(() => parseJsonBatch(bytes(text))).toThrow(expect.objectContaining({ code: 'EVENT_INVALID' }))
  expect(() => parseJsonBatch(bytes(text))).toThrow(message)
})
