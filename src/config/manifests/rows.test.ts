/** Each key of a manifest does what it says: none is read and left aside. */

import { describe, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { mergeFiles } from '../files.ts'
import { type FunctionFolder, mapping } from '../names.ts'
import { expandManifests } from './index.ts'

const FOLDER: FunctionFolder = {
  path: 'functions',
  files: new Map(['resize', 'echo@1', 'echo@2'].map((name) => [name, `/functions/${name}.wasm`])),
}

/** What a file expands to, if there is nothing wrong with it. */
function expansion(text: string, folder?: FunctionFolder): Record<string, unknown> {
  const { value, problems } = expandManifests(mergeFiles([{ file: 'x.yaml', text }], { env: { SECRET: 's' } }), folder)
  expect(problems).toEqual([])
  return { ...value }
}

const manifest = (spec: object, name = 'f'): string =>
  stringify({ apiVersion: 'a/v1', kind: 'WasmFunction', metadata: { name }, spec: { image: './f.wasm', ...spec } })

/** What a function becomes. */
const made = (spec: object, folder?: FunctionFolder): unknown =>
  mapping(expansion(manifest(spec), folder)['functions'])['f']

/** What the triggers of one function become. */
const triggered = (...triggers: object[]): Record<string, unknown> => {
  const { functions: _, ...rest } = expansion(manifest({ triggers }))
  return rest
}

describe('image', () => {
  test.each([
    ['./f.wasm', './f.wasm'],
    ['../a/f.wasm', '../a/f.wasm'],
    ['/a/f.wasm', '/a/f.wasm'],
    ['f.wasm', 'f.wasm'],
    ['resize.wasm', '/functions/resize.wasm'],
    ['resize', '/functions/resize.wasm'],
    ['./resize.wasm', './resize.wasm'],
    ['./layout', './layout'],
    ['./layout:1.2', './layout:1.2'],
    ['./layout@sha256:0123', './layout@sha256:0123'],
    ['oci:../layout:1.2', '../layout:1.2'],
  ])('%s is %s', (image, wasm) => expect(made({ image }, FOLDER)).toEqual({ wasm }))

  test.each(['echo:2', 'echo@2', 'echo@2.wasm'])('%s is a version', (image) => {
    expect(made({ image }, FOLDER)).toEqual({ wasm: '/functions/echo@2.wasm', version: '2' })
  })
})

test.each<[string, object, object]>([
  ['minReplicas and maxReplicas', { minReplicas: 2, maxReplicas: 20 }, { pool: { min: 2, max: 20 } }],
  ['minReplicas alone', { minReplicas: 0 }, { pool: { min: 0 } }],
  ['timeout in seconds', { timeout: 30 }, { timeout: '30s' }],
  ['timeout in parts of a second', { timeout: 0.25 }, { timeout: '250ms' }],
  ['timeout as text', { timeout: '30' }, { timeout: '30s' }],
  ['timeout as a duration', { timeout: '1h1m1.5s' }, { timeout: '3661500ms' }],
  ['timeoutSeconds', { timeoutSeconds: 5 }, { timeout: '5s' }],
  ['environment as a mapping', { environment: { A: 'a', B: `$\{SECRET}` } }, { env: { A: 'a', B: 's' } }],
  ['environment as a list', { environment: [{ name: 'A', value: 'a' }, { name: 'B' }] }, { env: { A: 'a', B: '' } }],
  ['env', { env: [{ name: 'A', value: 'a' }] }, { env: { A: 'a' } }],
  ['memory', { resources: { limits: { memory: '64Mi' } } }, { memory: '64MiB' }],
  ['memory in thousands', { resources: { limits: { memory: '128k' } } }, { memory: '125KiB' }],
  ['memory in bytes', { resources: { limits: { memory: 1_000_001 } } }, { memory: '1000001B' }],
  ['memory with an exponent', { resources: { limits: { memory: '1e8' } } }, { memory: '100000000B' }],
  ['memory in parts', { resources: { limits: { memory: '0.5Gi' } } }, { memory: '512MiB' }],
  ['approve', { approve: ['wasi:sockets'] }, { approve: ['wasi:sockets'] }],
  ['no limit', { resources: {} }, {}],
  ['no trigger', { triggers: [] }, {}],
])('%s', (_, spec, expected) => expect(made(spec)).toEqual({ wasm: './f.wasm', ...expected }))

test('the label of the version', () => {
  const labels = { 'app.kubernetes.io/version': '1.2.0', app: 'x' }
  const text = stringify({ kind: 'WasmFunction', metadata: { name: 'f', labels }, image: './f.wasm' })
  expect(expansion(text)['functions']).toEqual({ f: { wasm: './f.wasm', version: '1.2.0' } })
})

test('a List, as kubectl get prints it', () => {
  const item = (name: string, more: object = {}) => ({
    apiVersion: 'a/v1',
    kind: 'WasmFunction',
    metadata: { name, uid: 'u', annotations: { a: 'b' } },
    spec: { image: './f.wasm' },
    ...more,
  })
  const text = stringify({
    apiVersion: 'v1',
    kind: 'List',
    items: [item('a'), item('b', { status: {} }), { ...item('c'), kind: 'Pod' }],
  })
  const { value, notes, problems } = expandManifests(mergeFiles([{ file: 'x.yaml', text }], { env: {} }))
  expect(problems).toEqual([])
  expect(Object.keys(mapping(value['functions']))).toEqual(['a', 'b'])
  expect(notes).toEqual([
    'x.yaml:23: passed over: Pod "c"',
    'x.yaml:22: passed over: status of WasmFunction "b": Kubernetes writes it',
  ])
})

test('several files, beside a configuration', () => {
  const files = [
    { file: 'a.yaml', text: 'functions: { g: g.wasm }\nroutes: { r: { from: any, to: f } }\n' },
    { file: 'b.yaml', text: manifest({ triggers: [{ triggerType: 'http', config: { path: '/f' } }] }) },
  ]
  const { value, problems } = expandManifests(mergeFiles(files, { env: {} }))
  expect(problems).toEqual([])
  expect(value).toEqual({
    functions: { g: 'g.wasm', f: { wasm: './f.wasm' } },
    routes: { r: { from: 'any', to: 'f' }, 'f-http': { from: 'http:* /f', to: 'f' } },
  })
})

describe('http', () => {
  test.each<[object, unknown]>([
    [{ path: '/a/*' }, 'http:* /a/*'],
    [{ path: '/a/{id}/b', method: 'get' }, 'http:GET /a/:id/b'],
    [{ path: '/a', methods: ['GET', 'POST'] }, ['http:GET /a', 'http:POST /a']],
  ])('%j', (config, from) => {
    expect(triggered({ triggerType: 'http', config })).toEqual({ routes: { 'f-http': { from, to: 'f' } } })
  })

  test('a name is that of the route', () => {
    expect(triggered({ type: 'http', name: 'front door', config: { path: '/' } })['routes']).toHaveProperty(
      'front-door',
    )
  })
})

describe('cron', () => {
  test('schedule, timezone, data', () => {
    const config = { schedule: '0 2 * * *', timeZone: 'Asia/Tokyo', data: { a: 1 } }
    expect(triggered({ triggerType: 'cron', config })).toEqual({
      sources: { 'f-cron': { cron: { schedule: '0 2 * * *', timezone: 'Asia/Tokyo', data: { a: 1 } } } },
      routes: { 'f-cron': { from: 'f-cron', to: 'f' } },
    })
  })

  test('two of them', () => {
    const one = { triggerType: 'cron', config: { schedule: '@daily' } }
    expect(Object.keys(mapping(triggered(one, one)['sources']))).toEqual(['f-cron', 'f-cron-2'])
  })
})

describe('kafka', () => {
  const kafka = (config: object, more: object = {}) => ({ triggerType: 'kafka', ...more, config })

  test('brokers, topic; the group is the function', () => {
    expect(triggered(kafka({ brokers: 'b:1, c:1', topic: 't' }))).toEqual({
      sources: { 'f-kafka': { kafka: { brokers: ['b:1', 'c:1'], group: 'f', topics: ['t'] } } },
      routes: { 'f-kafka': { from: 'f-kafka', to: 'f' } },
    })
  })

  test('consumerGroup, filter, deadLetterTopic, retryAttempts, in either case', () => {
    const camel = { consumerGroup: 'g', filter: "event_type == 'a'", deadLetterTopic: 'd', retryAttempts: 2 }
    const snake = { consumer_group: 'g', filter: "event_type == 'a'", dead_letter_topic: 'd', retry_attempts: 2 }
    const expected = {
      sources: {
        'f-kafka': {
          kafka: { brokers: ['b:1'], group: 'g', topics: ['t'] },
          as: { type: 'has(data.event_type) ? data.event_type : type' },
        },
      },
      routes: { 'f-kafka': { from: 'f-kafka', when: "type == 'a'", to: 'f', retry: 2, dead_letter: 'd' } },
      sinks: { d: { kafka: { brokers: ['b:1'], topic: 'd' } } },
    }
    for (const config of [camel, snake])
      expect(triggered(kafka({ bootstrapServers: ['b:1'], topics: ['t'], ...config }))).toEqual(expected)
  })

  test('one group is one source, and each trigger gets its own topics', () => {
    const config = { brokers: 'b:1' }
    const expanded = triggered(
      kafka({ ...config, topic: 't' }),
      kafka({ ...config, topics: ['t', 'u', 'v'] }),
      kafka({ ...config, group: 'g', topic: 't' }),
    )
    expect(expanded['sources']).toMatchObject({
      'f-kafka': { kafka: { group: 'f', topics: ['t', 'u', 'v'] } },
      'f-kafka-2': { kafka: { group: 'g', topics: ['t'] } },
    })
    expect(expanded['routes']).toEqual({
      'f-kafka': { from: 'f-kafka', when: 'topic == "t"', to: 'f' },
      'f-kafka-2': { from: 'f-kafka', to: 'f' },
      'f-kafka-3': { from: 'f-kafka-2', to: 'f' },
    })
  })

  test('a source of the configuration', () => {
    const routes = triggered(kafka({ source: 's' }), kafka({ source: 's', topics: ['t', 'u'], filter: 'true' }))
    expect(routes).toEqual({
      routes: {
        'f-kafka': { from: 's', to: 'f' },
        'f-kafka-2': { from: 's', when: 'topic in ["t", "u"] && (true)', to: 'f' },
      },
    })
  })
})

describe('storage', () => {
  const storage = (config: object) => ({ triggerType: 'storage', config })
  const CREATED = { events: ['object.created'] }

  test('bucket, provider, region, endpoint, queue, events', () => {
    const s3 = { bucket: 'b', region: 'r', endpoint: 'http://s3:1', queue: 'q' }
    expect(triggered(storage({ provider: 'aws_s3', ...s3, ...CREATED }))).toEqual({
      sources: { 'f-storage': { storage: { s3, events: ['created'] } } },
      routes: { 'f-storage': { from: 'f-storage', to: 'f' } },
    })
  })

  test('a directory', () => {
    expect(triggered(storage({ directory: 'd' }))['sources']).toEqual({ 'f-storage': { storage: { directory: 'd' } } })
  })

  test.each<[object, string]>([
    [{ suffix: '.jpg' }, 'subject.endsWith(".jpg")'],
    [{ prefix: ['a/', 'b/'] }, 'subject.startsWith("a/") || subject.startsWith("b/")'],
    [{ prefix: 'a/', suffix: '.b' }, '(subject.startsWith("a/")) && (subject.endsWith(".b"))'],
    [
      { filters: [{ prefix: 'a/', suffix: '.b' }, { suffix: '.c' }] },
      'subject.startsWith("a/") && subject.endsWith(".b") || subject.endsWith(".c")',
    ],
  ])('%j', (config, when) => {
    expect(triggered(storage({ directory: 'd', ...config }))['routes']).toMatchObject({ 'f-storage': { when } })
  })

  test('one bucket is one source, and each trigger gets its own events', () => {
    const expanded = triggered(
      storage({ bucket: 'b', ...CREATED }),
      storage({ bucket: 'b', events: ['deleted', 'created'] }),
      storage({ bucket: 'c' }),
    )
    expect(expanded['sources']).toEqual({
      'f-storage': { storage: { s3: { bucket: 'b' }, events: ['created', 'deleted'] } },
      'f-storage-2': { storage: { s3: { bucket: 'c' } } },
    })
    expect(expanded['routes']).toEqual({
      'f-storage': { from: 'f-storage', when: 'type in ["headgate.storage.created"]', to: 'f' },
      'f-storage-2': { from: 'f-storage', to: 'f' },
      'f-storage-3': { from: 'f-storage-2', to: 'f' },
    })
  })

  test('a source of the configuration', () => {
    expect(triggered(storage({ source: 's', ...CREATED }))).toEqual({
      routes: { 'f-storage': { from: 's', when: 'type in ["headgate.storage.created"]', to: 'f' } },
    })
  })
})
