/** A receiver that answers 410: its sink is held, what comes for it waits, and goes on when the cause is mended. */

import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { eventually } from '../../services/eventually.ts'
import { type GatewayProcess, ROOT, startGateway } from '../../services/gateway.ts'
import { Receiver } from '../../services/receiver.ts'
import { eventOf, held, post, postEvent, request, settled } from './client.ts'

const config = (port: number) => `
sinks:
  billing: { http: { url: "http://127.0.0.1:${port}/billing", allow: [127.0.0.1] } }
  shipping: { http: { url: "http://127.0.0.1:${port}/shipping", allow: [127.0.0.1] } }
routes:
  orders: { from: http, when: type == "order", to: billing, concurrency: 1, retry: 2 }
  refunds: { from: http, when: type == "refund", to: billing, concurrency: 1 }
  parcels: { from: http, when: type == "parcel", to: shipping }
  saved: { from: http, when: type == "saved", to: billing, fallback: shipping }
`
let receiver: Receiver
let gateway: GatewayProcess
let status = 410
beforeEach(async () => {
  status = 410
  receiver = await Receiver.open(({ path }) => ({ status: path === '/billing' ? status : 202 }))
  gateway = await startGateway({ config: config(receiver.port) })
})
afterEach(async () => {
  await gateway[Symbol.asyncDispose]()
  await receiver[Symbol.asyncDispose]()
})

const on = (path: string) => receiver.received.filter((one) => one.path === path)
const ids = (path: string) => on(path).map(({ headers }) => headers['ce-id'])

async function send(...types: readonly string[]): Promise<readonly string[]> {
  const events = types.map((type) => eventOf(type))
  for (const event of events) expect((await postEvent(gateway, event)).status).toBeLessThan(300)
  return events.map(({ id }) => `${id}`)
}

const isHeld = async (): Promise<boolean> => {
  const { text } = await request(gateway.admin, '/metrics')
  return text.includes('headgate_sink_held{route="orders",to="billing"} 1\n')
}
const untilHeld = () => eventually(isHeld, { what: 'the sink is held', detail: () => gateway.output() })
const untilDone = async (all: readonly string[]) => {
  for (const id of all) expect((await settled(gateway, id)).deliveries).toMatchObject([{ status: 'done', attempts: 1 }])
}
const logged = () => gateway.output().match(/orders: nothing more goes to billing/g) ?? []

test('it is asked once and told once; what comes waits, others go on, a fallback is used, and resume mends it', async () => {
  const [first = ''] = await send('order')
  await untilHeld()
  const waiting = [first, ...(await send('order', 'refund', 'order'))]
  const parcels = await send('parcel', 'parcel')
  await untilDone(parcels)
  const [saved = ''] = await send('saved')
  expect((await settled(gateway, saved)).deliveries).toMatchObject([{ status: 'done', fallback: 'shipping' }])
  for (const id of waiting)
    expect((await held(gateway, id))?.deliveries).toMatchObject([{ status: 'due', attempts: 0 }])
  expect(on('/billing')).toHaveLength(1)
  expect(logged()).toHaveLength(1)
  const ready = await request(gateway.admin, '/ready')
  expect(ready.status).toBe(200)
  const { checks } = ready.json as { checks: readonly { name: string; ok: boolean; detail?: string }[] }
  const { detail = '', ok } = checks.find(({ name }) => name === 'sinks') ?? {}
  expect(ok).toBe(true)
  expect(detail).toMatch(/^held: orders -> billing \(billing \(http\): .*answered 410/)
  expect(detail).toMatch(/; change the sink and reload, or run: headgate resume billing$/)
  // Still gone: one asks again, and it is held again.
  await post(gateway.admin, '/admin/sinks/resume', { sink: 'billing' })
  await eventually(() => logged().length === 2, { what: 'it is told again' })
  status = 202
  const said = execFileSync(
    process.execPath,
    [join(ROOT, 'src/main.ts'), 'resume', 'billing', '--admin', `127.0.0.1:${gateway.admin}`],
    { encoding: 'utf8' },
  )
  expect(said).toBe('orders -> billing goes on, one delivery first\nrefunds -> billing goes on, one delivery first\n')
  await untilDone(waiting)
  expect(new Set(ids('/billing')).size).toBe(waiting.length)
  expect(await isHeld()).toBe(false)
  expect((await request(gateway.admin, '/ready')).text).not.toContain('held:')
})

test('after a restart it is asked once more, and not again', async () => {
  const waiting = await send('order')
  await untilHeld()
  const more = await send('order', 'order', 'refund')
  await gateway.kill()
  const before = on('/billing').length
  await gateway.restart()
  await untilHeld()
  const all = [...waiting, ...more]
  for (const id of all) expect((await held(gateway, id))?.deliveries).toMatchObject([{ status: 'due', attempts: 0 }])
  // Each of the two routes may have been on its way.
  expect(on('/billing').length - before).toBeLessThanOrEqual(2)
  status = 202
  await gateway.kill()
  await gateway.restart()
  await untilDone(all)
})

test('a reload that changes the sink sends there; one that does not changes nothing', async () => {
  const file = join(gateway.folder, 'headgate.yaml')
  const text = readFileSync(file, 'utf8')
  const waiting = await send('order')
  await untilHeld()
  const load = async (changed: string, generation: number) => {
    writeFileSync(file, changed)
    process.kill(gateway.pid, 'SIGHUP')
    await eventually(() => gateway.output().includes(`generation ${generation} runs`), { what: 'it is reloaded' })
  }
  await load(text.replace('to: shipping', 'to: shipping, retry: 1'), 2)
  expect(await isHeld()).toBe(true)
  await load(text.replace('/billing"', '/accounts"'), 3)
  await untilDone(waiting)
  expect(ids('/accounts')).toEqual(waiting)
  expect(on('/billing')).toHaveLength(1)
})
