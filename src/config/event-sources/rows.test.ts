/** Each key of the `event_sources` form does what it says: none is read and left aside. */

import { describe, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { mergeFiles } from '../files.ts'
import { mapping } from '../names.ts'
import { condition } from './filter.ts'
import { expandEventSources } from './index.ts'

/** What one entry expands to, if there is nothing wrong with it. */
function expansion(type: string, config: object, beside: object = {}): Record<string, unknown> {
  const text = stringify({ ...beside, event_sources: [{ type, config }] })
  const { value, problems } = expandEventSources(mergeFiles([{ file: 'x.yaml', text }], { env: {} }))
  expect(problems).toEqual([])
  return { ...value }
}

/** The one source, sink or route of an expansion. */
const only = (expanded: Record<string, unknown>, section: string): Record<string, unknown> => {
  const entries = Object.values(mapping(expanded[section]))
  expect(entries).toHaveLength(1)
  return { ...mapping(entries[0]) }
}

const f = { target_function: 'f' }

describe('http', () => {
  const routes = [{ path: '/a/*', methods: ['GET', 'post'], ...f }]
  test.each([
    [{ host: '0.0.0.0', port: 80 }, '0.0.0.0:80'],
    [{ host: '::', port: 80 }, '[::]:80'],
    [{ host: 'here' }, 'here:8080'],
    [{ port: 80 }, '127.0.0.1:80'],
  ])('%j', (given, listen) => {
    expect(expansion('http', { ...given, routes })).toMatchObject({ http: { listen } })
  })

  test('neither host nor port leaves http as it is', () => {
    expect(expansion('http', { routes })).not.toHaveProperty('http')
    expect(expansion('http', { port: 80, routes }, { http: { body_limit: '2MiB' } })['http']).toEqual({
      body_limit: '2MiB',
      listen: '127.0.0.1:80',
    })
  })

  test('path, methods, target_function', () => {
    expect(only(expansion('http', { routes }), 'routes')).toEqual({
      from: ['http:GET /a/*', 'http:POST /a/*'],
      to: 'f',
    })
    expect(only(expansion('http', { routes: [{ path: '/b', ...f }] }), 'routes')).toEqual({
      from: 'http:* /b',
      to: 'f',
    })
  })

  test('a segment in braces is any', () => {
    const users = [{ path: '/users/{id}/orders', methods: ['GET'], ...f }]
    expect(only(expansion('http', { routes: users }), 'routes')).toMatchObject({ from: 'http:GET /users/:id/orders' })
  })
})

describe('kafka', () => {
  const config = { brokers: ['b:1', 'c:1'], consumer_group: 'g' }
  const topic = { topic: 't.x', ...f }

  test('brokers, consumer_group, topic, target_function', () => {
    const expanded = expansion('kafka', { ...config, topics: [topic] })
    expect(expanded['sources']).toEqual({ kafka: { kafka: { brokers: ['b:1', 'c:1'], group: 'g', topics: ['t.x'] } } })
    expect(expanded['routes']).toEqual({ 't-x': { from: 'kafka', to: 'f' } })
    const listed = expansion('kafka', { ...config, brokers: 'b:1, c:1', topics: [topic] })
    expect(listed['sources']).toEqual(expanded['sources'])
  })

  test('filter, of one topic and of several', () => {
    const filter = "event_type == 'a'"
    expect(only(expansion('kafka', { ...config, topics: [{ ...topic, filter }] }), 'routes')).toMatchObject({
      when: "type == 'a'",
    })
    // A record that is no CloudEvent has its type in its data.
    expect(expansion('kafka', { ...config, topics: [{ ...topic, filter }] })).toMatchObject({
      sources: { kafka: { as: { type: 'has(data.event_type) ? data.event_type : type' } } },
    })
    const two = expansion('kafka', {
      ...config,
      topics: [
        { ...topic, filter },
        { topic: 'u', ...f },
      ],
    })
    expect(two['routes']).toMatchObject({
      't-x': { when: `topic == "t.x" && (type == 'a')` },
      u: { when: 'topic == "u"' },
    })
    const twice = expansion('kafka', { ...config, topics: [{ ...topic, filter }, topic] })
    expect(twice).toMatchObject({
      sources: { kafka: { kafka: { topics: ['t.x'] } } },
      routes: { 't-x': { when: "type == 'a'" }, 't-x-2': { from: 'kafka' } },
    })
  })

  test('dead_letter_topic, once for all that name it; retry_attempts', () => {
    const given = { ...topic, dead_letter_topic: 'f', retry_attempts: 5 }
    const expanded = expansion('kafka', { ...config, topics: [given, { ...given, topic: 'u' }] })
    expect(expanded['sinks']).toEqual({ 'f-2': { kafka: { brokers: ['b:1', 'c:1'], topic: 'f' } } })
    expect(expanded['routes']).toMatchObject({
      't-x': { retry: 5, dead_letter: 'f-2' },
      u: { retry: 5, dead_letter: 'f-2' },
    })
  })
})

describe('storage', () => {
  const bucket = { name: 'my.bucket', events: ['object.created', 'object.deleted'], ...f }
  const expanded = (more: object, config: object = {}) =>
    expansion('storage', { provider: 'aws_s3', ...config, buckets: [{ ...bucket, ...more }] })

  test('name, events, target_function, region', () => {
    expect(expanded({})['sources']).toEqual({
      'my-bucket': { storage: { s3: { bucket: 'my.bucket' }, events: ['created', 'deleted'] } },
    })
    expect(only(expanded({}), 'routes')).toEqual({ from: 'my-bucket', to: 'f' })
    expect(only(expanded({ events: ['object.deleted'] }), 'sources')).toMatchObject({
      storage: { events: ['deleted'] },
    })
    expect(only(expanded({}, { region: 'r' }), 'sources')).toMatchObject({ storage: { s3: { region: 'r' } } })
  })

  test('several filters are alternatives', () => {
    const filters = [{ suffix: '.jpg' }, { prefix: 'a/', suffix: '.png' }]
    expect(only(expanded({ filters }), 'routes')).toMatchObject({
      when: 'subject.endsWith(".jpg") || subject.startsWith("a/") && subject.endsWith(".png")',
    })
    expect(only(expanded({ filters: [] }), 'routes')).not.toHaveProperty('when')
  })
})

test.each(['0 2 * * *', '*/10 0 2 * * MON-FRI'])('cron: name, schedule %s, target_function, timezone', (schedule) => {
  const expanded = expansion('cron', { schedules: [{ name: 'tick tock', schedule, timezone: 'Asia/Tokyo', ...f }] })
  expect(expanded['sources']).toEqual({ 'tick-tock': { cron: { schedule, timezone: 'Asia/Tokyo' } } })
  expect(expanded['routes']).toEqual({ 'tick-tock': { from: 'tick-tock', to: 'f' } })
})

describe('database', () => {
  const config = { type: 'postgresql', connection_string: 'postgres://db/shop' }
  const users = { name: 'users', operations: ['INSERT', 'UPDATE', 'DELETE'], ...f }

  test('connection_string, name, operations, target_function', () => {
    const expanded = expansion('database', { ...config, tables: [users] })
    expect(expanded['sources']).toEqual({
      database: { postgres: { url: 'postgres://db/shop', tables: { users: ['insert', 'update', 'delete'] } } },
    })
    expect(expanded['routes']).toEqual({ users: { from: 'database', to: 'f' } })
  })

  test('a route takes its own table, and its own operations when others want others', () => {
    const tables = [
      { ...users, operations: ['INSERT'] },
      { ...users, operations: ['DELETE'], target_function: 'g' },
      { ...users, name: 'sales.orders' },
    ]
    expect(expansion('database', { ...config, tables })).toMatchObject({
      sources: { database: { postgres: { tables: { users: ['insert', 'delete'] } } } },
      routes: {
        users: { when: 'source == "/postgres/database/public.users" && type in ["headgate.postgres.insert"]' },
        'users-2': {
          when: 'source == "/postgres/database/public.users" && type in ["headgate.postgres.delete"]',
          to: 'g',
        },
        'sales-orders': { when: 'source == "/postgres/database/sales.orders"' },
      },
    })
  })
})

test('sqs: region, name, target_function, batch_size, visibility_timeout, max_receives, dead_letter_queue', () => {
  const queue = {
    name: 'jobs.fifo',
    batch_size: 10,
    visibility_timeout: 300,
    max_receives: 3,
    dead_letter_queue: 'd',
    ...f,
  }
  const expanded = expansion('sqs', { region: 'r', queues: [queue] })
  expect(expanded['sources']).toEqual({
    'jobs-fifo': { sqs: { region: 'r', queue: 'jobs.fifo', batch: 10, visibility: '300s' } },
  })
  expect(expanded['sinks']).toEqual({ d: { sqs: { region: 'r', queue: 'd' } } })
  expect(expanded['routes']).toEqual({ 'jobs-fifo': { from: 'jobs-fifo', to: 'f', retry: 2, dead_letter: 'd' } })
  const short = expansion('sqs', { region: 'r', queues: [{ name: 'q', visibility_timeout: '5m', ...f }] })
  expect(short['sources']).toEqual({ q: { sqs: { region: 'r', queue: 'q', visibility: '5m' } } })
  expect(short['routes']).toEqual({ q: { from: 'q', to: 'f' } })
})

test('a name is that of the source, where an entry is one source', () => {
  const entry = {
    type: 'kafka',
    name: 'shop',
    config: { brokers: ['b:1'], consumer_group: 'g', topics: [{ topic: 't', ...f }] },
  }
  const text = stringify({ event_sources: [entry, entry] })
  const { value } = expandEventSources(mergeFiles([{ file: 'x.yaml', text }], { env: {} }))
  expect(Object.keys(mapping(value['sources']))).toEqual(['shop', 'shop-2'])
})

test('names that mean something else are avoided', () => {
  const buckets = ['http', 'any', '/'].map((name) => ({ name, ...f }))
  const expanded = expansion('storage', { provider: 'aws_s3', buckets }, { sources: { root: { cron: {} } } })
  expect(Object.keys(mapping(expanded['sources']))).toEqual(['root', 'http-2', 'any-2', 'root-2'])
})

describe('in a filter', () => {
  test.each([
    ['event_type == "a"', 'type == "a"'],
    [
      `x.event_type == 'event_type' || event_types || event_type in ["b"]`,
      `x.event_type == 'event_type' || event_types || type in ["b"]`,
    ],
    [`'it\\'s event_type' == event_type`, `'it\\'s event_type' == type`],
    [`'''event_type 'a' ''' == event_type`, `'''event_type 'a' ''' == type`],
  ])('%s', (filter, cel) => expect(condition(filter).text).toBe(cel))

  test('each character is found again', () => {
    const filter = 'event_type == "a" && (event_type == typo)'
    const { text, origin } = condition(filter)
    for (const word of ['== "a"', '== typo', 'typo']) expect(origin(text.indexOf(word))).toBe(filter.indexOf(word))
    expect(origin(0)).toBe(0)
    expect(origin(text.lastIndexOf('type'))).toBe(filter.lastIndexOf('event_type'))
  })
})

test.each([
  ['kafka', { brokers: 'b:1', consumer_group: 'g', topics: [{ topic: 't', ...f }] }],
  [
    'database',
    {
      type: 'postgresql',
      connection_string: 'postgres://db/shop',
      tables: [{ name: 'u', operations: ['INSERT'], ...f }],
    },
  ],
])('name of an entry that is one source: %s', (type, config) => {
  const text = stringify({ event_sources: [{ type, name: 'mine', config }] })
  const { value } = expandEventSources(mergeFiles([{ file: 'x.yaml', text }], { env: {} }))
  expect(Object.keys(mapping(value['sources']))).toEqual(['mine'])
  expect(only({ ...value }, 'routes')).toMatchObject({ from: 'mine' })
})
