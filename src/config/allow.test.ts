/** What a function may be allowed: how it is written, what it comes to, and what is wrong with it. */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { expect, test } from 'vitest'
import { expand } from './expand.ts'
import { mistakes, options, parse } from './harness.ts'
import { loadConfig } from './load.ts'

const written = (allow: string, more = ''): string =>
  `functions:\n  f:\n    wasm: f.wasm\n    allow: ${allow}\n  g: g.wasm\n${more}`
const grants = (allow: string, more = '') => parse(written(allow, more)).functions[0]?.grants

test('nothing is granted that is not named', () => {
  expect(parse('functions: { f: f.wasm }').functions[0]?.grants).toMatchObject({
    http: { to: [] },
    kv: [],
    dirs: [],
    config: {},
    messaging: { publish: [], request: [] },
    call: [],
  })
})

test('hosts and stores by their names alone, with limits that hold unless others are given', () => {
  expect(grants('{ http: [API.example.com], kv: [thumbnails] }')).toMatchObject({
    http: {
      to: [{ host: 'api.example.com', private: false }],
      requests: 32,
      requestBytes: 1 << 20,
      responseBytes: 4 << 20,
      timeoutMs: 10_000,
    },
    kv: ['thumbnails'],
  })
  expect(grants('{ http: { to: [a.example], requests: 3, response_size: 1KiB, timeout: 1s } }')?.http).toEqual({
    to: [{ host: 'a.example', private: false }],
    requests: 3,
    requestBytes: 1 << 20,
    responseBytes: 1_024,
    timeoutMs: 1_000,
  })
})

test.each([
  ['a.example:8443', { host: 'a.example', port: 8443, private: false }],
  ['https://a.example', { host: 'a.example', scheme: 'https', private: false }],
  ['http://a.example:81', { host: 'a.example', scheme: 'http', port: 81, private: false }],
  ['"*.a.example"', { host: '*.a.example', private: false }],
  ['"*"', { host: '*', private: false }],
  ['"[2001:db8::1]:81"', { host: '2001:db8::1', port: 81, private: true }],
  ['{ host: "::1" }', { host: '::1', private: true }],
  ['{ host: "::1", private: false }', { host: '::1', private: false }],
  ['localhost:81', { host: 'localhost', port: 81, private: true }],
  [
    '{ host: 10.0.0.5, port: 8080, methods: [GET, PUT], private: true }',
    { host: '10.0.0.5', port: 8080, methods: ['GET', 'PUT'], private: true },
  ],
])('the host %s', (text, host) => expect(grants(`{ http: [${text}] }`)?.http.to).toEqual([host]))

test('folders begin beside the file, topics are filters, functions are names', () => {
  const allow = `{
      dirs: [{ guest: /in, host: data }, { guest: /out, host: /srv/out, write: true }],
      messaging: { publish: ["a/#"], request: [b/+] },
      call: [g],
      config: { k: "\${SECRET}" },
    }`
  expect(grants(allow)).toMatchObject({
    dirs: [
      { guest: '/in', host: resolve('data'), write: false },
      { guest: '/out', host: '/srv/out', write: true },
    ],
    messaging: { publish: ['a/#'], request: ['b/+'] },
    call: ['g'],
    config: { k: 'hunter2' },
  })
})

test('the long form says all of it, but for the values that are given', () => {
  const long = expand(parse(written('{ http: [a.example], config: { k: v }, messaging: { publish: [a] } }')))
  expect(long).toContain(
    [
      '    allow:',
      '      http:',
      '        to:',
      '          - host: a.example',
      '            private: false',
      '        requests: 32',
      '        request_size: 1MiB',
      '        response_size: 4MiB',
      '        timeout: 10s',
      '      config:',
      '        k: (hidden)',
      '      messaging:',
      '        publish:',
      '          - a',
    ].join('\n'),
  )
  expect(expand(parse('functions: { f: f.wasm }'))).not.toContain('allow')
})

test.each([
  [
    '{ http: [a.example/path] }',
    '4:21 functions.f.allow.http.0: "a.example/path" has a path; a host is allowed as a whole',
  ],
  ['{ http: ["a b"] }', 'functions.f.allow.http.0: "a b" is no host; write api.example.com'],
  ['{ http: ["a.*.example"] }', 'functions.f.allow.http.0: "a.*.example" is no host'],
  [
    '{ http: ["ftp://a.example"] }',
    'functions.f.allow.http.0: "ftp://a.example": requests go out by http and https alone',
  ],
  ['{ http: ["a.example:99999"] }', 'functions.f.allow.http.0: "a.example:99999" is no host'],
  ['{ http: [{ host: a.example, method: [GET] }] }', '"method" is not known here | did you mean "methods"?'],
  ['{ http: [{ host: a.example, methods: [get] }] }', '"get" is no method; write one such as GET'],
  ['{ htp: [a.example] }', '4:14 functions.f.allow.htp: "htp" is not known here | did you mean "http"?'],
  ['{ kv: [a/b] }', '4:19 functions.f.allow.kv.0: "a/b" is no name'],
  ['{ dirs: [{ guest: data, host: x }] }', 'functions.f.allow.dirs.0.guest: "data" is no path of a guest'],
  ['{ dirs: [{ guest: /a/../b, host: x }] }', 'functions.f.allow.dirs.0.guest: "/a/../b" is no path of a guest'],
  ['{ dirs: [{ guest: /a, host: x }, { guest: /a, host: y }] }', 'functions.f.allow.dirs.1.guest: "/a" is there twice'],
  ['{ messaging: { publish: ["a/#/b"] } }', 'functions.f.allow.messaging.publish.0: "a/#/b": # stands alone'],
  ['{ call: [gg] }', '4:21 functions.f.allow.call.0: there is no function "gg" | did you mean "g"?'],
  ['{ call: [g@2] }', 'functions.f.allow.call.0: the function "g" has no version "2"'],
])('%s is a mistake with its place', (allow, said) => expect(mistakes(written(allow)).join('\n')).toContain(said))

test('a folder that is not there is a mistake', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'headgate-allow-'))
  try {
    mkdirSync(join(folder, 'data'))
    for (const name of ['f.wasm', 'g.wasm']) writeFileSync(join(folder, name), '')
    const file = join(folder, 'headgate.yaml')
    writeFileSync(file, written('{ dirs: [{ guest: /data, host: data }] }'))
    expect((await loadConfig(file, options)).functions[0]?.grants?.dirs[0]?.host).toBe(join(folder, 'data'))
    writeFileSync(file, written('{ dirs: [{ guest: /data, host: f.wasm }] }'))
    await expect(loadConfig(file, options)).rejects.toThrow('there is no folder "f.wasm"')
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
