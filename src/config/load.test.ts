/** Configurations that load, and each kind of mistake, with its place and what to do about it. */

import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import * as z from 'zod'
import { connectors } from '../../connectors/index.ts'
import { defineConnector, defineSink, duration, secret } from '../connector/index.ts'
import { callRoutes } from './calls.ts'
import { expand } from './expand.ts'
import { type LoadOptions, loadConfig, parseConfig } from './load.ts'
import { ConfigError, formatProblem } from './problem.ts'

const folder = mkdtempSync(join(tmpdir(), 'headgate-config-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const store = defineConnector({
  type: 'store',
  title: 'Store',
  summary: 'Keeps events.',
  stability: 'experimental',
  since: '0.1.0',
  sink: defineSink({
    config: z.strictObject({
      url: z.string().describe('Where.'),
      password: secret().optional().describe('The password.'),
      wait: duration().prefault('5s').describe('How long.'),
      listen: z
        .string()
        .regex(/^\d+$/, { error: ({ input }) => `"${input}" is no port` })
        .optional(),
    }),
    create: () => ({ start: async () => {}, deliver: async () => {}, stop: async () => {} }),
  }),
})

const options: LoadOptions = { connectors: [...connectors, store], env: { PORT: '7', SECRET: 'hunter2' } }

const parse = (text: string, given: Partial<LoadOptions> = {}) => parseConfig(text, 'x.yaml', { ...options, ...given })

const mistakes = (text: string, given: Partial<LoadOptions> = {}): readonly string[] => {
  try {
    parse(text, given)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    expect(error).toMatchObject({ code: 'CONFIG_INVALID', disposition: 'fatal' })
    return error.problems.map(({ line, column, path, message, suggestion }) =>
      [`${line}:${column} ${path}: ${message}`, ...(suggestion ? [suggestion] : [])].join(' | '),
    )
  }
  return []
}

const FUNCTIONS = 'functions: { echo: echo.wasm }\n'

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
    const config = parse(`sources: { tick: { cron: { schedule: "0 2 * * *" } } }
sinks: { kept: { store: { url: here } } }
functions: { echo: { wasm: e.wasm, version: 2, timeout: 5s, memory: 32MiB, pool: { min: 0, max: 3 } } }
routes: { r: { from: tick, to: [echo@2, kept], retry: { max: 2, backoff: linear, max_age: 1h, except: [TimeoutError] } } }`)
    expect(config.sources).toMatchObject([{ name: 'tick', type: 'cron', config: { timezone: 'UTC' } }])
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
${FUNCTIONS}routes: { r: { from: any, to: echo, retry: \${PORT} } }`)
    expect(config.sinks[0]?.config).toMatchObject({ url: `x hunter2 \${SECRET}`, password: 'from a file', listen: '7' })
    expect(config.routes[0]?.retry.max).toBe(7)
  })

  test('anchors and aliases repeat values', () => {
    const config = parse(`${FUNCTIONS}routes: { a: &a { from: any, to: echo }, b: *a }`)
    expect(config.routes.map(({ name }) => name)).toEqual(['a', 'b'])
  })
})

describe('a mistake', () => {
  const route = (text: string): string => `${FUNCTIONS}routes:\n  r: { from: any, to: echo, ${text} }`
  test.each<[string, string, string]>([
    ['an unknown section', 'brokr: {}', '1:1 brokr: "brokr" is not known here | did you mean "broker"?'],
    ['an unknown key', 'log: { leve: info }', '1:8 log.leve: "leve" is not known here | did you mean "level"?'],
    ['a list that is none', 'broker: { listen: x }', '1:19 broker.listen: expected a list, got text'],
    ['nothing where something is due', 'broker: { listen: }', '1:19 broker.listen: expected a list, got nothing'],
    ['a number that is none', 'broker: { limits: { max_clients: many } }', 'expected a number, got text'],
    ['a number out of range', 'broker: { limits: { max_clients: 0 } }', 'expected at least 1, got 0'],
    ['a bare number for a duration', 'journal: { retain: 30 }', '30 has no unit; write 30s or 30ms'],
    ['a duration that is none', 'journal: { retain: soon }', '"soon" is not a duration'],
    ['a bare number for a size', 'journal: { max_size: 5 }', '5 has no unit; write 5B or 5MiB'],
    [
      'a word that is not offered',
      'log: { level: inof }',
      '"inof" is none of debug, info, warn, error; did you mean "info"?',
    ],
    ['an address that is none', 'admin: { listen: "9090" }', '"9090" is not host:port'],
    ['a name that is none', 'sinks: { "a b": { store: { url: x } } }', '"a b" is no name'],
    ['a technology that is none', 'sources: { a: { corn: {} } }', '"corn" is not known here | did you mean "cron"?'],
    ['no technology', 'sources: { a: {} }', '1:12 sources.a: expected one technology, such as cron, got nothing'],
    ['a reserved name', 'sources: { mqtt: { cron: { schedule: "* * * * *" } } }', '"mqtt" means something else'],
    ['one name for two targets', `${FUNCTIONS}sinks: { echo: { store: { url: x } } }`, '"echo" is a function, too'],
    ['a service of no function', 'services: { s: { a: ecko } }', 'there is no function "ecko" | there is none yet'],
    ['a service at a function', `${FUNCTIONS}services: { echo: { a: echo } }`, '"service/echo" is the address of'],
    ['a key to come', route('rate: 3'), '"rate" is not known here'],
    [
      'no target',
      'routes: { r: { from: any } }',
      '1:11 routes.r.to: expected text or a mapping or a list, got nothing',
    ],
    ['an unknown source', `${FUNCTIONS}routes: { r: { from: order, to: echo } }`, 'there is no source "order"'],
    ['an unknown function', `${FUNCTIONS}routes: { r: { from: any, to: ecko } }`, 'did you mean "echo"?'],
    ['an unknown emitter', `${FUNCTIONS}routes: { r: { from: function:ecko, to: echo } }`, 'did you mean "echo"?'],
    ['an unknown version', `${FUNCTIONS}routes: { r: { from: any, to: echo@2 } }`, 'has no version "2"'],
    ['a target twice', `${FUNCTIONS}routes: { r: { from: any, to: [echo, echo] } }`, '"echo" stands twice'],
    [
      'a bad filter',
      `${FUNCTIONS}routes: { r: { from: "mqtt:a/#/b", to: echo } }`,
      '# stands alone, as the last level',
    ],
    ['a bad path', `${FUNCTIONS}routes: { r: { from: "http:POST x", to: echo } }`, 'does not begin with /'],
    ['no path', `${FUNCTIONS}routes: { r: { from: "http:/x", to: echo } }`, 'write it as http:POST /orders'],
    [
      'a wildcard to publish to',
      `${FUNCTIONS}routes: { r: { from: any, to: "mqtt:a/+" } }`,
      'so it can hold no + or #',
    ],
    ['a topic of the broker', `${FUNCTIONS}routes: { r: { from: any, to: "mqtt:$SYS/a" } }`, "are the broker's own"],
    ['an unknown scheme', `${FUNCTIONS}routes: { r: { from: any, to: "amqp:a" } }`, '"amqp:a" is not known'],
    ['a dead letter to a function', route('dead_letter: echo'), 'a dead letter goes to a sink'],
    ['an error code that is none', route('retry: { except: [TimeoutEror] }'), 'did you mean "TimeoutError"?'],
    ['a condition that is none', route('when: type =='), '3:42 routes.r.when: this is no expression: unexpected =='],
    [
      'a condition of the wrong type',
      route('when: type > 5'),
      '3:41 routes.r.when: > does not take a string and an int',
    ],
    ['an order that is none', route('order_by: typ'), '3:40 routes.r.order_by: "typ" is not known'],
    ['a variable that is not set', `name: \${SECERT}`, 'SECERT is not set | SECRET is set; or set SECERT'],
    ['a file that is not there', `name: \${file:nope}`, 'file:nope: there is no such file'],
    ['a variable that is none', `name: \${a b}`, `"\${a b}" is no variable`],
    ['a key that stands twice', 'log: {}\nlog: {}', '2:1 log: the key stands twice, first in line 1'],
    ['two documents', 'log: {}\n---\nlog: {}', '2:1 : a second document begins here; a file holds one'],
    ['no mapping', '- a', '1:1 : expected a mapping'],
    ['no YAML', 'a: [', 'this is not YAML'],
    ['a tag', 'name: !!js/function x', 'this is not YAML: unresolved tag'],
    ['an anchor that is not there', 'name: *x', 'this is not YAML'],
    ['an alias that holds itself', 'log: &a { level: *a }', '"*a" holds itself'],
  ])('%s', (_, text, expected) => {
    const found = mistakes(text)
    expect(found).toHaveLength(1)
    expect(found[0]).toContain(expected)
  })

  test('ten of them are told at once, in their order', () => {
    const found = mistakes(`nam: shop
broker: { listen: tcp://127.0.0.1:1883 }
journal: { retain: 30 }
sources: { tick: { cron: { schedule: "61 * * * *" } } }
${FUNCTIONS}
routes:
  a:
    from: tack
    when: typ == "x"
    to: ecko
    retry: -1
  b: { from: tick, to: echo, timeout: soon, batch: 3 }
`)
    expect(found.map((line) => line.split(' ', 2)[1])).toEqual([
      'nam:',
      'broker.listen:',
      'journal.retain:',
      'sources.tick.cron.schedule:',
      'routes.a.from:',
      'routes.a.when:',
      'routes.a.to:',
      'routes.a.retry:',
      'routes.b.timeout:',
      'routes.b.batch:',
    ])
  })

  test.each([
    ['plain, folded', 'when: type == "a" &&\n      typo_ == 1', '5:7'],
    ['block, literal', 'when: |\n      type == "a" &&\n        typo_ == 1', '6:9'],
    ['block, folded', 'when: >-\n      type == "a"\n      && typo_ == 1', '6:10'],
    ['double quotes', 'when: "type == \\"a\\" && typo_ == 1"', '4:28'],
    ['single quotes', "when: 'type == ''a'' && typo_ == 1'", '4:28'],
  ])('in an expression is shown where it stands: %s', (_, when, place) => {
    const [found] = mistakes(`${FUNCTIONS}routes:\n  r:\n    ${when}\n    from: any\n    to: echo\n`)
    expect(found).toMatch(new RegExp(`^${place} routes.r.when: "typo_" is not known`))
  })

  test('is printed with its line, a caret and help', () => {
    try {
      parse('log:\n  leve: info')
      expect.unreachable()
    } catch (error) {
      expect((error as Error).message).toBe(
        'x.yaml:2:3: log.leve: "leve" is not known here\n  2 |   leve: info\n    |   ^\n    = help: did you mean "level"?',
      )
    }
  })

  test(`shows no secret: not what \${...} stands for, nor what a file says of a password`, () => {
    const text = `sinks:
  a: { store: { url: x, listen: "\${SECRET}", wait: 5 } }
  b: { store: { url: "amqp://me:swordfish@host", passwrd: x } }
  c:
    store:
      url: x
      passwordd: swordfish
`
    try {
      parse(text)
      expect.unreachable()
    } catch (error) {
      const shown = (error as ConfigError).problems.map(formatProblem).join('\n')
      expect(shown).toContain(`"\${SECRET}" is no port`)
      expect(shown).toContain('did you mean "password"?')
      expect(shown).not.toMatch(/hunter2|swordfish/)
    }
  })
})

describe('a hostile configuration is refused soon, and changes nothing', () => {
  const bomb = ['a: &a [x, x, x, x, x, x, x, x, x, x]']
  for (let at = 1; at < 10; at++)
    bomb.push(`${'a'.repeat(at + 1)}: &${'a'.repeat(at + 1)} [${`*${'a'.repeat(at)}, `.repeat(10)}]`)
  test.each([
    ['an alias bomb', bomb.join('\n'), /aliases repeat more than 100000 values/],
    ['__proto__', 'log: { __proto__: { polluted: true } }', /this key is refused/],
    ['constructor', 'constructor: { prototype: { polluted: true } }', /"constructor" is not known here/],
    ['brackets', `a: ${'['.repeat(200_000)}`, /nests deeper/],
    ['dashes', `${'- '.repeat(100_000)}x`, /nests deeper/],
    ['2 MiB', `name: ${'x'.repeat(2 ** 21)}`, /at most 1048576/],
    [
      'brackets in an expression',
      `routes: { r: { from: any, to: mqtt:a, when: "${'('.repeat(2_000)}" } }`,
      /nests 2000 deep/,
    ],
    ['a slow pattern', `routes: { r: { from: any, to: mqtt:a, when: 'type.matches("^(a+)+$") &' } }`, /no expression/],
  ])('%s', (_, text, message) => {
    mistakes('log: { leve: 1 }')
    const started = performance.now()
    expect(mistakes(text).join('\n')).toMatch(message)
    expect(performance.now() - started).toBeLessThan(1_000)
    expect(Object.keys(Object.prototype)).toEqual([])
    expect({}).not.toHaveProperty('polluted')
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
      ],
      retry: { max: 0 },
      concurrency: 8,
    },
    {
      name: 'call/desk/one',
      from: [{ kind: 'mqtt', filter: 'service/desk' }],
      when: 'subject == "one"',
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

describe('what is in config/', () => {
  const here = new URL('../../config/', import.meta.url).pathname
  const examples = readdirSync(join(here, 'examples')).map((name) => join(here, 'examples', name))
  test.each([join(here, 'headgate.yaml'), ...examples])('%s loads', async (file) => {
    const config = await loadConfig(file, { connectors, env: {} })
    expect(config.routes.length).toBeGreaterThan(0)
  })
})
