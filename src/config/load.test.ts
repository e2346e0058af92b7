/** Configurations that load: from a text, from files, and those of this repository. */

import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { connectors } from '../../connectors/index.ts'
import { callRoutes } from './calls.ts'
import { expand } from './expand.ts'
import { FUNCTIONS, options, parse } from './harness.ts'
import { loadConfig } from './load.ts'
import type { ConfigError } from './problem.ts'

const folder = mkdtempSync(join(tmpdir(), 'headgate-config-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('a configuration that is sound', () => {
  test('an empty one has every default', () => {
    expect(parse('')).toMatchObject({
      name: 'headgate',
      admin: { listen: { host: '127.0.0.1', port: 9090 } },
      routes: [],
      functions: [],
    })
  })

  test('a route is plain data, names settled and defaults filled in', () => {
    const config = parse(`${FUNCTIONS}routes:
  r:
    from: [mqtt:a/+, "http:POST /x/*", function:echo, http, any]
    when: type == "a"
    to: [echo, {mqtt: out, mode: structured}, mqtt:out/b]
    retry: 5
    dead_letter: mqtt:dead
    order_by: data.id
`)
    expect(config.routes).toEqual([
      {
        name: 'r',
        from: [
          { kind: 'mqtt', filter: 'a/+' },
          { kind: 'http', method: 'POST', path: '/x/*' },
          { kind: 'source', source: 'function', address: 'echo' },
          { kind: 'http', method: 'POST', path: '/events' },
          { kind: 'any' },
        ],
        when: 'type == "a"',
        to: [
          { kind: 'function', text: 'echo', name: 'echo' },
          { kind: 'mqtt', text: 'mqtt:out', topic: 'out', mode: 'structured' },
          { kind: 'mqtt', text: 'mqtt:out/b', topic: 'out/b', mode: 'binary' },
        ],
        retry: { max: 5, backoff: 'exponential', delayMs: 1_000, capMs: 60_000, jitter: 'full', except: [] },
        deadLetter: { kind: 'mqtt', text: 'mqtt:dead', topic: 'dead', mode: 'binary' },
        orderBy: 'data.id',
        concurrency: 16,
        timeoutMs: 30_000,
        delivery: 'auto',
      },
    ])
  })

  test('sources and sinks say their technology; versions are matched; a path alone is a function', () => {
    const config = parse(`sources: { tick: { cron: { schedule: "0 2 * * *" }, as: { type: data.kind } } }
sinks: { kept: { store: { url: here } } }
functions: { echo: { wasm: e.wasm, version: 2, timeout: 5s, memory: 32MiB, pool: { min: 0, max: 3 } } }
routes: { r: { from: tick, to: [echo@2, kept], retry: { max: 2, backoff: linear, max_age: 1h, except: [TimeoutError] } } }`)
    expect(config.sources).toMatchObject([
      { name: 'tick', type: 'cron', config: { timezone: 'UTC' }, as: { type: 'data.kind' } },
    ])
    expect(config.sinks).toEqual([{ name: 'kept', type: 'store', config: { url: 'here', wait: 5_000 } }])
    expect(config.functions).toMatchObject([
      { name: 'echo', version: '2', min: 0, max: 3, timeoutMs: 5_000, memoryBytes: 2 ** 25 },
    ])
    expect(config.routes[0]).toMatchObject({
      to: [
        { kind: 'function', name: 'echo', version: '2' },
        { kind: 'sink', name: 'kept' },
      ],
      retry: { max: 2, backoff: 'linear', maxAgeMs: 3_600_000, except: ['TimeoutError'] },
    })
  })

  test(`\${...} is replaced, typed where it stands alone and unquoted, and $\${ stays`, () => {
    writeFileSync(join(folder, 'secret'), 'from a file\n')
    const config = parse(`sinks:
  a: { store: { url: "x \${SECRET} $\${SECRET}", password: "\${file:${folder}/secret}", listen: "\${PORT}" } }
${FUNCTIONS}routes:
  r: { from: any, to: echo, retry: { max: 1 } }
  s:
    from: any
    to: echo
    retry: \${PORT}`)
    expect(config.sinks[0]?.config).toMatchObject({ url: `x hunter2 \${SECRET}`, password: 'from a file', listen: '7' })
    expect(config.routes[1]?.retry.max).toBe(7)
  })

  test('anchors and aliases repeat values', () => {
    const config = parse(`${FUNCTIONS}routes: { a: &a { from: any, to: echo }, b: *a }`)
    expect(config.routes.map(({ name }) => name)).toEqual(['a', 'b'])
  })
})

describe('files', () => {
  const write = (name: string, files: Readonly<Record<string, string>>): string => {
    const at = join(folder, name)
    mkdirSync(at)
    for (const [file, text] of Object.entries(files)) writeFileSync(join(at, file), text)
    return at
  }

  test('of a folder are merged by name', async () => {
    const at = write('merged', {
      'a.yaml': 'name: shop\nroutes: { a: { from: any, to: mqtt:x } }',
      'b.yml': 'routes: { b: { from: any, to: echo } }\nfunctions: { echo: echo.wasm }',
      'echo.wasm': '',
      'notes.txt': 'not read',
    })
    const config = await loadConfig(at, options)
    expect(config.name).toBe('shop')
    expect(config.routes.map(({ name }) => name)).toEqual(['a', 'b'])
    expect(config.functions[0]?.wasm).toBe(join(at, 'echo.wasm'))
  })

  test('that define one thing twice are refused with both places', async () => {
    const at = write('twice', {
      'a.yaml': 'log: {}\nroutes:\n  a: { from: any, to: mqtt:x }',
      'b.yaml': 'routes:\n  a: { from: any, to: mqtt:y }\nlog: {}',
    })
    const refusal = await loadConfig(at, options).catch((error: unknown) => error)
    expect((refusal as ConfigError).problems.map(({ line, message }) => `${line} ${message}`)).toEqual([
      `2 this is defined twice, first in ${at}/a.yaml:3`,
      `3 this is defined twice, first in ${at}/a.yaml:1`,
    ])
  })

  const configMap = (target: string): string =>
    `apiVersion: v1
kind: ConfigMap
metadata: { name: router }
data:
  config.yaml: |
    event_sources:
    - type: cron
      config: { schedules: [{ name: tick, schedule: "* * * * *", target_function: ${target} }] }
`

  test('of Kubernetes may lie among them: a ConfigMap in the form of a router is merged, the others are passed over', async () => {
    const at = write('kubernetes', {
      'a.yaml': 'functions: { echo: echo.wasm }\nroutes: { tick: { from: tick, to: mqtt:x } }',
      'b.yaml': configMap('echo'),
      'c.yaml': 'apiVersion: v1\nkind: Service\nmetadata: { name: router }\n---\n',
      'echo.wasm': '',
    })
    const notes: string[] = []
    const config = await loadConfig(at, { ...options, note: (text) => notes.push(text) })
    expect(config.routes.map(({ name }) => name)).toEqual(['tick', 'tick-2'])
    expect(notes).toEqual([`${at}/c.yaml:1: passed over: Service "router"`])
  })

  test('in the form of a router that name one thing twice are refused with both places', async () => {
    const at = write('routers', { 'a.yaml': configMap('a'), 'b.yaml': configMap('b') })
    await expect(loadConfig(at, options)).rejects.toThrow(
      `${at}/b.yaml:6:5: event_sources: this is defined twice, first in ${at}/a.yaml:6`,
    )
  })

  test(`\${file:} is looked for beside the file that names it, also from inside a ConfigMap`, async () => {
    const at = write('beside', { 'a.yaml': configMap(`"\${file:target}"`), target: 'echo' })
    await expect(loadConfig(at, options)).rejects.toThrow(`there is no function or sink "\${file:target}"`)
    writeFileSync(join(at, 'b.yaml'), 'functions: { echo: echo.wasm }')
    writeFileSync(join(at, 'echo.wasm'), '')
    expect((await loadConfig(at, options)).routes[0]?.to).toMatchObject([{ name: 'echo' }])
  })

  test('that are not there are refused: the configuration, and what it names', async () => {
    await expect(loadConfig(join(folder, 'none'), options)).rejects.toThrow(/there is no such file or folder/)
    const at = write('missing', { 'a.yaml': 'functions: { echo: nope.wasm }' })
    await expect(loadConfig(at, options)).rejects.toThrow(/a.yaml:1:20: functions.echo: there is no file "nope.wasm"/)
    await expect(loadConfig(write('empty', {}), options)).rejects.toThrow(/holds no .yaml file/)
  })
})

test('callable functions and services have routes of their own', () => {
  const config = parse(`functions: { a: a.wasm, b: { wasm: b.wasm, call: false, pool: { max: 3 } } }
services: { desk: { one: b } }`)
  expect(callRoutes(config)).toMatchObject([
    {
      name: 'call/a',
      from: [
        { kind: 'mqtt', filter: 'service/a' },
        { kind: 'http', method: 'POST', path: '/call/a' },
        { kind: 'source', source: 'call', address: 'a' },
      ],
      retry: { max: 0 },
      concurrency: 8,
    },
    {
      name: 'call/desk/one',
      from: [
        { kind: 'mqtt', filter: 'service/desk' },
        { kind: 'http', method: 'POST', path: '/call/desk/one' },
        { kind: 'source', source: 'call', address: 'desk/one' },
      ],
      when: 'event.function == "one"',
      concurrency: 3,
    },
  ])
})

test('the long form has every default and computed wait, hides secrets, and means the same', () => {
  const text = `sinks: { s: { store: { url: x, password: "\${SECRET}" } } }
${FUNCTIONS}routes: { r: { from: any, to: echo, retry: 3 } }`
  const config = parse(text)
  const long = expand(config)
  expect(long).toContain('max: 3 # 4 attempts, waits up to 1s, 2s, 4s')
  expect(long).toContain('max_size: 8GiB')
  expect(long).not.toContain('hunter2')
  expect(parse(long).routes).toEqual(config.routes)
  expect(parse(long).broker).toEqual(config.broker)
})

test('the long form has the names of variables and files, wherever a text goes', () => {
  writeFileSync(join(folder, 'token'), 'swordfish\n')
  const long = expand(
    parse(`name: "\${SECRET}"
sources: { s: { cron: { schedule: "* * * * *", data: { token: "\${file:${folder}/token}", port: "\${PORT}" } } } }
functions: { echo: "\${SECRET}/echo.wasm" }
routes: { r: { from: "mqtt:\${SECRET}/+", when: 'data.key == "\${SECRET}"', to: echo, dead_letter: "mqtt:\${SECRET}" } }`),
  )
  expect(long).not.toMatch(/hunter2|swordfish/)
  for (const shown of [
    `name: \${SECRET}`,
    `token: \${file:${folder}/token}`,
    `mqtt:\${SECRET}/+`,
    `data.key == "\${SECRET}"`,
    `\${SECRET}/echo.wasm`,
  ])
    expect(long).toContain(shown)
})

describe('what is in config/', () => {
  const here = new URL('../../config/', import.meta.url).pathname
  const names = readdirSync(join(here, 'examples')).filter((name) => !name.endsWith('.test.yaml'))
  const examples = names.map((name) => join(here, 'examples', name))
  const env = { DATABASE_URL: 'postgres://user@127.0.0.1/shop' }
  test.each([join(here, 'headgate.yaml'), ...examples])('%s loads', async (file) => {
    const config = await loadConfig(file, { connectors, env })
    expect(config.routes.length).toBeGreaterThan(0)
  })
})
