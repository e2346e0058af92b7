/** Each kind of mistake in a manifest, with its place and what to do about it. */

import { describe, expect, test } from 'vitest'
import { mistakes } from '../harness.ts'
import type { LoadOptions } from '../load.ts'

const HEAD = 'kind: WasmFunction\nmetadata: { name: f }\n'
const spec = (more: string): string => `${HEAD}spec: { image: ./f.wasm, ${more} }`
const trigger = (type: string, config: string): string =>
  `${HEAD}spec:\n  image: ./f.wasm\n  triggers:\n  - triggerType: ${type}\n    config: ${config}`

test.each<[string, string, string, string?]>([
  ['no name', 'kind: WasmFunction\nimage: ./f.wasm', '1:1 WasmFunction/1.metadata: expected a mapping, got nothing'],
  [
    'a name that is none',
    'kind: WasmFunction\nmetadata: { name: a.b }\nimage: ./f.wasm',
    '2:13 WasmFunction/a.b.metadata.name: "a.b" is no name of a function',
  ],
  ['no image', `${HEAD}spec: { timeout: 3 }`, '3:1 WasmFunction/f.spec.image: expected text, got nothing'],
  ['no image, flat', `${HEAD}timeout: 3`, '1:1 WasmFunction/f.image: expected text, got nothing'],
  [
    'a key that is misspelt',
    `${HEAD}spec: { imag: x.wasm }`,
    '3:9 WasmFunction/f.spec.imag: "imag" is not known here | did you mean "image"?',
  ],
  [
    'a key of others',
    spec('replicas: 3'),
    '3:26 WasmFunction/f.spec.replicas: "replicas" is not known here | write min',
  ],
  [
    'a key beside spec',
    `${spec('')}\ntimeout: 3`,
    '4:1 WasmFunction/f.timeout: "timeout" stands beside spec | move it',
  ],
  ['spec that is none', `${HEAD}spec: f.wasm`, '3:7 WasmFunction/f.spec: expected a mapping, got text'],
  [
    'a reference by digest',
    `${HEAD}image: oci://ghcr.io/team/f@sha256:0123`,
    '3:8 WasmFunction/f.image: "oci://ghcr.io/team/f@sha256:0123" names an image in a registry, and none is pulled',
  ],
  [
    'an image with a tag',
    `${HEAD}image: team/f:1.2`,
    'image in a registry, and none is pulled from there yet | pull it',
  ],
  [
    'a URL',
    `${HEAD}image: https://a.example/f.wasm`,
    '"https://a.example/f.wasm" is a URL, and functions are read from',
  ],
  [
    'a label that is no text',
    spec('').replace('name: f', 'name: f, labels: { a: 2 }'),
    'expected text, got 2; write it',
  ],
  ['fewer than none', spec('minReplicas: -1'), '3:39 WasmFunction/f.spec.minReplicas: expected at least 0, got -1'],
  ['none at most', spec('maxReplicas: 0'), '3:39 WasmFunction/f.spec.maxReplicas: expected at least 1, got 0'],
  [
    'more at least than at most',
    spec('minReplicas: 20'),
    '3:39 WasmFunction/f.spec.minReplicas: 20 is more than maxReplicas, which is 8 when it is not given',
  ],
  ['a time that is none', spec('timeout: soon'), '3:35 WasmFunction/f.spec.timeout: "soon" is not seconds, or a'],
  ['no time', spec('timeout: 0'), '"0" is not seconds, or a duration'],
  ['two times', spec('timeout: 1, timeoutSeconds: 2'), '"timeoutSeconds" and "timeout" are the same; write one'],
  [
    'an amount that is none',
    spec('resources: { limits: { memory: 64mb } }'),
    '3:57 WasmFunction/f.spec.resources.limits.memory: "64mb" is not a quantity such as 64Mi or 128M',
  ],
  [
    'a limit that is none',
    spec('resources: { limits: { disk: 1 } }'),
    '.resources.limits.disk: "disk" is not known here',
  ],
  [
    'a number in quotes',
    spec('environment: { A: 5 }'),
    '.environment.A: expected text, got 5; write it in quotes: "5"',
  ],
  [
    'a secret of Kubernetes',
    spec('environment: [{ name: A, valueFrom: { secretKeyRef: { name: s } } }]'),
    '3:51 WasmFunction/f.spec.environment.0.valueFrom: Secrets and ConfigMaps of Kubernetes are not read from here | m',
  ],
  [
    'a variable twice',
    spec('environment: [{ name: A, value: a }, { name: A }]'),
    '.environment.1.name: "A" stands twice, first in x.yaml:3',
  ],
  [
    'a variable that is not set',
    spec('environment: { A: "$' + '{NOPE}" }'),
    'WasmFunction/f.spec.environment.A: the environment variable NOPE is not set',
  ],
  [
    'a type that is none',
    trigger('htpp', '{}'),
    '6:18 WasmFunction/f.spec.triggers.0.triggerType: "htpp" is none of http',
  ],
  ['no type', trigger('', '{}'), 'triggers.0.triggerType: expected one of http, kafka, cron, storage, got nothing'],
  [
    'no config',
    `${HEAD}image: ./f.wasm\ntriggers: [{ triggerType: cron }]`,
    'triggers.0.config: expected a mapping, got',
  ],
  [
    'a trigger that is none',
    `${HEAD}image: ./f.wasm\ntriggers: [cron]`,
    '4:12 WasmFunction/f.triggers.0: expected a mapping',
  ],
  [
    'a path that is none',
    trigger('http', '{ path: x }'),
    '7:21 WasmFunction/f.spec.triggers.0.config.path: the path "x"',
  ],
  ['an address', trigger('http', '{ path: /x, port: 80 }'), '"port" is not known here | HTTP is taken at one address'],
  ['a method that is none', trigger('http', '{ path: /x, method: P-T }'), 'config.method: "P-T" is no method'],
  [
    'no brokers',
    trigger('kafka', '{ topic: t }'),
    'triggers.0.config.brokers: expected text, got nothing; write brokers',
  ],
  [
    'no topic',
    trigger('kafka', '{ brokers: "b:1" }'),
    'triggers.0.config.topics: expected text or a list, got nothing',
  ],
  [
    'a login',
    trigger('kafka', '{ brokers: "b:1", topic: t, sasl: {} }'),
    '.sasl: "sasl" is not known here | connections',
  ],
  [
    'brokers twice',
    trigger('kafka', '{ source: s, topic: t, brokers: "b:1" }'),
    'config.brokers: the source says the brokers',
  ],
  ['a group twice', trigger('kafka', '{ source: s, group: g }'), 'config.group: the source says the group'],
  [
    'a source that is none',
    trigger('kafka', '{ source: s }'),
    '7:23 WasmFunction/f.spec.triggers.0.config.source: there is no',
  ],
  [
    'a filter that is none',
    trigger('kafka', `{ brokers: "b:1", topic: t, filter: "event_type == typo_" }`),
    '7:64 WasmFunction/f.spec.triggers.0.config.filter: "typo_" is not known',
  ],
  [
    'a schedule that is none',
    trigger('cron', '{ schedule: "61 * * * *" }'),
    '7:25 WasmFunction/f.spec.triggers.0.config.sch',
  ],
  [
    'a zone that is none',
    trigger('cron', '{ schedule: "@daily", timeZone: Mars }'),
    'config.timeZone: "Mars" is not a time',
  ],
  [
    'an option that is misspelt',
    trigger('cron', '{ schedul: "@daily" }'),
    '.schedul: "schedul" is not known here | did you',
  ],
  [
    'no bucket',
    trigger('storage', '{ events: [created] }'),
    'config.bucket: expected text, got nothing; write bucket, dir',
  ],
  [
    'a bucket and a directory',
    trigger('storage', '{ bucket: b, directory: d }'),
    'config.directory: stands beside bucket',
  ],
  [
    'a region of no bucket',
    trigger('storage', '{ directory: d, region: r }'),
    'config.region: is for a bucket; leave it',
  ],
  ['an event that is none', trigger('storage', '{ bucket: b, events: [creatd] }'), 'did you mean "created"?'],
  ['a provider that is none', trigger('storage', '{ bucket: b, provider: gcs }'), '"gcs" is none of aws_s3'],
])('%s', (_, text, expected) => {
  const found = mistakes(text)
  expect(found).toHaveLength(1)
  expect(found[0]).toContain(expected)
})

describe('a name that is there already', () => {
  const manifest = (more: string) => `kind: WasmFunction\nmetadata: { name: f }\nimage: ./f.wasm\n${more}`
  test.each<[string, string, string]>([
    [
      'in another manifest',
      manifest(`---\n${manifest('')}`),
      '6:19 WasmFunction/f#2.metadata.name: the function "f" is defined twice, first in x.yaml:2',
    ],
    [
      'among the functions',
      `functions:\n  f: f.wasm\n---\n${manifest('')}`,
      '5:19 WasmFunction/f.metadata.name: the function "f" is defined twice, first in x.yaml:2',
    ],
    [
      'among the versions',
      `functions:\n  f@1: f.wasm\n---\n${manifest('')}`,
      '5:13 WasmFunction/f.metadata.name: "f" means the newest of "f@1"',
    ],
    [
      'among the sinks',
      `sinks:\n  f: { http: { url: "https://a.example/" } }\n---\n${manifest('')}`,
      '2:3 sinks.f: "f" is a function, too',
    ],
  ])('%s', (_, text, expected) => {
    expect(mistakes(text)).toEqual([expect.stringContaining(expected)])
  })
})

test('one mistake hides no other', () => {
  const found = mistakes(`${HEAD}spec:
  imag: f.wasm
  timeout: soon
  triggers:
    - { triggerType: http, config: { path: x, methd: GET } }
    - { triggerType: cron, config: { schedule: never } }
---
routes: { r: { from: nowhere, to: f } }
`)
  expect(found.map((line) => line.split(':')[0] + line.replace(/^[\d:]+ (\S+):.*/, ' $1'))).toEqual([
    '4 WasmFunction/f.spec.imag',
    '5 WasmFunction/f.spec.timeout',
    '7 WasmFunction/f.spec.triggers.0.config.path',
    '7 WasmFunction/f.spec.triggers.0.config.methd',
    '8 WasmFunction/f.spec.triggers.1.config.schedule',
    '10 routes.r.from',
  ])
})

describe('a kind that is misspelt', () => {
  const text = 'apiVersion: v1\nkind: WasmFuncton\nmetadata: { name: f }\nspec: {}\n'

  test('is passed over with what was meant', () => {
    const notes: string[] = []
    const given: Partial<LoadOptions> = { note: (note) => notes.push(note) }
    expect(mistakes(`routes: {}\n---\n${text}`, given)).toEqual([])
    expect(notes).toEqual(['x.yaml:3: passed over: WasmFuncton "f"; did you mean kind: WasmFunction?'])
  })

  test('is no configuration', () => {
    expect(mistakes(text).join()).toContain('or a WasmFunction')
  })
})
