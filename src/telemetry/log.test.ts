/** What a log line may hold, whoever wrote what into it. */

import { describe, expect, test } from 'vitest'
import { GatewayError } from '../errors.ts'
import { logConfig } from './config.ts'
import { createLog, functionLog } from './log.ts'

function collect(config: object, secrets: readonly string[] = [], terminal = false) {
  const lines: string[] = []
  const stream = { write: (line: string) => void lines.push(line) }
  return { lines, log: createLog(logConfig.parse(config), { stream, secrets: () => secrets, terminal }) }
}

const HOSTILE = 'a\r\nINFO forged\u001b[2J\u009b31m\u2028\u202eb\u0000'

describe.each([
  ['json', false],
  ['pretty', false],
  ['pretty', true],
])('%s, terminal %s', (format, terminal) => {
  test('one line for each call, whatever is in it', () => {
    const { lines, log } = collect({ format }, [], terminal)
    log.warn({ client: HOSTILE, err: new Error(HOSTILE) }, HOSTILE)
    expect(lines).toHaveLength(1)
    const line = lines[0] ?? ''
    expect(line.indexOf('\n')).toBe(line.length - 1)
    // Colours are the only escapes there may be, and only on a terminal.
    const bare = terminal ? line.replaceAll(new RegExp(`${String.fromCharCode(27)}\\[\\d+m`, 'g'), '') : line
    expect(bare.slice(0, -1)).not.toMatch(/[\p{Cc}\p{Cf}\u2028\u2029]/u)
  })

  test('no secret, in a message, in a field, in an error or in its cause', () => {
    const { lines, log } = collect({ format }, ['sw"rdfish', 'sw"rdfish-longer'], terminal)
    const cause = new Error('connecting to postgres://user:sw"rdfish@host/db')
    log.error({ url: 'x sw"rdfish-longer y', err: new Error('no', { cause }) }, 'with sw"rdfish')
    expect(lines[0]).not.toContain('rdfish')
    expect(lines[0]).not.toContain('longer')
    expect(lines[0]).toContain('(hidden)')
  })
})

test('fields that hold secrets or data are never written', () => {
  const { lines, log } = collect({ format: 'json' })
  log.info({ password: 'x1', headers: { authorization: 'x2' }, a: { event: { data: 'x3', id: 'kept' } } }, 'hello')
  expect(lines[0]).not.toMatch(/x[123]/)
  expect(lines[0]).toContain('kept')
})

test('a JSON line has time, level, message and the fields of its log', () => {
  const { lines, log } = collect({ format: 'json' })
  log.child({ source: 'orders' }).child({ kind: 'sqs' }).info({ n: 1 }, 'connected')
  const line = JSON.parse(lines[0] ?? '')
  expect(line).toMatchObject({ level: 'info', source: 'orders', kind: 'sqs', n: 1, msg: 'connected' })
  expect(line.time).toMatch(/^\d{4}-\d\d-\d\dT.*Z$/)
})

test('a line for people starts with time and level', () => {
  const { lines, log } = collect({ format: 'pretty' })
  log.info({ n: 1 }, 'connected')
  expect(lines[0]).toMatch(/^\[\d\d:\d\d:\d\d\.\d{3}\] INFO: connected \{"n":1\}\n$/)
})

test('`auto` is for people on a terminal and JSON elsewhere', () => {
  const [here, there] = [collect({}, [], true), collect({})]
  here.log.info({}, 'hello')
  there.log.info({}, 'hello')
  expect(here.lines[0]).not.toMatch(/^\{/)
  expect(there.lines[0]).toMatch(/^\{/)
})

test('lines below the level are not written', () => {
  const { lines, log } = collect({ level: 'warn' })
  log.debug({}, 'no')
  log.info({}, 'no')
  log.warn({}, 'yes')
  expect(lines).toHaveLength(1)
})

test('an expected error is its message, an unexpected one has its stack, both keep their cause', () => {
  const { lines, log } = collect({ format: 'json' })
  log.error({ err: new GatewayError('JOURNAL_FULL', 'journal: full', { cause: new Error('ENOSPC') }) }, 'one')
  log.error({ err: new TypeError('x is undefined') }, 'two')
  const [expected, unexpected] = lines.map((line) => JSON.parse(line).err)
  expect(expected).toMatchObject({ code: 'JOURNAL_FULL', message: 'journal: full', cause: { message: 'ENOSPC' } })
  expect(expected).not.toHaveProperty('stack')
  expect(unexpected.stack).toContain('log.test.ts')
})

test('what a function writes is a line of its level, with function and callId', () => {
  const { lines, log } = collect({ format: 'json' })
  functionLog(log)({ function: 'resize', callId: 'c1', level: 'warn', message: 'big\nimage' })
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({
    level: 'warn',
    function: 'resize',
    callId: 'c1',
    msg: 'big\nimage',
  })
})

test('the name of the gateway is in each line of JSON, and in none for people', () => {
  const lines: string[] = []
  const stream = { write: (line: string) => void lines.push(line) }
  for (const format of ['json', 'pretty'])
    createLog(logConfig.parse({ format }), { name: 'shop', stream }).child({ source: 'orders' }).info({}, 'ready')
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({ gateway: 'shop', source: 'orders', msg: 'ready' })
  expect(lines[1]).toContain('ready')
  expect(lines[1]).not.toContain('shop')
})
