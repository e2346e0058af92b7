/** A canary with real traffic: one that is bad rolls back by itself, one that is good gets all, and nothing is lost. */

import { copyFileSync } from 'node:fs'
import { afterAll, expect, test } from 'vitest'
import { eventually } from '../../services/eventually.ts'
import { ROOT } from '../../services/gateway.ts'
import { type Gateway, runGateway } from '../cli/gateway.ts'
import { dataOf, folder, Running } from './running.ts'

/** A guest that does what the type of an event says: `reject` fails, `spin` takes as many milliseconds as the subject says. */
const guest = `${ROOT}/test/functions/guests/hostile/hostile.wasm`
const echo = `${ROOT}/functions/echo/echo.wasm`

afterAll(() => folder.remove())

const config = (old: string, young: string, canary: string, from = 'program'): string => `
functions: { size@2: ${old}, size@3: ${young} }
routes:
  r:
    from: ${from}
    to: { size@2: 70, size@3: 30 }
    order_by: id
    delivery: durable
    retry: { max: 2, delay: 20ms, backoff: constant, jitter: none }
    canary: { ${canary} }
  told: { from: gateway, to: "mqtt:rollouts" }
`

interface View {
  readonly state: string
  readonly weights: Readonly<Record<string, number>>
  readonly versions: Readonly<Record<string, { readonly calls: number; readonly failed: number }>>
}

const stateOf = async (running: Running): Promise<View | undefined> =>
  ((await running.admin('/metrics/canary')) as { routes: View[] }).routes[0]

/** Emits, ten at a time, until the canary is decided; resolves to the ids that were acknowledged. */
async function traffic(running: Running, type: string, rest: object = {}): Promise<readonly string[]> {
  const ids: string[] = []
  await eventually(
    async () => {
      const next = Array.from({ length: 10 }, (_, n) => `${ids.length + n}`)
      await Promise.all(next.map((id) => running.emit(id, type, rest)))
      ids.push(...next)
      return (await stateOf(running))?.state !== 'counting'
    },
    { what: 'the canary is decided', withinMs: 60_000 },
  )
  return ids
}

/** Every one of them was done, or is a dead letter. */
async function settledAll(running: Running, ids: readonly string[]): Promise<void> {
  for (const id of ids) await running.done(id)
  await eventually(async () => (await running.admin('/metrics')) && running.told.length > 0, { what: 'it is told' })
  const { journal } = (await running.admin('/admin/stats')) as { journal: { pending: number } }
  expect(journal.pending).toBe(0)
}

const after = async (running: Running, count: number): Promise<ReadonlySet<string>> => {
  const ids = Array.from({ length: count }, (_, n) => `after-${n}`)
  await Promise.all(ids.map((id) => running.emit(id, 'echo')))
  for (const id of ids) await running.done(id)
  return new Set(ids.flatMap(running.at))
}

/** Whether the version that events go to has done what was a dead letter of another. */
const redriven = ({ tried }: Running, id: string): boolean =>
  tried.some((one) => one.id.startsWith(`${id}/`) && one.to === 'size@2' && one.outcome === 'done')

test('one that fails rolls back by itself, nothing is lost, and its retries stay with it', async () => {
  await using running = await Running.open('bad', config(echo, guest, 'success_rate: 0.9, min_calls: 60'))
  const ids = await traffic(running, 'reject')
  expect(await stateOf(running)).toMatchObject({ state: 'rolledback', weights: { 'size@2': 100, 'size@3': 0 } })
  await settledAll(running, ids)
  const lost = ids.filter((id) => new Set(running.at(id)).size !== 1)
  expect(lost).toEqual([])
  expect(await after(running, 40)).toEqual(new Set(['size@2']))
  expect(running.warned.filter((line) => line.includes('is rolled back'))).toEqual([
    expect.stringMatching(/^r \(route\): size@3 is rolled back: \d+ of \d+ calls failed, and success_rate is 0\.9$/),
  ])
  expect(running.told).toMatchObject([{ type: 'headgate.version.rolledback', subject: 'size@3' }])
  expect(await running.admin('/admin/dead-letters/redrive', { filter: { route: 'r' } })).toMatchObject({
    count: expect.any(Number),
  })
  const dead = running.tried.filter(({ outcome }) => outcome === 'dead')
  for (const { id } of dead) await eventually(() => redriven(running, id), { what: `the old one does ${id} after all` })
  expect(await running.admin('/admin/config')).toMatch(/^# r: size@3 was rolled back at .*"size@2":100,"size@3":0/m)
  const text = await running.admin('/metrics')
  expect(text).toContain('headgate_canary_state{route="r",to="size@3"} -1')
  expect(text).toContain('headgate_canary_weight{route="r",to="size@2"} 100')
  expect(text).toMatch(/headgate_canary_failures_total\{route="r",to="size@3"\} [1-9]/)
})

test('one that is good gets everything', async () => {
  await using running = await Running.open('good', config(guest, echo, 'min_calls: 30, p99: 20s'))
  const ids = await traffic(running, 'echo')
  expect(await stateOf(running)).toMatchObject({ state: 'promoted', weights: { 'size@2': 0, 'size@3': 100 } })
  await settledAll(running, ids)
  expect(await after(running, 40)).toEqual(new Set(['size@3']))
})

test('one that is slow rolls back', async () => {
  const slow = config(echo, guest, 'success_rate: 0.5, p99: 5ms, min_calls: 50')
  await using running = await Running.open('slow', slow)
  await traffic(running, 'spin', { subject: '30' })
  expect(await stateOf(running)).toMatchObject({
    state: 'rolledback',
    decision: { reason: expect.stringContaining('longer than the 5 ms') },
  })
})

test('a file that was replaced on disk holds no rollback up, and other weights begin anew', async () => {
  const wasm = `${folder.path}/size@3.wasm`
  copyFileSync(guest, wasm)
  const text = config(echo, wasm, 'success_rate: 0.9, min_calls: 60')
  await using running = await Running.open('anew', text)
  copyFileSync(echo, wasm)
  await traffic(running, 'reject')
  await expect(running.reload(text)).rejects.toThrow('a version stays what it is')
  copyFileSync(guest, wasm)
  await running.reload(text)
  expect(await stateOf(running)).toMatchObject({ state: 'rolledback' })
  await running.reload(text.replace('size@3: 30', 'size@3: 31'))
  expect(await stateOf(running)).toMatchObject({ state: 'counting', versions: { 'size@3': { calls: 0 } } })
})

test('what was decided survives kill -9, and every event that was acknowledged is settled', async () => {
  const file = folder.file('killed.yaml', config(echo, guest, 'success_rate: 0.9, min_calls: 60', 'http'))
  const data = dataOf('killed')
  await using first = await runGateway(file, data)
  let log = ''
  first.child.stdout?.on('data', (text) => {
    log += text
  })
  const state = async ({ admin }: Gateway): Promise<string> => {
    const body = (await (await fetch(`http://${admin[1]}/metrics/canary`)).json()) as { routes: View[] }
    return body.routes[0]?.state ?? ''
  }
  const ids: string[] = []
  const send = async ({ http }: Gateway, id: string): Promise<void> => {
    const headers = { 'content-type': 'application/cloudevents+json' }
    const body = JSON.stringify({ specversion: '1.0', id, source: '/test', type: 'reject' })
    const response = await fetch(`http://${http[1]}/events`, { method: 'POST', headers, body })
    if (response.ok) ids.push(id)
  }
  await eventually(
    async () => {
      await Promise.all(Array.from({ length: 10 }, () => send(first, crypto.randomUUID())))
      // It is told once it is on disk.
      return log.includes('is rolled back')
    },
    { what: 'it rolls back', withinMs: 60_000 },
  )
  first.child.kill('SIGKILL')
  await first.ended
  await using second = await runGateway(file, data)
  expect(await state(second)).toBe('rolledback')
  const before = ids.length
  await Promise.all(Array.from({ length: 30 }, (_, n) => send(second, `later-${n}`)))
  expect(ids).toHaveLength(before + 30)
  const fates = await eventually(
    async () => {
      const found = await Promise.all(ids.map((id) => fateOf(second, id)))
      return found.every(({ status }) => status === 'done' || status === 'dead') ? found : undefined
    },
    { what: 'all are settled', withinMs: 60_000 },
  )
  expect(new Set(fates.slice(before).map(({ to }) => to))).toEqual(new Set(['size@2']))
  second.child.kill('SIGTERM')
  expect(await second.ended).toMatchObject({ code: 0 })
})

async function fateOf({ admin }: Gateway, id: string): Promise<{ readonly status: string; readonly to: string }> {
  const response = await fetch(`http://${admin[1]}/admin/events/${id}`)
  const { deliveries } = (await response.json()) as { deliveries: { status: string; to: string }[] }
  return deliveries[0] ?? { status: 'lost', to: '' }
}
