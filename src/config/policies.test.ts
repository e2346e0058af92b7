/** Policies: the files that others have load as they stand, and what a function asks beyond its policy is a mistake. */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { mistakes, options, parse } from './harness.ts'
import { loadConfig } from './load.ts'

const STRICT = `maxMemoryPages: 256
executionTimeoutMs: 5000
allowedHosts: []
allowedEnvVars: [LOG_LEVEL]
allowedDirs:
  - guestPath: /data
    hostPath: ./data
    readonly: true
maxNetworkRequests: 0
`
const MODERATE = `maxMemoryPages: 1024
executionTimeoutMs: 30000
allowedHosts: [api.example.com, "*.internal.example"]
allowedEnvVars: [LOG_LEVEL, "APP_*"]
allowedDirs:
  - { guestPath: /data, hostPath: ./data, readonly: true }
  - { guestPath: /tmp, hostPath: ./scratch, readonly: false }
maxNetworkRequests: 10
`
const indent = (text: string, by = 4): string => text.replace(/^(?=.)/gm, ' '.repeat(by))
const CONFIG_MAP = `apiVersion: v1
kind: ConfigMap
metadata:
  name: wasm-policies
data:
  edge-strict.yaml: |
${indent(STRICT)}  edge-moderate: |
${indent(MODERATE)}`

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'headgate-policies-'))
  for (const name of ['data', 'scratch']) mkdirSync(join(folder, name))
  writeFileSync(join(folder, 'f.wasm'), '')
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const load = async (files: Readonly<Record<string, string>>, path = '.') => {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), text)
  }
  return loadConfig(join(folder, path), options)
}

const USES = `functions:
  strict: { wasm: f.wasm, policy: edge-strict }
  moderate: { wasm: f.wasm, policy: edge-moderate }
`

/** What the two policies come to for functions that say nothing themselves. */
const expectBoth = ({ functions }: Awaited<ReturnType<typeof load>>): void => {
  const [strict, moderate] = functions
  expect(strict).toMatchObject({
    memoryBytes: 16 << 20,
    timeoutMs: 5_000,
    grants: { http: { to: [] }, dirs: [{ guest: '/data', host: join(folder, 'data'), write: false }] },
  })
  expect(moderate).toMatchObject({
    memoryBytes: 64 << 20,
    timeoutMs: 30_000,
    grants: {
      http: {
        to: [
          { host: 'api.example.com', private: false },
          { host: '*.internal.example', private: false },
        ],
        requests: 10,
      },
      dirs: [
        { guest: '/data', host: join(folder, 'data'), write: false },
        { guest: '/tmp', host: join(folder, 'scratch'), write: true },
      ],
    },
  })
}

describe('a policy file loads as it stands', () => {
  test.each([
    ['bare, by the names of the files', { 'edge-strict.yaml': STRICT, 'edge-moderate.yml': MODERATE }],
    ['as texts of a ConfigMap', { 'policies.yaml': CONFIG_MAP }],
    [
      'as a text of JSON',
      {
        'a.yaml': `kind: ConfigMap\napiVersion: v1\nmetadata: { name: x }\ndata:\n  edge-strict.json: '{ "maxMemoryPages": 256, "executionTimeoutMs": 5000, "allowedDirs": [{ "guestPath": "/data/", "hostPath": "data" }], "maxNetworkRequests": 0 }'\n`,
        'edge-moderate.yaml': MODERATE,
      },
    ],
    [
      'as the data of a ConfigMap each, which are texts',
      {
        'a.yaml': `kind: ConfigMap\napiVersion: v1\nmetadata: { name: edge-strict }\ndata:\n  maxMemoryPages: "256"\n  executionTimeoutMs: "5000"\n  allowedDirs: |\n    - { guestPath: /data, hostPath: data, readonly: "true" }\n  maxNetworkRequests: "0"\n`,
        'edge-moderate.yaml': MODERATE,
      },
    ],
    ['by name in one file', { 'a.yaml': `edge-strict:\n${indent(STRICT)}edge-moderate:\n${indent(MODERATE)}` }],
    [
      'by name in one text',
      {
        'a.yaml': `kind: ConfigMap\napiVersion: v1\nmetadata: { name: x }\ndata:\n  policies.yaml: |\n    policies:\n      edge-strict:\n${indent(STRICT, 8)}      edge-moderate:\n${indent(MODERATE, 8)}`,
      },
    ],
    [
      'beside the functions',
      { 'a.yaml': `policies:\n  edge-strict:\n${indent(STRICT)}  edge-moderate:\n${indent(MODERATE)}` },
    ],
  ])('%s', async (_, files) => expectBoth(await load({ ...files, 'headgate.yaml': USES })))

  test('from a path, and paths in it begin at its own folder', async () => {
    const { functions } = await load(
      {
        'deploy/edge-strict.yaml': STRICT.replace('./data', '../data'),
        'deploy/maps.yaml': CONFIG_MAP.replaceAll('./', '../'),
        'headgate.yaml': `${USES}policies: { edge-strict: deploy/edge-strict.yaml, edge-moderate: deploy/maps.yaml }\n`,
      },
      'headgate.yaml',
    )
    expectBoth({ functions } as Awaited<ReturnType<typeof load>>)
  })

  test('and a path that leads to none is a mistake', async () => {
    const at = (path: string) => load({ 'headgate.yaml': `policies: { edge-strict: ${path} }\n` }, 'headgate.yaml')
    await expect(at('gone.yaml')).rejects.toThrow('"gone.yaml" is a file that is not there')
    await expect(at('headgate.yaml')).rejects.toThrow('"headgate.yaml" holds no policy')
    writeFileSync(join(folder, 'two.yaml'), `a: { maxMemoryPages: 1 }\nb: { maxMemoryPages: 2 }\n`)
    await expect(at('two.yaml')).rejects.toThrow('"two.yaml" holds no policy "edge-strict"; it holds a, b')
  })

  test('a mistake in it has its place in its own file', async () => {
    await expect(load({ 'edge-strict.yaml': STRICT.replace('maxMemoryPages', 'maxMemoryPage') })).rejects.toThrow(
      /edge-strict\.yaml:1:1: policies\.edge-strict\.maxMemoryPage: "maxMemoryPage" is not known here[\s\S]*did you mean "maxMemoryPages"/,
    )
    rmSync(join(folder, 'edge-strict.yaml'))
    await expect(load({ 'a.yaml': CONFIG_MAP.replace('256', 'many') })).rejects.toThrow(
      /a\.yaml:7:21: policies\.edge-strict/,
    )
  })
})

const under = (policy: string, options: string): string =>
  `policies:\n  p: { ${policy} }\nfunctions:\n  f: { wasm: f.wasm, policy: p, ${options} }\n`

describe('what a function asks beyond its policy', () => {
  test.each([
    [
      'maxMemoryPages: 16',
      'memory: 2MiB',
      '4:41 functions.f.memory: 2MiB is more than the 1MiB of the policy "p" (maxMemoryPages in x.yaml:2)',
    ],
    [
      'executionTimeoutMs: 500',
      'timeout: 1s',
      'functions.f.timeout: 1s is more than the 500ms of the policy "p" (executionTimeoutMs in x.yaml:2)',
    ],
    [
      'allowedEnvVars: [A, B_*]',
      'env: { A: x, B_C: y, C: z }',
      'functions.f.env.C: "C" is not among the variables of the policy "p"',
    ],
    [
      'allowedHosts: [a.example]',
      'allow: { http: [a.example, b.example] }',
      'functions.f.allow.http.1: "b.example" is not among the hosts of the policy "p" (allowedHosts in x.yaml:2)',
    ],
    ['allowedHosts: [a.example]', 'allow: { http: ["a.example:8443"] }', '"a.example" is not among the hosts'],
    ['allowedHosts: ["https://a.example"]', 'allow: { http: [a.example] }', '"a.example" is not among the hosts'],
    ['allowedHosts: ["*.a.example"]', 'allow: { http: [a.example] }', '"a.example" is not among the hosts'],
    ['allowedHosts: ["*.a.example"]', 'allow: { http: ["*.example"] }', '"*.example" is not among the hosts'],
    [
      'allowedHosts: ["*"]',
      'allow: { http: [{ host: a.example, private: true }] }',
      '"a.example" is not among the hosts',
    ],
    [
      'maxNetworkRequests: 0',
      'allow: { http: [a.example] }',
      'functions.f.allow.http.0: no request is left by the policy "p"',
    ],
    [
      'maxNetworkRequests: 5',
      'allow: { http: { to: [a.example], requests: 6 } }',
      'functions.f.allow.http.requests: 6 are more than the 5 of the policy "p"',
    ],
    [
      'allowedDirs: [{ guestPath: /a, hostPath: /srv/a }]',
      'allow: { dirs: [{ guest: /b, host: /srv/ab }] }',
      'functions.f.allow.dirs.0.host: "/srv/ab" is not among the folders of the policy "p"',
    ],
    [
      'allowedDirs: [{ guestPath: /a, hostPath: /srv/a }]',
      'allow: { dirs: [{ guest: /b, host: /srv/a/b, write: true }] }',
      'functions.f.allow.dirs.0.write: "/srv/a/b" may be read alone by the policy "p"',
    ],
  ])('%s: %s', (policy, options, said) => expect(mistakes(under(policy, options)).join('\n')).toContain(said))

  test('a policy that there is not', () => {
    expect(mistakes('functions: { f: { wasm: f.wasm, policy: q } }\npolicies: { p: {} }')).toEqual([
      '1:41 functions.f.policy: there is no policy "q" | did you mean "p"?',
    ])
    expect(mistakes('functions: { f: { wasm: f.wasm, policy: q } }').join()).toContain(
      'there is no policy "q" | write policies: { q: ./q.yaml }, the path of its file or of a ConfigMap that holds it',
    )
  })
})

describe('what a function asks within its policy is what it gets', () => {
  const grants = (policy: string, options: string) => parse(under(policy, options)).functions[0]?.grants

  test.each([
    ['a.example', 'a.example'],
    ['"*.example"', 'a.example'],
    ['"*.example"', '"*.b.example"'],
    ['"*"', '"https://a.example"'],
    ['"a.example:81"', '"a.example:81"'],
    ['a.example', '{ host: a.example, private: true, methods: [GET] }'],
  ])('hosts: %s has %s', (most, asked) => {
    expect(grants(`allowedHosts: [${most}]`, `allow: { http: [${asked}] }`)?.http.to).toHaveLength(1)
  })

  test('folders below, requests at most, and what it does not name it does not get', () => {
    const policy =
      'allowedHosts: [a.example], maxNetworkRequests: 5, allowedDirs: [{ guestPath: /a, hostPath: /srv/a, readonly: false }]'
    expect(grants(policy, 'allow: { http: [], dirs: [{ guest: /b, host: /srv/a/b, write: true }] }')).toMatchObject({
      http: { to: [], requests: 5 },
      dirs: [{ guest: '/b', host: '/srv/a/b', write: true }],
    })
    expect(grants(policy, 'allow: { dirs: [] }')).toMatchObject({ http: { to: [{ host: 'a.example' }] }, dirs: [] })
  })
})
