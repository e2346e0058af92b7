/** The commands that need no gateway, typed as a user types them. */

import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { headgate, repository, scratch } from './gateway.ts'

const folder = scratch()
let good: string
let bad: string

beforeAll(() => {
  good = folder.file(
    'good.yaml',
    `functions:
  echo: ${join(repository, 'functions/echo/echo.wasm')}
routes:
  large:
    from: mqtt:orders/+
    when: type == "order.created" && data.amount > 100
    to: echo
    retry: 3
  all: { from: http, to: echo }
`,
  )
  bad = folder.file(
    'bad.yaml',
    `functions:
  echo: ${join(repository, 'functions/echo/echo.wasm')}
routes:
  large:
    wen: true
    from: mqtt:orders/+
    to: ehco
`,
  )
})

afterAll(() => folder.remove())

const COMMANDS = [
  ['run'],
  ['check'],
  ['explain', 'config'],
  ['explain', 'event'],
  ['plan'],
  ['send'],
  ['call'],
  ['tail'],
  ['why'],
  ['replay'],
  ['dead-letters', 'list'],
  ['dead-letters', 'show'],
  ['dead-letters', 'redrive'],
  ['dead-letters', 'resend'],
  ['dead-letters', 'drop'],
  ['journal', 'verify'],
  ['schema'],
]

test.each(COMMANDS)('%s %s has help with an example and --json', async (...words) => {
  const { code, out, err } = await headgate([...words.filter(Boolean), '--help'])
  expect({ code, err }).toEqual({ code: 0, err: '' })
  expect(out).toMatch(/\nExample:\n {2}\$ /)
  expect(out).toContain('--json')
})

test('help names every command', async () => {
  const { code, out } = await headgate(['--help'])
  expect(code).toBe(0)
  for (const [name] of COMMANDS) expect(out).toMatch(new RegExp(`^ {2}${name}\\b`, 'm'))
})

test.each([
  [['rnu'], `headgate: unknown command 'rnu'; did you mean run?\n`],
  [['dead-letters', 'lst'], `headgate: unknown command 'lst'; did you mean list?\n`],
  [['call', 'echo', '--dta', '1'], `headgate: unknown option '--dta'; did you mean --data?\n`],
  [['call'], `headgate: missing required argument 'function'\n`],
  [['send'], 'headgate: sending: no event; give --type, or a file with the event\n'],
  [['send', '/nowhere.json'], 'headgate: reading "/nowhere.json": no such file\n'],
  [['send', '--type', 'a', '-e', 'b'], 'headgate: --extension: "b" is not name=value\n'],
  [['why', 'x', '--admin', 'here'], 'headgate: --admin: "here" is not host:port, such as 127.0.0.1:8080\n'],
  [
    ['dead-letters', 'redrive'],
    'headgate: redrive: nothing says which; name them by their ids, or give --group, --route, --code or --since, or --all\n',
  ],
  [
    ['dead-letters', 'drop', '--all'],
    'headgate: dropping: they would be gone for good; look with "dead-letters list", then add --yes\n',
  ],
  [['journal', 'verify', '/nowhere'], 'headgate: verifying "/nowhere": there is no such folder\n'],
])('%j is a mistake of the one who typed it: exit 1 and one line', async (args, line) => {
  expect(await headgate(args)).toEqual({ code: 1, signal: null, out: '', err: line })
})

test.each([
  [['call', 'echo', '--http', '127.0.0.1:1'], '--http or HEADGATE_HTTP'],
  [['send', '--type', 'a', '--http', '127.0.0.1:1'], '--http or HEADGATE_HTTP'],
  [['why', 'x', '--admin', '127.0.0.1:1'], '--admin or HEADGATE_ADMIN'],
  [['tail', '--admin', '127.0.0.1:1'], '--admin or HEADGATE_ADMIN'],
  [['dead-letters', 'list', '--admin', '127.0.0.1:1'], '--admin or HEADGATE_ADMIN'],
])('%j without a gateway: exit 2, and what to do', async (args, advice) => {
  const { code, out, err } = await headgate(args)
  expect({ code, out }).toEqual({ code: 2, out: '' })
  expect(err).toBe(
    `headgate: reaching the gateway at 127.0.0.1:1: nothing listens there; start it with "headgate run", or say where the gateway listens with ${advice}\n`,
  )
})

test('an address of the environment counts, and --json makes errors JSON', async () => {
  const { code, err } = await headgate(['why', 'x', '--json'], { env: { HEADGATE_ADMIN: '127.0.0.1:1' } })
  expect(code).toBe(2)
  expect(JSON.parse(err)).toMatchObject({ error: { code: 'UNREACHABLE' } })
})

test('check says what a good configuration holds', async () => {
  const { code, out, err } = await headgate(['check', good])
  expect({ code, err }).toEqual({ code: 0, err: '' })
  expect(out).toMatch(/^good: .*good\.yaml has 0 sources, 0 sinks, 1 function, 2 routes\n$/)
  expect(JSON.parse((await headgate(['check', good, '--json'])).out)).toMatchObject({
    ok: true,
    functions: 1,
    routes: 2,
  })
})

test.each(['check', 'run', 'explain config'])('%s tells every mistake at once, with its place', async (command) => {
  const { code, out, err } = await headgate([...command.split(' '), bad])
  expect({ code, out }).toEqual({ code: 1, out: '' })
  expect(err).toMatch(/^\S*bad\.yaml:5:5: routes\.large\.wen: .*\n.*wen: true\n +\| +\^\n.*did you mean "when"/)
  expect(err).toMatch(/^\S*bad\.yaml:7:9: routes\.large\.to: .*"ehco"\n(.*\n)*.*did you mean "echo"/m)
  expect(err.endsWith('headgate: 2 mistakes\n')).toBe(true)
})

test('mistakes are a list to machines', async () => {
  const { code, err } = await headgate(['check', bad, '--json'])
  expect(code).toBe(1)
  expect(JSON.parse(err)).toMatchObject({
    error: {
      code: 'CONFIG_INVALID',
      problems: [
        { line: 5, column: 5 },
        { line: 7, column: 9 },
      ],
    },
  })
})

test('check refuses a file that is no function', async () => {
  folder.file('not.wasm', 'not wasm')
  const config = folder.file('function.yaml', 'functions: { odd: ./not.wasm }\n')
  const { code, err } = await headgate(['check', config])
  expect(code).toBe(1)
  expect(err).toMatch(/^headgate: odd \(function\): loading ".*not\.wasm": /)
})

test('explain config prints the long form with the schedule of retries', async () => {
  const { code, out } = await headgate(['explain', 'config', good])
  expect(code).toBe(0)
  expect(out).toMatch(/max: 3 # 4 attempts, waits up to 1s, 2s, 4s/)
  const { routes } = JSON.parse((await headgate(['explain', 'config', good, '--json'])).out)
  expect(routes.large.retry.max).toBe(3)
})

test('explain event says which clause failed and what it saw; what every event has may be left out', async () => {
  const event = ['explain', 'event', '-', '--config', good, '--from', 'mqtt:orders/eu']
  const small = await headgate(event, { input: '{"type":"order.created","data":{"amount":3}}' })
  expect(small).toMatchObject({ code: 0, err: '' })
  expect(small.out).toBe(`from mqtt:orders/eu: no route takes it
  no  large  data.amount > 100 is not true; it saw data.amount = 3
  no  all    does not take from there
`)
  const large = await headgate([...event, '--json'], { input: '{"type":"order.created","data":{"amount":300}}' })
  expect(JSON.parse(large.out)).toMatchObject({
    origin: { source: 'mqtt', address: 'orders/eu' },
    verdicts: [{ route: 'large', takes: true }, { route: 'all', takes: false }, { route: 'call/echo' }],
  })
})

test('explain event names what is wrong with an event or a place', async () => {
  const event = ['explain', 'event', '-', '--config', good]
  expect((await headgate(event, { input: '{"type":""}' })).err).toContain('"type" is empty')
  expect((await headgate(event, { input: '[]' })).err).toContain('expected one event, which is a JSON object')
  expect((await headgate(event, { input: '{' })).err).toContain('reading standard input: not JSON')
  const filter = await headgate([...event, '--from', 'mqtt:orders/#'], { input: '{"type":"a"}' })
  expect(filter).toMatchObject({ code: 1, err: expect.stringContaining('"orders/#" is a filter') })
})

test('schema writes the schema that is in the repository', async () => {
  const { code, out } = await headgate(['schema'])
  expect(code).toBe(0)
  expect(out).toBe(readFileSync(join(repository, 'config/schema.json'), 'utf8'))
  expect(JSON.parse(out)).toMatchObject({ $schema: 'http://json-schema.org/draft-07/schema#' })
  const tests = await headgate(['schema', '--tests'])
  expect(tests).toMatchObject({ code: 0, err: '' })
  expect(tests.out).toBe(readFileSync(join(repository, 'config/tests.schema.json'), 'utf8'))
  const file = join(folder.path, 'schema.json')
  expect(await headgate(['schema', file])).toMatchObject({ code: 0, out: '', err: `wrote ${file}\n` })
})

test('colours are for terminals', async () => {
  const dyed = await headgate(['rnu'], { env: { FORCE_COLOR: '1' } })
  expect(dyed.err).toContain('\u001b[31mheadgate:')
  expect((await headgate(['rnu'])).err).not.toContain('\u001b')
})

test('an old Node gets a sentence', async () => {
  const pretend = `data:text/javascript,Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.19.0' } })`
  const launcher = join(repository, 'bin/headgate.js')
  const run = promisify(execFile)(process.execPath, ['--import', pretend, launcher, '--version'])
  await expect(run).rejects.toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringMatching(
      /^headgate: starting: this is Node 20\.19\.0, and 24\.12 or newer is needed; run it as "npx headgate"/,
    ),
  })
})

test('the launcher runs the same program', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [join(repository, 'bin/headgate.js'), '--version'])
  expect(stdout).toBe((await headgate(['--version'])).out)
})
