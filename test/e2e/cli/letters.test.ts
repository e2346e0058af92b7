/** Dead letters in full, as a user types it: grouped, redriven with care, onto another target, sent with other data. */

import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { type Gateway, headgate, repository, runGateway, scratch, until } from './gateway.ts'

const folder = scratch()
let gateway: Gateway

beforeAll(async () => {
  // The type of an event tells this guest what to do: trap, for one.
  const guest = join(repository, 'test/functions/guests/hostile/hostile.wasm')
  const config = folder.file(
    'letters.yaml',
    `log: { level: warn }
functions:
  echo: ${join(repository, 'functions/echo/echo.wasm')}
  guest: { wasm: ${guest}, pool: { max: 1 } }
routes:
  traps: { from: http, when: type == "trap", to: { guest: 100, echo: 0 }, retry: { max: 0 } }
`,
  )
  gateway = await runGateway(config, join(folder.path, 'data'))
})

afterAll(async () => {
  gateway?.child.kill('SIGKILL')
  await gateway?.ended
  folder.remove()
})

const letters = (...args: readonly string[]) => headgate(['dead-letters', ...args, ...gateway.admin])
const items = async () => JSON.parse((await letters('list', '--json')).out).items
const groups = async () => JSON.parse((await letters('list', '--group', '--json')).out).groups
const why = async (id: string) => (await headgate(['why', id, ...gateway.admin])).out
let sent = 0

async function die(count: number): Promise<void> {
  await letters('drop', '--all', '--yes')
  for (let n = 0; n < count; n++) {
    const event = { specversion: '1.0', id: `t-${sent++}`, source: '/s', type: 'trap', data: { n: 1 } }
    const headers = { 'content-type': 'application/cloudevents+json' }
    const body = JSON.stringify(event)
    expect((await fetch(`http://${gateway.http[1]}/events`, { method: 'POST', headers, body })).ok).toBe(true)
  }
  await until('they are given up on', 30_000, async () => (await items()).length === count)
}

beforeEach(() => die(3))

test('letters that died of the same thing are one group, which a list takes', async () => {
  const [group, ...others] = await groups()
  expect(others).toEqual([])
  expect(group).toMatchObject({ code: 'FUNCTION_TRAPPED', to: 'guest', routes: ['traps'], count: 3 })
  const { out } = await letters('list', '--group')
  expect(out).toMatch(new RegExp(`^${group.group}  3 dead letters  traps -> guest  FUNCTION_TRAPPED  .* ago\n  \\S`))
  expect((await letters('list', '--group', group.group)).out.trimEnd().split('\n')).toHaveLength(3)
  expect((await letters('list', '--group', 'none')).out).toBe('no dead letters\n')
  expect((await letters('show', group.example)).out).toContain(group.group)
})

test('a careful redrive stops at the first that breaks again, and the rest stay as they were', async () => {
  const [{ group }] = await groups()
  const { code, out, err } = await letters('redrive', '--group', group, '--careful')
  expect({ code, out }).toEqual({ code: 3, out: '' })
  expect(err).toMatch(
    /^headgate: redrive: stopped after 1 of 3; the rest are as they were: \S+ broke again of the same/,
  )
  await until('that one is given up on again', 30_000, async () => (await items()).length === 3)
})

test('a redrive onto another target of the route goes through, one then the rest', async () => {
  const ids = (await items()).map(({ event }: { event: { id: string } }) => event.id)
  const wrong = await letters('redrive', '--route', 'traps', '--to', 'nope')
  expect(wrong).toMatchObject({ code: 1, err: expect.stringContaining('it has "guest", "echo"') })
  expect(await letters('redrive', '--route', 'traps', '--to', 'echo', '--careful')).toMatchObject({
    code: 0,
    err: '',
    out: '3 deliveries made due again on echo\n',
  })
  expect(await items()).toEqual([])
  expect(await why(`${ids[0]}`)).toContain('none of its deliveries is left: dropped, or redriven as a new event')
})

test('those named by their ids are redriven, and dropped; why takes such an id as well', async () => {
  const [first, second, third] = (await items()).map(({ id }: { id: string }) => id)
  expect(await why(first)).toMatch(/dead after .* attempts?,[\s\S]*next: headgate dead-letters show /)
  expect(await letters('redrive', first, second, '--to', 'echo')).toMatchObject({
    code: 0,
    out: '2 deliveries made due again on echo\n',
  })
  expect(await letters('drop', third, '--yes')).toMatchObject({ code: 0, out: '1 dead letter removed\n' })
  expect(await items()).toEqual([])
})

test('a redrive at a rate takes them all', async () => {
  const { out } = await letters('redrive', '--all', '--rate', '20/s')
  expect(out).toBe('3 deliveries made due again\n')
  await until('they are given up on again', 30_000, async () => (await items()).length === 3)
})

test('one is sent with other data, and stays', async () => {
  const [{ event, id }] = await items()
  const { code, out } = await letters('resend', id, '--data', '{"n":2}', '--to', 'echo', '--json')
  expect(code).toBe(0)
  const { callId, eventId } = JSON.parse(out)
  expect(eventId).toMatch(new RegExp(`^${event.id}/resend/`))
  await until('it is done', 20_000, async () => (await why(callId)).includes('result: {"n":2}'))
  const history = JSON.parse((await headgate(['why', callId, '--json', ...gateway.admin])).out)
  expect(history.event).toMatchObject({ causationid: event.id, data: { n: 2 } })
  expect((await items()).map((each: { id: string }) => each.id)).toContain(id)
  expect(await letters('resend', id, '--data', '{')).toMatchObject({ code: 1 })
  expect(await letters('resend', 'none', '--data', '{}')).toMatchObject({ code: 1 })
})
