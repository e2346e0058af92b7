/** A gateway that runs, and the commands that ask it: what they say, and how they end. */

import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { sharedByTests } from '../../services/tries.ts'
import {
  ended,
  type Gateway,
  headgate,
  repository,
  runGateway,
  type Scratch,
  scratch,
  start,
  until,
} from './gateway.ts'

let folder: Scratch
let config: string
let gateway: Gateway

sharedByTests(async () => {
  folder = scratch()
  // The type of an event tells this guest what to do: trap, loop, answer with its stack.
  const guest = join(repository, 'test/functions/guests/hostile/hostile.wasm')
  config = folder.file(
    'run.yaml',
    `name: shop
log: { level: warn }
functions:
  echo: { wasm: ${join(repository, 'functions/echo/echo.wasm')}, pool: { max: 1 } }
  guest: { wasm: ${guest}, pool: { max: 1 }, timeout: 30s }
routes:
  created: { from: http, when: type == "order.created", to: echo }
  traps: { from: http, when: type == "trap", to: guest, retry: { max: 1, delay: 1ms } }
  loops: { from: http, when: type == "loop", to: guest }
`,
  )
  gateway = await runGateway(config, join(folder.path, 'data'))
  return async () => {
    await gateway[Symbol.asyncDispose]()
    folder.remove()
  }
})

test('run says what listens where, what the routes do, and what to try', () => {
  const said = gateway.said()
  expect(said).toMatch(/^headgate \d+\.\d+\.\d+ runs "shop" of .*run\.yaml\n/)
  expect(said).toContain(`MQTT                      tcp://127.0.0.1:${gateway.mqttPort}\n`)
  expect(said).toContain(`HTTP                      http://${gateway.http[1]}\n`)
  expect(said).toContain(`health, metrics, control  http://${gateway.admin[1]}\n`)
  expect(said).toMatch(/created +from http:POST \/events when type == "order\.created" to echo/)
  expect(said).toContain(`npx headgate call echo --http ${gateway.http[1]} --data '{"hello":"world"}'`)
  expect(said).not.toContain('\u001b')
})

test('what it says to try works', async () => {
  const line = /npx headgate (call echo .*) --data '(.*)'/.exec(gateway.said())
  const [, words = '', data = ''] = line ?? []
  expect(await headgate([...words.split(' '), '--data', data])).toEqual({
    code: 0,
    signal: null,
    out: '{"hello":"world"}',
    err: '',
  })
})

test('call takes its data from the command line, a file or standard input, and gives the reply as it is', async () => {
  const call = ['call', 'echo', ...gateway.http, '--data']
  expect((await headgate([...call, '-'], { input: '"from stdin"\n' })).out).toBe('"from stdin"\n')
  expect((await headgate([...call, `@${folder.file('data.json', '[1,  2]')}`])).out).toBe('[1,  2]')
  const { out } = await headgate([...call, '{"a":1}', '--json'])
  expect(JSON.parse(out)).toMatchObject({ callId: expect.any(String), status: 200, body: { a: 1 } })
  const text = await headgate([...call, 'text'])
  expect(text).toMatchObject({ code: 1, out: '', err: expect.stringContaining(`as in --data '"text"'`) })
})

test('a call of what is not there is the mistake of the caller', async () => {
  const { code, out, err } = await headgate(['call', 'ecko', ...gateway.http])
  expect({ code, out }).toEqual({ code: 1, out: '' })
  expect(err).toMatch(/^headgate: .*"ecko".*"echo".*\n$/)
})

test('send publishes, and why tells what became of it, by id and by callId', async () => {
  const sent = await headgate(['send', '--type', 'order.created', '--data', '{"n":1}', ...gateway.http, '--json'])
  expect(sent).toMatchObject({ code: 0, err: '' })
  const { id, callId, duplicate } = JSON.parse(sent.out)
  expect(duplicate).toBe(false)
  for (const name of [id, callId]) {
    await until('the event is done', 20_000, async () => (await why(name)).out.includes('done in 1 attempt'))
    const { out } = await why(name)
    expect(out).toMatch(new RegExp(`^order\\.created ${id} of /headgate/send\n  came in by http:POST /events at `))
    expect(out).toContain('result: {"n":1}')
    expect(out).toMatch(/no {2}traps {2}type == "trap" is not true; it saw type = "order\.created"/)
  }
  const again = await headgate(['send', '--type', 'order.created', '--id', id, ...gateway.http])
  expect(again.out).toMatch(new RegExp(`^event ${id} was held already, nothing new runs; its history: headgate why `))
})

test('an event can be sent from a file, with what it leaves out filled in', async () => {
  const file = folder.file('event.json', '{ "type": "order.created", "data": 12345678901234567890 }')
  const { out } = await headgate(['send', file, ...gateway.http, '--json'])
  await until('it is done', 20_000, async () => (await why(JSON.parse(out).id)).out.includes('done in'))
  expect((await why(JSON.parse(out).id)).code).toBe(0)
})

test('why of nothing known is exit 1', async () => {
  expect(await why('nothing')).toMatchObject({ code: 1, out: '', err: expect.stringContaining('"nothing"') })
})

test('tail prints what happens, filtered, until Ctrl-C', async () => {
  const child = start(['tail', ...gateway.admin, '--when', 'subject == "tailed"'])
  let seen = ''
  child.stdout?.on('data', (chunk) => {
    seen += chunk
  })
  const end = ended(child)
  // What happened before somebody listened is not told: send until it is seen.
  await until('tail shows an event', 60_000, async () => {
    await headgate(['send', '--type', 'order.created', '--subject', 'other', ...gateway.http])
    await headgate(['send', '--type', 'order.created', '--subject', 'tailed', ...gateway.http])
    return /done {6}order\.created/.test(seen)
  })
  child.kill('SIGINT')
  const { code, out } = await end
  expect(code).toBe(0)
  expect(out).toMatch(/^\d\d:\d\d:\d\d\.\d{3} {2}accepted {2}order\.created \S+ from http:POST \/events for created$/m)
  expect((await headgate(['tail', ...gateway.admin, '--when', 'type ==='])).code).toBe(1)
})

test('dead letters are listed, shown, redriven and dropped', async () => {
  const letters = (...args: readonly string[]) => headgate(['dead-letters', ...args, ...gateway.admin])
  const items = async () => JSON.parse((await letters('list', '--json')).out).items
  const sent = await headgate(['send', '--type', 'trap', ...gateway.http, '--json'])
  await until('it is given up on', 30_000, async () => (await items()).length === 1)
  const [{ id }] = await items()
  const list = await letters('list', '--route', 'traps', '--since', '1h')
  expect(list.out).toMatch(new RegExp(`^${id}  .* ago  traps -> guest  2 attempts, FUNCTION_TRAPPED: guest `))
  expect((await letters('list', '--route', 'created')).out).toBe('no dead letters\n')
  const show = await letters('show', id)
  expect(show.out).toContain(`"id": "${JSON.parse(sent.out).id}"`)
  expect((await why(JSON.parse(sent.out).id)).out).toMatch(
    /traps -> guest {2}dead after 2 attempts, .*: FUNCTION_TRAPPED/,
  )
  expect((await letters('redrive', '--id', id)).out).toBe('1 delivery made due again\n')
  await until('it is given up on again', 30_000, async () => (await items()).length === 1)
  expect((await letters('drop', '--all', '--yes')).out).toBe('1 dead letter removed\n')
  expect((await letters('drop', '--all', '--yes')).out).toBe('no dead letter is like that; nothing changed\n')
  expect(await letters('show', id)).toMatchObject({ code: 1, err: expect.stringContaining(`"${id}"`) })
})

test('a taken port, or folder, names itself and the flag and key to change: exit 1', async () => {
  const free = ['--mqtt', 'tcp://127.0.0.1:0', '--http', '127.0.0.1:0', '--admin', '127.0.0.1:0']
  const run = (...flags: readonly string[]) =>
    headgate(['run', config, ...free, '--data', join(folder.path, 'second'), ...flags])
  const port = (flags: readonly string[]): string => flags[1]?.split(':')[1] ?? ''
  const taken = [
    { flags: gateway.http, key: 'http.listen', flag: '--http', names: port(gateway.http) },
    { flags: gateway.admin, key: 'admin.listen', flag: '--admin', names: port(gateway.admin) },
    {
      flags: ['--data', join(folder.path, 'data')],
      key: 'journal.path',
      flag: '--data',
      names: 'another process has it open',
    },
  ]
  for (const { flag, flags, key, names } of taken) {
    const { code, out, err } = await run(...flags)
    expect({ code, out }, `${flags.join(' ')}: ${err}`).toEqual({ code: 1, out: '' })
    expect(err).toMatch(/^headgate: .*\n$/)
    for (const part of [names, key, `or pass ${flag}`]) expect(err).toContain(part)
  }
})

test('a taken MQTT port as well', async () => {
  const flags = ['--http', '127.0.0.1:0', '--admin', '127.0.0.1:0', '--data', join(folder.path, 'third')]
  const { code, err } = await headgate(['run', config, '--mqtt', `tcp://127.0.0.1:${gateway.mqttPort}`, ...flags])
  expect(code, err).toBe(1)
  for (const part of [String(gateway.mqttPort), 'broker.listen', 'or pass --mqtt']) expect(err).toContain(part)
})

test('SIGTERM ends it with 0 within ten seconds, tail is told, and the journal is sound', async () => {
  const tail = start(['tail', ...gateway.admin])
  let seen = ''
  tail.stdout?.on('data', (chunk) => {
    seen += chunk
  })
  const told = ended(tail)
  await until('tail listens', 60_000, async () => {
    await headgate(['send', '--type', 'order.created', ...gateway.http])
    return seen !== ''
  })
  const before = performance.now()
  gateway.child.kill('SIGTERM')
  const { code, signal, err } = await gateway.ended
  expect({ code, signal }, err).toEqual({ code: 0, signal: null })
  expect(performance.now() - before).toBeLessThan(10_000)
  expect(err.trimEnd().split('\n').at(-1)).toMatch(/^headgate: stopping on SIGTERM; /)
  expect(await told).toMatchObject({
    code: 2,
    err: expect.stringMatching(/^headgate: tail: .*\n$|^headgate: reaching .*\n$/),
  })
  const verify = await headgate(['journal', 'verify', join(folder.path, 'data', 'journal')])
  expect(verify.err).toBe('')
  expect(verify.out).toMatch(
    /^sound: .* holds \d+ events, 0 deliveries to be made, 0 dead letters; every checksum fits\n$/,
  )
})

test('it starts again on what it left behind; Ctrl-C through npm comes twice and counts once', async () => {
  await gateway[Symbol.asyncDispose]()
  gateway = await runGateway(config, join(folder.path, 'data'))
  gateway.child.kill('SIGINT')
  gateway.child.kill('SIGINT')
  expect((await gateway.ended).code).toBe(0)
})

test('a second signal ends it at once, whatever is under way; that runs again after the next start', async () => {
  await gateway[Symbol.asyncDispose]()
  gateway = await runGateway(config, join(folder.path, 'data'))
  await headgate(['send', '--type', 'loop', ...gateway.http])
  gateway.child.kill('SIGINT')
  await until('it says that it stops', 30_000, () => gateway.said().includes('stopping on SIGINT'))
  // A second one within 400 ms is the first one, passed on.
  await pause(600)
  expect(gateway.child.exitCode).toBe(null)
  gateway.child.kill('SIGTERM')
  expect(await gateway.ended).toMatchObject({ code: 143, signal: null })
  const { out } = await headgate(['journal', 'verify', join(folder.path, 'data', 'journal')])
  expect(out).toMatch(/ 1 delivery to be made, 0 dead letters; every checksum fits\n$/)
})

const why = (id: string) => headgate(['why', id, ...gateway.admin])
