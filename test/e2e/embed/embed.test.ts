/** A gateway inside a program that was written as a user would, and the API in this process. */

import { spawn } from 'node:child_process'
import { getEventListeners } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CloudEvent } from 'cloudevents'
import { afterEach, expect, test } from 'vitest'
import { createGateway, type EmbeddedGateway } from '../../../src/index.ts'
import { eventually } from '../../services/eventually.ts'
import { ROOT } from '../../services/gateway.ts'
import { ended } from '../cli/gateway.ts'

const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

const scratch = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'headgate-embed-'))
  folders.push(folder)
  return folder
}

const yaml = (data: string): string => `
name: shop
broker: { listen: ["tcp://127.0.0.1:0"], path: ${data}/broker }
http: { listen: 127.0.0.1:0 }
admin: { listen: 127.0.0.1:0 }
journal: { path: ${data}/journal }
log: { level: error }
functions:
  echo: ${ROOT}/functions/echo/echo.wasm
  order-summary: ${ROOT}/functions/order-summary/order-summary.wasm
routes:
  orders: { from: program, when: type == "order.created" && data.orderId == 7, to: order-summary }
  accepted: { from: "function:order-summary", to: "mqtt:orders/accepted" }
`

/** Without the section of functions, and with a service. */
const foldered = (data: string): string =>
  yaml(data).replace(/^functions:\n( .*\n)+/m, 'services: { desk: { repeat: echo } }\n')

async function open(): Promise<EmbeddedGateway> {
  const gateway = await createGateway({ yaml: yaml(scratch()) })
  await gateway.start()
  return gateway
}

test('a program starts a gateway, emits an event of the SDK, calls functions, stops, and ends by itself', async () => {
  const folder = scratch()
  const config = join(folder, 'headgate.yaml')
  writeFileSync(config, yaml(folder))
  const child = spawn(process.execPath, [join(import.meta.dirname, 'shop.mjs'), config], { cwd: ROOT })
  const { code, err, out } = await ended(child)
  const said = out.trim().split('\n').at(-1) ?? ''
  expect(err).toBe('')
  expect(JSON.parse(said)).toEqual({
    routes: ['orders'],
    outcome: 'done',
    isEvent: true,
    data: { hello: 'world' },
    refused: ['FUNCTION_REJECTED', 'ORDER_INVALID', 'ValidationError'],
    unknown:
      'service (call): finding a function: "ecko" is unknown; did you mean "echo"?; there is "echo", "order-summary"',
  })
  expect(code).toBe(0)
})

test('what was emitted is on disk: another gateway on the same data knows it', async () => {
  const text = yaml(scratch())
  const event = { id: 'o-1', source: '/shop', type: 'order.created', data: { orderId: 7, items: [{ price: 1 }] } }
  const first = await createGateway({ yaml: text })
  await first.start()
  const { callId, duplicate } = await first.emit(event)
  expect(duplicate).toBe(false)
  await first.stop()
  await using second = await createGateway({ yaml: text })
  await second.start()
  expect(await second.emit(new CloudEvent(event))).toMatchObject({ callId, duplicate: true })
})

test('functions are found in a folder, and those of a service are called by both names', async () => {
  const data = scratch()
  await expect(createGateway({ yaml: foldered(data) })).rejects.toThrow('there is no function "echo"')
  await using gateway = await createGateway({ yaml: foldered(data) }, { functions: join(ROOT, 'functions') })
  await gateway.start()
  expect((await gateway.call('desk/repeat', { a: 1 })).data).toEqual({ a: 1 })
  const event = new CloudEvent({ source: '/s', type: 't', data: 'x', function: 'other' })
  expect((await gateway.call('desk/repeat', event)).data).toBe('x')
  await expect(gateway.call('desk/reapet')).rejects.toThrow(
    '"desk/reapet" is unknown; did you mean "desk/repeat"?; there is "desk/repeat"',
  )
  expect((await gateway.call('echo', 1)).data).toBe(1)
})

test('data goes through as it is: text, bytes, JSON, an event', async () => {
  await using gateway = await open()
  const bytes = new Uint8Array([0, 255, 10])
  expect((await gateway.call('echo', 'text')).data).toBe('text')
  expect((await gateway.call('echo', [1, 'ü', null])).data).toEqual([1, 'ü', null])
  expect((await gateway.call('echo', bytes)).data).toEqual(Buffer.from(bytes))
  expect((await gateway.call('echo')).data).toBeUndefined()
  const given = new CloudEvent({ source: '/s', type: 't', data: { a: 1 } })
  const reply = await gateway.call('echo', given)
  expect(reply).toMatchObject({ type: 'headgate.reply', correlationid: given.id, status: 'ok', data: { a: 1 } })
  expect(reply).toBeInstanceOf(CloudEvent)
})

test('a call with a callId runs once, and is answered again', async () => {
  await using gateway = await open()
  const order = (price: number) => ({ orderId: 1, items: [{ price }] })
  let runs = 0
  gateway.watch((seen) => {
    if (seen.kind === 'settled' && seen.route === 'call/order-summary') runs += 1
  })
  const first = await gateway.call('order-summary', order(1), { callId: 'c-1' })
  // At once: the answer may still be on its way to the disk.
  expect((await gateway.call('order-summary', order(2), { callId: 'c-1' })).data).toEqual(first.data)
  expect((await gateway.call('order-summary', order(3))).data).not.toEqual(first.data)
  await eventually(() => runs > 1, { what: 'the other call has run' })
  expect(runs).toBe(2)
})

test('a caller that no longer waits is told so, by its own reason or by a TimeoutError', async () => {
  await using gateway = await open()
  const reason = new Error('enough')
  await expect(gateway.call('echo', 'x', { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
  await expect(gateway.call('order-summary', { orderId: 1 }, { timeoutMs: 0 })).rejects.toMatchObject({
    type: 'TimeoutError',
  })
})

test('calls leave nothing on the signal that they were given, answered or not', async () => {
  await using gateway = await open()
  const { signal } = new AbortController()
  const calls = Array.from({ length: 500 }, (_, nth) =>
    nth % 5 === 0 ? gateway.call('order-summary', 'no order', { signal }) : gateway.call('echo', nth, { signal }),
  )
  const ended = await Promise.allSettled(calls)
  expect(ended.filter(({ status }) => status === 'rejected')).toHaveLength(100)
  expect(getEventListeners(signal, 'abort')).toHaveLength(0)
})

test('mistakes are told in the words of the gateway', async () => {
  await using gateway = await createGateway({ yaml: yaml(scratch()) })
  await expect(gateway.emit({ source: '/s', type: 't' })).rejects.toMatchObject({ code: 'STOPPING' })
  await gateway.start()
  await expect(gateway.emit({ source: '', type: 't' })).rejects.toThrow(/"source" is empty/)
  await expect(gateway.emit({ source: '/s', type: 't', data: 1n })).rejects.toThrow(/BigInt/)
  await expect(gateway.call('echo', () => 1)).rejects.toThrow(/a function is no data/)
  await expect(createGateway({ yaml: 'routes: { a: { from: programm, to: mqtt:x } }' })).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: expect.stringContaining('there is no source "programm"'),
  })
})
