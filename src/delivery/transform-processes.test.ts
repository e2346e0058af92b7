/** Evaluations in real processes: what they give, and what they cannot do however they are written. */

import { spawnSync } from 'node:child_process'
import { afterAll, describe, expect, test } from 'vitest'
import type { CloudEvent } from '../event/index.ts'
import { TransformProcesses } from './transform-processes.ts'

/** What is not about time has time, on a busy machine as well. */
const transformer = new TransformProcesses({ maxBytes: 100_000, runMs: 15_000 })
const hasty = new TransformProcesses({ maxBytes: 100_000 })
afterAll(() => Promise.all([transformer[Symbol.asyncDispose](), hasty[Symbol.asyncDispose]()]))

const NEVER = new AbortController().signal
const json = (value: unknown): Pick<CloudEvent, 'data' | 'datacontenttype'> => ({
  data: Buffer.from(JSON.stringify(value)),
  datacontenttype: 'application/json',
})
const event: CloudEvent = {
  specversion: '1.0',
  id: 'e1',
  source: '/s',
  type: 't',
  subject: 'old',
  extensions: { tenant: 'x', hops: 2 },
  ...json({ n: 3, names: ['a', 'b'] }),
}
const ask = (expression: string, patienceMs = 60_000) => ({
  expression,
  doing: 'r (route): transforming "e1"',
  now: 0,
  patienceMs,
})
const run = (expression: string, given = event, signal = NEVER) => transformer.event(given, ask(expression), signal)
const text = ({ data }: { readonly data?: Uint8Array }) => data && Buffer.from(data).toString()
const dataOf = async (expression: string, given = event): Promise<unknown> =>
  JSON.parse(text(await run(expression, given)) ?? 'null')

describe('an event', () => {
  test('is seen with attributes and extensions at the top, beside data', async () => {
    expect(await dataOf('{"data": [data.n * 2, tenant, subject, id, hops]}')).toEqual([6, 'x', 'old', 'e1', 2])
  })

  test('has the data that the result names; attributes that it does not name stay', async () => {
    const { data: _, datacontenttype, ...rest } = event
    expect(await run('{"data": {"m": 1}}')).toEqual({ ...rest, datacontenttype, data: expect.anything() })
    expect(await run('{"type": "u"}')).toEqual({ ...rest, datacontenttype, type: 'u' })
  })

  test('loses the attributes that are null, and gets those that are new', async () => {
    const made = await run('{"subject": null, "tenant": null, "region": "eu", "hops": 3, "data": data}')
    expect(made).not.toHaveProperty('subject')
    expect(made.extensions).toEqual({ region: 'eu', hops: 3 })
  })

  test('keeps its bytes where its data are passed on', async () => {
    const data = Buffer.from('{ "big": 12345678901234567890, "one": 1.0 }')
    const made = await run('$merge([$, {"subject": "new"}])', { ...event, data })
    expect(made).toMatchObject({ subject: 'new', id: 'e1' })
    expect(made.data).toBe(data)
  })

  test('takes the time from the gateway', async () => {
    expect(await dataOf('{"data": [$millis(), $now(), $now("[Y]")]}')).toEqual([0, '1970-01-01T00:00:00.000Z', '1970'])
  })
})

describe('data that are not JSON', () => {
  const plain = (body: string | Uint8Array, datacontenttype?: string): CloudEvent => {
    const { datacontenttype: _, ...rest } = event
    return { ...rest, data: Buffer.from(body), ...(datacontenttype === undefined ? {} : { datacontenttype }) }
  }

  test.each<[string, string | undefined, string | Uint8Array, string, string | undefined, string]>([
    ['text stays text', 'text/csv', 'a,b', '$uppercase(data)', 'text/csv', 'A,B'],
    ['text becomes JSON', 'text/csv', 'a,b', '$split(data, ",")', 'application/json', '["a","b"]'],
    ['text of no type', undefined, 'hi', '$uppercase(data)', 'text/plain', 'HI'],
    ['JSON of no type', undefined, '{"n":4}', '{"n": data.n + 1}', 'application/json', '{"n":5}'],
    ['a text in JSON', 'application/vnd.x+json', '"hi"', '$uppercase(data)', 'application/vnd.x+json', '"HI"'],
    [
      'bytes come in base64',
      'image/png',
      Uint8Array.of(0, 255),
      '{"b": data_base64}',
      'application/json',
      '{"b":"AP8="}',
    ],
  ])('%s', async (_, type, body, expression, madeType, made) => {
    const got = await run(`{"data": ${expression}}`, plain(body, type))
    expect([got.datacontenttype, text(got)]).toEqual([madeType, made])
  })

  test('bytes go in base64', async () => {
    const got = await run('{"data_base64": "AP8=", "datacontenttype": "image/png"}')
    expect(got.datacontenttype).toBe('image/png')
    expect(Buffer.from(got.data ?? '')).toEqual(Buffer.from([0, 255]))
  })

  test('what claims to be JSON and is not is told', async () => {
    for (const body of ['{"n":', Uint8Array.of(0, 255)])
      await expect(run('{"data": data.n}', plain(body, 'application/json'))).rejects.toMatchObject({
        code: 'TRANSFORM_FAILED',
        message: 'r (route): transforming "e1": the data are not JSON, as "application/json" says they are',
      })
  })
})

test.each([
  ['data.n', 'it gives a number; an event is an object'],
  ['data.names', 'it gives a list'],
  ['nothing.there', 'it gives nothing'],
  ['"text"', 'it gives text'],
  ['{"source": "not a uri %"}', '"source" is'],
  ['{"id": null}', '"id" is missing'],
  ['{"time": "noon"}', '"time" is'],
  ['{"Tenant": "x"}', '"Tenant" cannot name an extension'],
  ['{"total": data}', 'extension "total" is an object'],
  ['{"data": 1, "data_base64": "AA=="}', 'both "data" and "data_base64"'],
  ['{"data_base64": "?"}', '"data_base64" is not base64'],
  ['{"data": {"a": 1}, "datacontenttype": "text/csv"}', '"data" is an object, which "text/csv" is not'],
  ['{"data": function($x) { $x }}', 'it gives a function'],
  ['{"data": [$sum]}', 'it gives a function'],
  ['{"data": $pad("", 100001)}', 'its result has 100'],
  ['{"data": data.n + "x"}', 'the right side of the "+" operator must evaluate to a number (T2002 at 17)'],
  ['$error("no stock")', 'no stock (D3137 at 7)'],
])('a result that cannot be used is refused, and says why: %s', async (expression, message) => {
  const refused = run(expression)
  await expect(refused).rejects.toMatchObject({ code: 'TRANSFORM_FAILED', disposition: 'reject' })
  await expect(refused).rejects.toThrow(message)
  await expect(refused).rejects.toThrow(/^r \(route\): transforming "e1": /)
})

test('dead letters of one mistake are one group', async () => {
  const print = await run('data.names + 1').catch((error: { fingerprint: string }) => error.fingerprint)
  expect(print).toMatch(/^T\d+ at \d+$/)
})

test('a result may be as large as what it is made of', async () => {
  const large = { ...event, ...json('x'.repeat(200_000)) }
  expect((await run('{"data": $substring(data, 0, 199000)}', large)).data?.length).toBe(199_002)
})

describe('a reply', () => {
  const reply = (expression: string, answer: Parameters<typeof transformer.reply>[0]) =>
    transformer.reply(answer, event, ask(expression), NEVER)

  test('is the data, beside the attributes of the event; $event is the event as it came in', async () => {
    const made = await reply('{"sum": data.a + $event.data.n, "of": subject}', { ...json({ a: 1 }), status: 201 })
    expect({ ...made, data: text(made) }).toEqual({
      data: '{"sum":4,"of":"old"}',
      datacontenttype: 'application/json',
      status: 201,
    })
  })

  test('stays the text that it is, or the very bytes', async () => {
    const hi = { data: Buffer.from('hi'), datacontenttype: 'text/plain' }
    const loud = await reply('$uppercase(data)', hi)
    expect([text(loud), loud.datacontenttype]).toEqual(['HI', 'text/plain'])
    expect(await reply('data', hi)).toBe(hi)
  })

  test('has no body where there is no result', async () => {
    expect(await reply('nothing', { ...json({}), status: 204 })).toEqual({ status: 204 })
    expect(text(await reply('{"none": true}', {}))).toBe('{"none":true}')
  })

  test('that only claims to be JSON is told', async () => {
    const broken = { data: Buffer.from('{'), datacontenttype: 'application/json' }
    await expect(reply('data', broken)).rejects.toMatchObject({ code: 'TRANSFORM_FAILED' })
  })
})

describe('a hostile expression', () => {
  const FAILS = { code: 'TRANSFORM_FAILED', disposition: 'reject' }
  const LATE = { code: 'TRANSFORM_TIMED_OUT', disposition: 'retry' }
  const HANGS = `{"data": $match("${'a'.repeat(40)}!", /^(a+)+$/)}`

  test.each([
    ['a loop', '($f := function($n) { $f($n + 1) }; {"data": $f(0)})', 'evaluation timeout after 800 milliseconds'],
    ['a pattern that backtracks', HANGS, 'it ran for more than 1000 ms'],
  ])('has a second: %s', async (_, expression, message) => {
    let turns = 0
    const timer = setInterval(() => {
      turns += 1
    }, 5)
    const told = { ...LATE, message: expect.stringContaining(message) }
    await expect(hasty.event(event, ask(expression), NEVER)).rejects.toMatchObject(told)
    clearInterval(timer)
    expect(turns).toBeGreaterThan(10)
    expect(await dataOf('{"data": 1}')).toBe(1)
  })

  test.each([
    ['a recursion without end', '($f := function($n) { 1 + $f($n) }; {"data": $f(0)})', 'stack overflow'],
    ['a list of ten million', '{"data": $sum([1..9999999])}', 'the maximum sequence length of'],
  ])('is counted: %s', async (_, expression, message) => {
    await expect(run(expression)).rejects.toMatchObject({ ...FAILS, message: expect.stringContaining(message) })
  })

  test('but a recursion may go deep', async () => {
    expect(await dataOf('($f := function($n) { $n = 0 ? 0 : 1 + $f($n - 1) }; {"data": $f(500)})')).toBe(500)
  })

  test.each([
    ['many lists', '{"data": $count($map([1..60], function($i) { [[1..1000000]] }))}'],
    ['one text, far beyond all bounds', '{"data": $pad("x", 400000000)}'],
  ])('has so much memory: %s', async (_, expression) => {
    const small = new TransformProcesses({ maxBytes: 1_000, runMs: 15_000, heapMb: 32 })
    const refused = small.event(event, ask(expression), NEVER)
    await expect(refused).rejects.toMatchObject(FAILS)
    await expect(refused).rejects.toThrow('it took more than 32 MiB of memory')
    expect(await small.event(event, ask('{"type": "u"}'), NEVER)).toMatchObject({ type: 'u' })
    await small[Symbol.asyncDispose]()
  })

  test('holds up no other, and those that wait outlive its end', async () => {
    const own = new TransformProcesses({ maxBytes: 1_000 })
    let ended = 0
    for (let slow = 0; slow < 8; slow += 1)
      void own.event(event, ask(HANGS), NEVER).catch(() => {
        ended += 1
      })
    const others = Array.from({ length: 20 }, (_, at) => own.event(event, ask(`{"type": "t${at}"}`), NEVER))
    expect((await Promise.all(others)).map(({ type }) => type)).toEqual(others.map((_, at) => `t${at}`))
    // Two held both processes, and a third had its turn before all the others.
    expect(ended).toBeLessThanOrEqual(3)
    await own[Symbol.asyncDispose]()
  })

  test('reaches nothing of JavaScript, and leaves nothing behind', async () => {
    for (const name of ['constructor', '__proto__', 'toString', 'hasOwnProperty'])
      expect(await dataOf(`{"data": {"got": [\`${name}\`, data.\`${name}\`, $string.\`${name}\`]}}`)).toEqual({
        got: [],
      })
    await run('{"data": $merge([{"__proto__": {"polluted": 1}}, {"constructor": {"prototype": {"polluted": 1}}}])}')
    await run('$ ~> |$|{"__proto__": {"polluted": 1}}|').catch(() => undefined)
    expect(await dataOf('{"data": {"got": [data.polluted, {}.polluted]}}')).toEqual({ got: [] })
  })
})

test('what is no longer waited for is not evaluated', async () => {
  const leave = new AbortController()
  const hang = '($f := function($n) { $f($n + 1) }; {"data": $f(1)})'
  const running = [hasty.event(event, ask(hang), NEVER), hasty.event(event, ask(`${hang} `), NEVER)]
  const waiting = hasty.event(event, ask('{"data": 1}'), leave.signal)
  leave.abort(new Error('left'))
  await expect(waiting).rejects.toThrow('left')
  await expect(hasty.event(event, ask('{}'), leave.signal)).rejects.toThrow('left')
  await Promise.allSettled(running)
})

test('whoever waits for a process for too long is told so', async () => {
  const hang = '($f := function($n) { $f($n + 1) }; {"data": $f(1)})'
  const running = [hasty.event(event, ask(hang), NEVER), hasty.event(event, ask(`${hang} `), NEVER)]
  await expect(hasty.event(event, ask('{"data": 1}', 5), NEVER)).rejects.toMatchObject({
    code: 'TRANSFORM_TIMED_OUT',
    message: expect.stringContaining('no process came free in time'),
  })
  await Promise.allSettled(running)
})

test('where no process can be started it is tried again', async () => {
  const { execPath } = process
  const unlucky = new TransformProcesses({ maxBytes: 1_000 })
  try {
    process.execPath = '/nowhere/node'
    const refused = unlucky.event(event, ask('{}'), NEVER)
    await expect(refused).rejects.toMatchObject({ code: 'INTERNAL', disposition: 'retry' })
    await expect(refused).rejects.toThrow('spawn /nowhere/node ENOENT')
  } finally {
    process.execPath = execPath
  }
  expect(await unlucky.event(event, ask('{"type": "u"}'), NEVER)).toMatchObject({ type: 'u' })
  await unlucky[Symbol.asyncDispose]()
})

test('at the end what runs and what waits is refused', async () => {
  const ending = new TransformProcesses({ maxBytes: 1_000 })
  const asked = ['a', 'b', 'c'].map((data) => ending.event(event, ask(`{"data": "${data}"}`), NEVER))
  const all = Promise.allSettled(asked)
  await ending[Symbol.asyncDispose]()
  expect((await all).map((one) => one.status === 'rejected' && one.reason.code)).toEqual(Array(3).fill('STOPPING'))
  await expect(ending.event(event, ask('{}'), NEVER)).rejects.toMatchObject({ code: 'STOPPING' })
})

test('a program that has nothing else to do ends with it, used and idle', async () => {
  const url = JSON.stringify(new URL('transform-processes.ts', import.meta.url).href)
  const program = `
    const { TransformProcesses } = await import(${url})
    const it = new TransformProcesses({ maxBytes: 1000 })
    const asked = { expression: '{"data": 1}', doing: 'r', now: 0, patienceMs: 60000 }
    await it.event({ specversion: '1.0', id: '1', source: '/s', type: 't' }, asked, new AbortController().signal)
    if (process.argv[1] === 'end') await it[Symbol.asyncDispose]()
    console.log('ended')`
  for (const how of ['end', 'leave']) {
    const { status, stderr, stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', program, how])
    expect([status, `${stdout}`, `${stderr}`]).toEqual([0, 'ended\n', ''])
  }
})
