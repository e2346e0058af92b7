/** Each kind of mistake in the `event_sources` form, with its place and what to do about it. */

import { describe, expect, test } from 'vitest'
import { mistakes } from '../harness.ts'

describe('a mistake', () => {
  const entry = (type: string, config: string): string =>
    `functions: { f: f.wasm }\nevent_sources:\n- type: ${type}\n  config: ${config}`
  const topic = (more: string): string =>
    entry('kafka', `{ brokers: ["b:9092"], consumer_group: g, topics: [{ topic: t, target_function: f, ${more} }] }`)
  const queue = (more: string): string =>
    entry('sqs', `{ region: r, queues: [{ name: q, target_function: f, ${more} }] }`)
  test.each<[string, string, string]>([
    ['no list', 'event_sources: {}', '1:16 event_sources: expected a list of entries'],
    [
      'a type that is none',
      entry('kafak', '{}'),
      '3:9 event_sources.0.type: "kafak" is none of http, kafka, storage, cron, database, sqs; did you mean "kafka"?',
    ],
    ['no type', 'event_sources: [{ config: {} }]', '1:17 event_sources.0.type: expected one of http,'],
    [
      'an unknown key of an entry',
      `${entry('cron', '{ schedules: [{ name: a, schedule: "* * * * *", target_function: f }] }')}\n  enable: true`,
      'event_sources.0.enable: "enable" is not known here',
    ],
    [
      'an unknown option',
      entry('http', '{ prot: 80, routes: [{ path: /, target_function: f }] }'),
      '4:13 event_sources.0.config.prot: "prot" is not known here | did you mean "port"?',
    ],
    [
      'an unknown key of a list',
      topic('filtre: x'),
      'event_sources.0.config.topics.0.filtre: "filtre" is not known here | did you mean "filter"?',
    ],
    [
      'a list that is missing',
      entry('http', '{ port: 80 }'),
      'event_sources.0.config.routes: expected a list, got nothing',
    ],
    [
      'a target that is missing',
      entry('http', '{ routes: [{ path: / }] }'),
      'event_sources.0.config.routes.0.target_function: expected text, got nothing',
    ],
    [
      'two addresses',
      entry('http', '{ port: 80, routes: [{ path: /, target_function: f }] }\nhttp: { listen: "127.0.0.1:81" }'),
      '4:19 event_sources.0.config.port: HTTP is taken at one address, and another is given in x.yaml:5',
    ],
    [
      'a method that is none',
      entry('http', '{ routes: [{ path: /, methods: [GET, P-UT], target_function: f }] }'),
      'event_sources.0.config.routes.0.methods.1: "P-UT" is no method',
    ],
    [
      'a path that is none',
      entry('http', '{ routes: [{ path: "a*b", target_function: f }] }'),
      'event_sources.0.config.routes.0.path: the path "a*b" does not begin with /',
    ],
    [
      'a schedule that is none',
      entry('cron', '{ schedules: [{ name: a, schedule: "61 * * * *", target_function: f }] }'),
      '4:46 event_sources.0.config.schedules.0.schedule: "61 * * * *" is not a schedule',
    ],
    [
      'a time zone that is none',
      entry('cron', '{ schedules: [{ name: a, schedule: "1 * * * *", timezone: Mars, target_function: f }] }'),
      '4:69 event_sources.0.config.schedules.0.timezone: "Mars" is not a time zone',
    ],
    [
      'a filter that is none',
      topic(`filter: "event_type == 'a' && typo_ > 1"`),
      'event_sources.0.config.topics.0.filter: "typo_" is not known',
    ],
    [
      'too many retries',
      topic('retry_attempts: -1'),
      'event_sources.0.config.topics.0.retry_attempts: expected at least 0, got -1',
    ],
    [
      'an event that is none',
      entry('storage', '{ provider: aws_s3, buckets: [{ name: b, events: [object.creatd], target_function: f }] }'),
      'did you mean "object.created"?',
    ],
    [
      'a provider that is none',
      entry('storage', '{ provider: gcs, buckets: [{ name: b, target_function: f }] }'),
      '"gcs" is none of aws_s3',
    ],
    [
      'a filter of nothing',
      entry('storage', '{ provider: aws_s3, buckets: [{ name: b, filters: [{}], target_function: f }] }'),
      'expected a prefix or a suffix',
    ],
    [
      'an operation that is none',
      entry(
        'database',
        '{ type: postgresql, connection_string: postgres://h/d, tables: [{ name: t, operations: [UPSERT], target_function: f }, { name: u, operations: [INSERT], target_function: f }] }',
      ),
      '"UPSERT" is none of INSERT, UPDATE, DELETE',
    ],
    [
      'a database that is none',
      entry(
        'database',
        '{ type: mysql, connection_string: x, tables: [{ name: t, operations: [INSERT], target_function: f }] }',
      ),
      '"mysql" is none of postgresql',
    ],
    ['a time that is none', queue('visibility_timeout: soon'), '"soon" is no time; write seconds'],
    ['no attempt', queue('max_receives: 0'), 'expected at least 1, got 0'],
  ])('%s', (_, text, expected) => {
    const found = mistakes(text).filter((line) => !line.includes('there is no connector'))
    expect(found).toHaveLength(1)
    expect(found[0]).toContain(expected)
  })

  test('in a filter is shown where it stands', () => {
    const text = `functions: { f: f.wasm }
event_sources:
  - type: kafka
    config:
      brokers: [b]
      consumer_group: g
      topics:
        - { topic: u, target_function: f }
        - topic: t
          target_function: f
          filter: >-
            event_type == 'a'
            && event_type == typo_
`
    expect(mistakes(text).filter((line) => line.includes('typo_'))).toEqual([
      expect.stringContaining('13:30 event_sources.0.config.topics.1.filter: "typo_" is not known'),
    ])
  })

  test('does not hide others of the same entry', () => {
    const found = mistakes(entry('http', '{ prot: 1, routes: [{ path: x, target_function: g, methd: [] }] }'))
    expect(found.map((line) => line.split(' ')[1])).toEqual([
      'event_sources.0.config.prot:',
      'event_sources.0.config.routes.0.path:',
      'event_sources.0.config.routes.0.target_function:',
      'event_sources.0.config.routes.0.methd:',
    ])
  })
})
