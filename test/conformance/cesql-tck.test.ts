/** The conformance suite of CESQL 1.0, where it lies on the machine: each of its cases is a test. */

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { assemble, type CloudEvent } from '../../src/event/index.ts'
import { compileSql, isFault } from '../../src/router/cesql/index.ts'
import { CESQL_TCK, describeWith } from '../services/service.ts'

interface Case {
  readonly name: string
  readonly expression: string | number | boolean
  readonly result?: unknown
  readonly error?: string
  readonly event?: Readonly<Record<string, unknown>>
  readonly eventOverrides?: Readonly<Record<string, unknown>>
}

const ANY = { specversion: '1.0', id: 'an-id', source: '/a/source', type: 'a.type' }

const eventOf = ({ event, eventOverrides }: Case): CloudEvent =>
  assemble(Object.entries({ ...(event ?? ANY), ...eventOverrides }), undefined, undefined)

function outcome(expression: string, event: CloudEvent): unknown {
  const made = compileSql(expression)
  if ('message' in made) return { error: 'parse' }
  const held = made.run(event)
  return isFault(held) ? { value: held.value, error: held.type } : { value: held }
}

const expected = ({ error, result }: Case): unknown =>
  error === 'parse' ? { error } : { value: result, ...(error === undefined ? {} : { error }) }

describeWith(['cesql_tck'], 'the CESQL conformance suite', () => {
  const files = readdirSync(CESQL_TCK).filter((file) => file.endsWith('.yaml'))
  const cases = files.flatMap((file) => {
    const { tests } = parse(readFileSync(join(CESQL_TCK, file), 'utf8')) as { tests: readonly Case[] }
    return tests.map((one) => ({ ...one, title: `${file}: ${one.name}: ${one.expression}` }))
  })

  test('is whole', () => expect(cases.length).toBeGreaterThanOrEqual(275))

  test.each(cases)('$title', (one) => {
    expect(outcome(String(one.expression), eventOf(one))).toEqual(expected(one))
  })
})
