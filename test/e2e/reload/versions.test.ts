/** Versions of a function beside each other, in a gateway that runs: what begins with one ends with it. */

import { copyFileSync, mkdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { eventually } from '../../services/eventually.ts'
import { ROOT } from '../../services/gateway.ts'
import { runGateway, until } from '../cli/gateway.ts'
import { dataOf, folder, Running } from './running.ts'

/** A guest that does what the type of an event says: `retry` asks for another attempt, `context` tells its version. */
const guest = `${ROOT}/test/functions/guests/hostile/hostile.wasm`
const echo = `${ROOT}/functions/echo/echo.wasm`

afterAll(() => folder.remove())

const versions = (...all: readonly number[]): string =>
  `functions: { ${all.map((version) => `size@${version}: ${guest}`).join(', ')} }\n`
const route = (to: string): string =>
  `routes: { r: { from: program, to: ${to}, retry: { max: 40, delay: 100ms, backoff: constant, jitter: none } } }\n`

describe('a delivery that began with a version', () => {
  test('is tried again with it when there is a newer one, which gets what is new', async () => {
    await using running = await Running.open('newer', versions(2) + route('size'))
    await running.emit('old', 'retry', { subject: '100' })
    await eventually(() => running.at('old').length > 1, { what: 'it is tried again', withinMs: 30_000 })
    await running.reload(versions(2, 3) + route('size'))
    const before = running.at('old').length
    await running.emit('new', 'context')
    await running.done('new')
    await eventually(() => running.at('old').length > before + 2, { what: 'it goes on', withinMs: 30_000 })
    expect(new Set(running.at('old'))).toEqual(new Set(['size@2']))
    expect(running.at('new')).toEqual(['size@3'])
  })

  test('goes on with the newest when its version is gone, and the log says so', async () => {
    await using running = await Running.open('gone', versions(2) + route('size@2'))
    await running.emit('old', 'retry', { subject: '100' })
    await eventually(() => running.at('old').length > 0, { what: 'it is tried', withinMs: 30_000 })
    await running.reload(versions(3) + route('size@3'))
    const before = running.at('old').length
    await eventually(() => running.at('old').length > before + 2, { what: 'it goes on', withinMs: 30_000 })
    expect(running.warned.join()).toContain('r (route): 1 deliveries began with "size@2", which is gone')
  })
})

test.each([
  ['its own version is there', versions(2, 3), route('size'), 'size@2 goes on'],
  ['its version is gone', versions(3), route('size'), 'size@3 takes over'],
  ['the function has no version any more', `functions: { size: ${guest} }\n`, route('size'), 'size takes over'],
])('after a restart a delivery goes on where %s', async (_, functions, routes, what) => {
  const name = `restart ${what}`.replaceAll(' ', '-')
  const first = await Running.open(name, versions(2) + route('size'))
  await first.emit('old', 'retry', { subject: '100' })
  await eventually(() => first.at('old').length > 0, { what: 'it is tried', withinMs: 30_000 })
  await first.gateway.stop()
  await using second = await Running.open(name, functions + routes)
  await eventually(() => second.at('old').length > 1, { what, withinMs: 30_000 })
  expect(second.warned.some((line) => line.includes('began with "size@2", which is gone'))).toBe(what.includes('over'))
})

test('a version stays what it is: another file is refused, and nothing has changed', async () => {
  const wasm = `${folder.path}/size@2.wasm`
  copyFileSync(guest, wasm)
  const text = `functions: { size@2: ${wasm} }\n${route('size')}`
  await using running = await Running.open('digest', text)
  copyFileSync(echo, wasm)
  await expect(running.reload(text)).rejects.toThrow(/size@2 \(function\): loading ".*": sha256 is .* give the changed/)
  await running.emit('1', 'context')
  await running.done('1')
  expect(running.tried).toEqual([{ id: '1', to: 'size@2', outcome: 'done' }])
})

test('a version stays what it is over a restart', async () => {
  const wasm = `${folder.path}/kept@2.wasm`
  copyFileSync(guest, wasm)
  const text = `functions: { kept@2: ${wasm}, free: ${wasm} }\n`
  const first = await Running.open('kept', text)
  await first.gateway.stop()
  copyFileSync(echo, wasm)
  await expect(Running.open('kept', text)).rejects.toThrow(/^kept@2 \(function\): loading ".*": sha256 is .* give the/)
  await using second = await Running.open('kept', text.replace('kept@2', 'kept@3'))
  await second.emit('1', 'context')
})

test('weights choose a version by key, and its metrics and its record name it', async () => {
  await using running = await Running.open('weights', versions(2, 3) + route('{ size@2: 50, size@3: 50 }'))
  for (let n = 0; n < 24; n++) await running.emit(`${n}`, 'context', { subject: `key-${n % 8}` })
  for (let n = 0; n < 24; n++) await running.done(`${n}`)
  const byKey = Array.from({ length: 8 }, (_, key) => [0, 8, 16].map((round) => running.at(`${key + round}`).join()))
  for (const targets of byKey) expect(new Set(targets).size).toBe(1)
  expect(new Set(byKey.flat())).toEqual(new Set(['size@2', 'size@3']))
  await running.emit('refused', 'reject', { subject: 'key-1' })
  await running.done('refused')
  const [to] = running.at('1')
  // What is settled is told before it is on disk.
  const listed = await eventually(
    async () => {
      const { items } = (await running.admin('/admin/dead-letters')) as { readonly items: readonly unknown[] }
      return items.length > 0 ? { items } : undefined
    },
    { what: 'it is listed' },
  )
  expect(listed).toMatchObject({
    items: [{ to, error: { message: expect.stringContaining(`${to} (function): handling the event: no items`) } }],
  })
  expect(await running.admin('/metrics')).toContain('wasm_function_invocations_total{function="size@3"}')
  expect(await running.admin('/metrics')).toContain('wasm_function_available_replicas{function="size@2"}')
  expect(await running.admin('/admin/events/3')).toMatchObject({ deliveries: [{ to: running.at('3')[0] }] })
})

test('calls by name reach each version; one that is not there is told with those that are', async () => {
  await using running = await Running.open('calls', versions(2, 10))
  const version = async (name: string) => String((await running.gateway.call(name, asked)).data).split(' ')
  expect(await version('size')).toContain('10')
  expect(await version('size@2')).toContain('2')
  const http = await fetch(`${running.gateway.addresses.get('http')}/call/size@2`, {
    method: 'POST',
    headers: { 'content-type': 'application/cloudevents+json' },
    body: JSON.stringify({ ...asked, id: 'h' }),
  })
  expect((await http.text()).split(' ')).toContain('2')
  await expect(running.gateway.call('size@3', asked)).rejects.toThrow('there is "size", "size@2", "size@10"')
})

const asked = { specversion: '1.0', id: 'a', source: '/test', type: 'context' }

describe('a dead letter', () => {
  const dead = async (name: string): Promise<Running> => {
    const running = await Running.open(name, versions(2) + route('size'))
    await running.emit('a', 'reject')
    await running.done('a')
    await running.reload(versions(2, 3) + route('size'))
    return running
  }
  const redrive = (running: Running, to?: string) =>
    running.admin('/admin/dead-letters/redrive', { filter: { route: 'r' }, ...(to === undefined ? {} : { to }) })

  test.each([
    ['the newest', undefined, 'size@3'],
    ['the newest by name', 'size', 'size@3'],
    ['the one that is chosen', 'size@2', 'size@2'],
  ])('goes to %s', async (_, to, reached) => {
    await using running = await dead(`dead-${to}`)
    expect(await redrive(running, to)).toMatchObject({ count: 1 })
    await eventually(() => running.tried.length === 2, { what: 'it is tried again', withinMs: 30_000 })
    expect(running.tried.map((one) => one.to)).toEqual(['size@2', reached])
  })

  test('to a version that is not there is refused with those that are', async () => {
    await using running = await dead('refused')
    expect(await redrive(running, 'size@4')).toMatchObject({
      code: 'TARGET_UNKNOWN',
      detail: expect.stringContaining('"size@3", "size@2"'),
    })
  })
})

test('a folder of functions: a version that is put there is found at the next reload', async () => {
  const functions = folder.fresh('functions')
  copyFileSync(guest, join(functions, 'size@2.wasm'))
  await using running = await Running.open('folder', route('size'), { functions })
  await running.emit('1', 'context')
  await running.done('1')
  copyFileSync(guest, join(functions, 'size@10.wasm'))
  await running.reload(route('size'))
  await running.emit('2', 'context')
  await running.done('2')
  expect(running.tried.map(({ to }) => to)).toEqual(['size@2', 'size@10'])
  await expect(running.reload(route('size@3'))).rejects.toThrow('there are "size@2", "size@10"')
})

test('a version that is put into the folder of a gateway that runs is found by itself', async () => {
  const functions = folder.fresh('watched')
  mkdirSync(join(functions, 'size'))
  copyFileSync(guest, join(functions, 'size', 'size@2.wasm'))
  const config = folder.file('watched.yaml', 'routes: { r: { from: http, to: size } }\n')
  await using running = await runGateway(config, dataOf('watched'), { HEADGATE_FUNCTIONS: functions })
  const told = async () => (await fetch(`http://${running.admin[1]}/admin/config`)).text()
  expect(await told()).toContain('- size@2')
  copyFileSync(guest, join(functions, 'next'))
  renameSync(join(functions, 'next'), join(functions, 'size', 'size@3.wasm'))
  await until('the newest is sent to', 60_000, async () => (await told()).includes('- size@3'))
  running.child.kill('SIGTERM')
  expect(await running.ended).toMatchObject({ code: 0 })
})
