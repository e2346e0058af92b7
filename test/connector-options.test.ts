/** Each option of a connector has a test that fails when the option is ignored: which one, is told here. */

import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import * as z from 'zod'
import { connectors } from '../connectors/index.ts'

type Schema = z.core.JSONSchema.BaseSchema

/** Of each file the titles of its tests, as far as they tell them from others, with the options that they are for. */
const TESTED: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'connectors/kafka/faults.server.test.ts': {
    'without credit nothing is offered, little is held': 'kafka.source: buffer topics',
    'from the end': 'kafka.source: from',
  },
  'connectors/kafka/options.server.test.ts': {
    'client_id of a source': 'kafka.source: client_id topic',
    session_timeout: 'kafka.source: session_timeout',
    '%s of a sink is in what it sends': 'kafka.sink: client_id key mode compression',
    'timeout ends an attempt of a sink': 'kafka.sink: timeout',
    'server_name is what': 'kafka.source: tls.server_name; kafka.sink: tls.server_name',
  },
  'connectors/kafka/security.server.test.ts': {
    'oauthbearer with a token': 'kafka.source: sasl sasl.token; kafka.sink: sasl sasl.token',
    'oauthbearer with tokens from a server':
      'kafka.source: sasl.token_url sasl.client_id sasl.client_secret sasl.scope; kafka.sink: sasl.token_url sasl.client_id sasl.client_secret sasl.scope',
    'TLS with an authority of its own': 'kafka.source: tls tls.ca; kafka.sink: tls tls.ca',
    'TLS with a certificate of the client, in place': 'kafka.source: tls.cert tls.key; kafka.sink: tls.cert tls.key',
  },
  'connectors/sqs/options.server.test.ts': {
    'batch, visibility and wait of a source': 'sqs.source: batch visibility wait region endpoint',
    'with receivers: %i': 'sqs.source: receivers',
    'max_backoff is the longest': 'sqs.source: max_backoff',
    'mode and group of a sink': 'sqs.sink: mode group region endpoint',
    'timeout of a sink ends': 'sqs.sink: timeout',
  },
  'connectors/sqs/faults.server.test.ts': {
    'poison goes to dead_letter': 'sqs.source: dead_letter max_receives',
  },
  'connectors/storage/directory.test.ts': {
    'suffix, prefix and events choose': 'storage.source: directory suffix prefix events',
    'what is too large to fetch': 'storage.source: fetch fetch_limit',
    'stable is how long': 'storage.source: stable',
    'hidden: true': 'storage.source: hidden',
    'what the system did not tell of': 'storage.source: rescan',
  },
  'connectors/storage/faults.server.test.ts': {
    'a bucket that sends to no queue': 'storage.source: s3.queue',
  },
  'connectors/storage/options.server.test.ts': {
    'visibility and wait are what the queue': 'storage.source: s3 s3.visibility s3.wait s3.region s3.endpoint',
    'timeout ends a put': 'storage.sink: timeout s3 s3.region s3.endpoint',
  },
  'connectors/storage/webhook.test.ts': {
    'what the gateway refuses is told, and a path is free': 'storage.source: webhook webhook.path',
  },
  'connectors/storage/sink.test.ts': {
    'a template makes the path, and mode data': 'storage.sink: directory path mode',
  },
  'connectors/postgres/load.server.test.ts': {
    'rows that were there come once': 'postgres.source: snapshot',
  },
  'connectors/postgres/start.server.test.ts': {
    'a publication and a slot of the operator': 'postgres.source: publication slot',
    'publications that may not be made': 'postgres.source: create',
  },
  'connectors/postgres/faults.server.test.ts': {
    'how far it is behind is measured': 'postgres.source: warn_lag',
  },
  'connectors/postgres/options.server.test.ts': {
    'connect_timeout of a %s': 'postgres.source: connect_timeout; postgres.sink: connect_timeout',
    'timeout of a sink ends': 'postgres.sink: timeout',
    'max_connections is how many': 'postgres.sink: max_connections',
    'create: false wants the table there': 'postgres.sink: create table',
  },
}

/** `kafka.source: buffer topics` as `kafka.source.buffer` and `kafka.source.topics`. */
const optionsOf = (text: string): readonly string[] =>
  text.split('; ').flatMap((each) => {
    const [half = '', names = ''] = each.split(': ')
    return names.split(' ').map((name) => `${half}.${name}`)
  })

const isSchema = (given: unknown): given is Schema => typeof given === 'object' && given !== null

/** The paths of the options that may be left out: without one that may not, nothing starts. */
function* paths(part: Schema, at: string): Generator<string> {
  for (const one of [...(part.anyOf ?? []), ...(part.oneOf ?? []), ...(part.allOf ?? [])])
    if (isSchema(one)) yield* paths(one, at)
  for (const [name, held] of Object.entries(part.properties ?? {})) {
    if (!isSchema(held)) continue
    if (!part.required?.includes(name)) yield `${at}.${name}`
    yield* paths(held, `${at}.${name}`)
  }
}

const SERVERS = ['kafka', 'sqs', 'storage', 'postgres']
const all = connectors
  .filter(({ type }) => SERVERS.includes(type))
  .flatMap(({ sink, source, type }) =>
    Object.entries({ source, sink }).flatMap(([half, spec]) => {
      if (spec === undefined) return []
      const schema = z.toJSONSchema(spec.config, { io: 'input', unrepresentable: 'any', reused: 'inline' })
      return [...paths(schema, `${type}.${half}`)]
    }),
  )

test('no option is left out, and none is told of that is not there', () => {
  const told = Object.values(TESTED).flatMap((titles) => Object.values(titles).flatMap(optionsOf))
  expect(told.toSorted()).toEqual([...new Set(all)].toSorted())
  expect(told.length).toBeGreaterThan(60)
})

test.each(Object.entries(TESTED))('%s has these tests', (file, titles) => {
  const path = join(import.meta.dirname, '..', file)
  expect(existsSync(path)).toBe(true)
  const text = readFileSync(path, 'utf8')
  expect(Object.keys(titles).filter((title) => !text.includes(title))).toEqual([])
})
