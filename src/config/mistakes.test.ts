/** Each kind of mistake, with its place and what to do about it. */

import { describe, expect, test } from 'vitest'
import { FUNCTIONS, mistakes, parse, problemsOf } from './harness.ts'
import { type ConfigError, formatProblem } from './problem.ts'

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
    [
      'an expression of `as`',
      'sources: { a: { cron: { schedule: "* * * * *" }, as: { type: "data.kind +" } } }',
      '1:73 sources.a.as.type: this is no expression: unexpected +',
    ],
    [
      'an attribute of `as`',
      'sources: { a: { cron: { schedule: "* * * * *" }, as: { Kind: "data.kind" } } }',
      '1:56 sources.a.as.Kind: "Kind" is no attribute; use type, subject',
    ],
    ['`as` of a sink', 'sinks: { a: { store: { url: x }, as: { type: "data.kind" } } }', '"as" is not known here'],
    ['a reserved name', 'sources: { mqtt: { cron: { schedule: "* * * * *" } } }', '"mqtt" means something else'],
    ['one name for two targets', `${FUNCTIONS}sinks: { echo: { store: { url: x } } }`, '"echo" is a function, too'],
    [
      'a service of no function',
      'services: { s: { a: ecko } }',
      'there is no function "ecko" | --functions <folder> says where "ecko.wasm" lies',
    ],
    ['a service at a function', `${FUNCTIONS}services: { echo: { a: echo } }`, '"service/echo" is the address of'],
    ['a rate that is none', route('rate: 3'), 'routes.r.rate: expected a mapping, got 3'],
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
    ['a condition that is none', route('when: type =='), '3:40 routes.r.when: this is no expression: unexpected =='],
    [
      'a condition of the wrong type',
      route('when: type > 5'),
      '3:40 routes.r.when: > does not take a string and an int',
    ],
    ['an order that is none', route('order_by: typ'), '3:39 routes.r.order_by: "typ" is not known'],
    ['a variable that is not set', `name: \${SECERT}`, 'SECERT is not set | SECRET is set; or set SECERT'],
    ['a file that is not there', `name: \${file:nope}`, 'file:nope: there is no such file'],
    ['a variable that is none', `name: \${a b}`, `"\${a b}" is no variable`],
    ['a key that stands twice', 'log: {}\nlog: {}', '2:1 log: the key stands twice, first in line 1'],
    ['two documents', 'log: {}\n---\nlog: {}', '2:1 : a second document begins here; a file holds one'],
    ['no mapping', '- a', '1:1 : expected a mapping'],
    ['no YAML', 'a: [', 'this is not YAML'],
    ['braces in braces', `log: { level: \${X} }`, `write "\${NAME}" in quotes`],
    ['a tag', 'name: !!js/function x', 'this is not YAML: unresolved tag'],
    ['an anchor that is not there', 'name: *x', '1:7 name: there is no anchor "&x" above'],
    ['an alias that holds itself', 'log: &a { level: *a }', '"*a" holds itself'],
  ])('%s', (_, text, expected) => {
    const found = mistakes(text)
    expect(found).toHaveLength(1)
    expect(found[0]).toContain(expected)
  })

  test('what is not set is told, and not that it is no value either', () => {
    const none = `"\${NONE}"`
    const text = `sources:
  c: { postgres: { url: ${none}, tables: { users: [insert] } } }
journal: { retain: ${none} }`
    expect(problemsOf(text).map(({ line, message }) => [line, message])).toEqual([
      [2, 'the environment variable NONE is not set'],
      [3, 'the environment variable NONE is not set'],
    ])
  })

  test('ten of them are told at once, in their order, each with its place, the text in question, and help', () => {
    const text = `nam: shop
broker: { listen: tcp://127.0.0.1:1883 }
journal: { retain: 30 }
sources: { tick: { cron: { schedule: "61 * * * *" } } }
functions: { echo: echo.wasm }
routes:
  a:
    from: tack
    when: type == "x" && typ == "y"
    to: ecko
    retry: -1
  b: { from: tick, to: echo, timeout: soon, bunch: 3 }
`
    const printed = problemsOf(text).map(formatProblem)
    const told = printed.map((one) => {
      const [head = '', line = '', caret = '', help = ''] = one.split('\n')
      const [, place, path, message = ''] = /^x\.yaml:(\d+:\d+): (\S+): (.*)$/.exec(head) ?? []
      const says = help.replace(/^ *= help: /, '') || message.split('; ')[1]
      return [place, path, line.slice(caret.indexOf('^')).split(/[\s,}]/)[0], says]
    })
    expect(told).toEqual([
      ['1:1', 'nam', 'nam:', 'did you mean "name"?'],
      ['2:19', 'broker.listen', 'tcp://127.0.0.1:1883', expect.stringContaining('Addresses to listen on: tcp://')],
      ['3:20', 'journal.retain', '30', 'write 30s or 30ms'],
      ['4:38', 'sources.tick.cron.schedule', '"61', expect.stringContaining('five fields')],
      ['8:11', 'routes.a.from', 'tack', 'did you mean "tick"?'],
      ['9:26', 'routes.a.when', 'typ', expect.stringContaining('did you mean "type"?')],
      ['10:9', 'routes.a.to', 'ecko', 'did you mean "echo"?'],
      ['11:12', 'routes.a.retry', '-1', expect.stringContaining('How often a failed delivery is tried again')],
      ['12:39', 'routes.b.timeout', 'soon', expect.stringContaining('write a number and ms, s, m')],
      ['12:45', 'routes.b.bunch', 'bunch:', expect.stringContaining('there are from, when')],
    ])
  })

  test('of a schema has the words of the option for help', () => {
    expect(mistakes('log: { level: 3 }')[0]).toContain(' | ')
    expect(mistakes('broker: { limits: { max_clients: 0 } }')[0]).toMatch(/got 0 \| Clients that .* Such as 10000\.$/)
  })

  test.each([
    ['plain, folded', 'when: type == "a" &&\n      typo_ == 1', '5:7'],
    ['block, literal', 'when: |\n      type == "a" &&\n        typo_ == 1', '6:9'],
    ['block, folded', 'when: >-\n      type == "a"\n      && typo_ == 1', '6:10'],
    ['double quotes', 'when: "type == \\"a\\" && typo_ == 1"', '4:29'],
    ['single quotes', "when: 'type == ''a'' && typo_ == 1'", '4:29'],
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
    ['an alias bomb', bomb.join('\n'), /aliases repeat more than 10000 values/],
    ['__proto__', 'log: { __proto__: { polluted: true } }', /this key is refused/],
    ['constructor', 'constructor: { prototype: { polluted: true } }', /"constructor" is not known here/],
    ['brackets', `a: ${'['.repeat(200_000)}`, /nests deeper/],
    ['a key ten thousand times', 'log: {}\n'.repeat(10_000), /the key stands twice/],
    ['ten thousand keys', Array.from({ length: 10_000 }, (_, at) => `k${at}: 1`).join('\n'), /"k1" is not known/],
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
    const started = process.cpuUsage()
    expect(mistakes(text).join('\n')).toMatch(message)
    // Of this process: what else the machine does takes none of it.
    const { system, user } = process.cpuUsage(started)
    expect((user + system) / 1_000).toBeLessThan(1_000)
    expect(Object.keys(Object.prototype)).toEqual([])
    expect({}).not.toHaveProperty('polluted')
  })
})
