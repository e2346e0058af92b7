/** A configuration that changes under a gateway that runs: atomic, nothing lost, nothing leaked, a bad one without effect. */

import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import mqtt from 'mqtt'
import { afterAll, expect, test } from 'vitest'
import * as z from 'zod'
import { connectors } from '../../../connectors/index.ts'
import { defineConnector, defineSink, defineSource, type Sink } from '../../../src/connector/index.ts'
import { createGateway, type EmbeddedGateway } from '../../../src/index.ts'
import { collectGarbage } from '../../../src/pool/collect.ts'
import { eventually } from '../../services/eventually.ts'
import { ROOT } from '../../services/gateway.ts'
import { runGateway, until } from '../cli/gateway.ts'
import { dataOf, folder, yamlIn } from './running.ts'

const echo = `${ROOT}/functions/echo/echo.wasm`

afterAll(() => folder.remove())

/** What each delivery of the sink `slow` waits for, and which sinks there are. */
const gates: (() => void)[] = []
const sinks: { tag: string; delivered: string[]; stopped: boolean }[] = []

const options = z.strictObject({ tag: z.string(), fails: z.boolean().default(false) })

/** A sink whose deliveries end when the test says so, and a source that cannot start when it is told not to. */
const slow = defineConnector({
  type: 'slow',
  title: 'slow',
  summary: 'For this test alone.',
  stability: 'experimental',
  since: '0.1.0',
  sink: defineSink({
    config: options,
    create: ({ tag }): Sink => {
      const seen = { tag, delivered: [] as string[], stopped: false }
      sinks.push(seen)
      return {
        start: async () => {},
        deliver: async ({ id }) => {
          await new Promise<void>((resolve) => gates.push(resolve))
          if (seen.stopped) throw new Error('it was stopped under a delivery')
          seen.delivered.push(id)
        },
        stop: async () => {
          seen.stopped = true
        },
      }
    },
  }),
  source: defineSource({
    config: options,
    guarantees: { rejected: 'dropped', order: 'none', catchesUp: false },
    create: ({ fails, tag }) => ({
      start: async () => {
        if (fails) throw new Error(`${tag} has no upstream`)
      },
      stop: async () => {},
    }),
  }),
})

async function open(name: string, rest: string): Promise<{ gateway: EmbeddedGateway; text: (rest: string) => string }> {
  const data = dataOf(name)
  const text = (other: string): string => yamlIn(data, `name: shop\n${other}`)
  const gateway = await createGateway({ yaml: text(rest) }, { connectors: [...connectors, slow] })
  await gateway.start()
  return { gateway, text }
}

const event = (id: string) => ({ id, source: '/test', type: 't' })

test('what a delivery began with, it ends with; the rest goes to the new generation at once', async () => {
  const routes = 'routes: { r: { from: program, to: out, concurrency: 1, retry: 0 } }'
  gates.length = 0
  sinks.length = 0
  const { gateway, text } = await open('begun', `sinks: { out: { slow: { tag: old } } }\n${routes}`)
  await using _ = gateway
  for (const id of ['1', '2', '3']) await gateway.emit(event(id))
  await eventually(() => gates.length === 1, { what: 'the first delivery runs', withinMs: 30_000 })
  const reloaded = await gateway.reload({ yaml: text(`sinks: { out: { slow: { tag: new } } }\n${routes}`) })
  expect(reloaded).toEqual({ generation: 2, later: [] })
  await pause(50)
  // One at a time, also across the two.
  expect(gates).toHaveLength(1)
  expect(sinks.map(({ stopped }) => stopped)).toEqual([false, false])
  for (let n = 0; n < 3; n++) {
    await eventually(() => gates.length > 0, { what: 'the next delivery runs', withinMs: 30_000 })
    gates.shift()?.()
  }
  await eventually(() => sinks[0]?.stopped === true && sinks[1]?.delivered.length === 2, {
    what: 'both are done',
    withinMs: 30_000,
  })
  expect(sinks).toMatchObject([
    { tag: 'old', delivered: ['1'] },
    { tag: 'new', delivered: ['2', '3'] },
  ])
})

test('a source that cannot start puts everything back as it was', async () => {
  const { gateway, text } = await open(
    'back',
    `functions: { echo: ${echo} }\nroutes: { r: { from: program, to: "mqtt:a" } }`,
  )
  await using _ = gateway
  const worse = `sources: { in: { slow: { tag: in, fails: true } } }
routes: { r: { from: program, when: 'type == "other"', to: "mqtt:b" } }`
  await expect(gateway.reload({ yaml: text(worse) })).rejects.toThrow('in has no upstream')
  expect((await gateway.emit(event('1'))).routes).toEqual(['r'])
  expect(await gateway.call('echo', { a: 1 })).toMatchObject({ data: { a: 1 } })
  await expect(gateway.reload({ yaml: text('routes: { r: { from: nowhere, to: x } }') })).rejects.toThrow('nowhere')
  expect((await gateway.emit(event('2'))).routes).toEqual(['r'])
  const better = `sources: { in: { slow: { tag: in } } }\nroutes: { s: { from: program, to: "mqtt:b" } }`
  expect(await gateway.reload({ yaml: text(better) })).toEqual({ generation: 2, later: [] })
  expect((await gateway.emit(event('3'))).routes).toEqual(['s'])
  await expect(gateway.call('echo', {})).rejects.toThrow('"echo" is unknown')
})

test('a version of a reload that is refused never ran, and may become another file', async () => {
  const wasm = `${folder.path}/size@2.wasm`
  copyFileSync(`${ROOT}/test/functions/guests/hostile/hostile.wasm`, wasm)
  const functions = `functions: { size@2: ${wasm} }\n`
  const { gateway, text } = await open('refused', '')
  const worse = `${functions}sources: { in: { slow: { tag: in, fails: true } } }`
  await expect(gateway.reload({ yaml: text(worse) })).rejects.toThrow('in has no upstream')
  await gateway.stop()
  copyFileSync(echo, wasm)
  const next = await open('refused', functions)
  await using _ = next.gateway
  expect(await next.gateway.call('size', { a: 1 })).toMatchObject({ data: { a: 1 } })
  // From here on it is what it is.
  copyFileSync(`${ROOT}/test/functions/guests/hostile/hostile.wasm`, wasm)
  await expect(next.gateway.reload({ yaml: text(functions) })).rejects.toThrow('a version stays what it is')
})

test('a thousand reloads under load lose nothing and leak nothing', async () => {
  const variant = (n: number): string => `
functions: { echo: { wasm: ${echo}, timeout: ${n % 100 === 0 ? '9s' : '10s'} } }
routes:
  topic: { from: "mqtt:load/#", to: echo, concurrency: ${10 + (n % 3)} }
  ${n % 2 === 0 ? 'even' : 'odd'}: { from: program, to: "mqtt:out" }`
  const { gateway, text } = await open('thousand', variant(0))
  const settled = new Set<string>()
  gateway.watch((activity) => {
    if (activity.kind === 'settled' && activity.outcome === 'done' && activity.route === 'topic')
      settled.add(String(activity.event.data))
  })
  const client = await mqtt.connectAsync(gateway.addresses.get('mqtt')?.replace('tcp:', 'mqtt:') ?? '')
  let running = true
  let closed = 0
  client.on('close', () => closed++)
  const acknowledged: string[] = []
  const load = async (worker: number): Promise<void> => {
    for (let n = 0; running; n++) {
      await client.publishAsync(`load/${worker}`, `${worker}-${n}`, { qos: 1 })
      acknowledged.push(`${worker}-${n}`)
    }
  }
  const loads = [0, 1, 2, 3].map(load)
  const reload = async (from: number, to: number): Promise<void> => {
    for (let n = from; n <= to; n++) await gateway.reload({ yaml: text(variant(n)) })
  }
  await reload(1, 200)
  const before = { resources: process.getActiveResourcesInfo().length, heap: used() }
  await reload(201, 1_000)
  running = false
  await Promise.all(loads)
  await eventually(() => acknowledged.every((id) => settled.has(id)), { what: 'all is settled', withinMs: 30_000 })
  const after = { resources: process.getActiveResourcesInfo().length, heap: used() }
  expect(closed).toBe(0)
  expect(acknowledged.length).toBeGreaterThan(1_000)
  expect(after.resources - before.resources).toBeLessThan(10)
  // What was settled is remembered, and grows with the load; a generation that is kept would be 100 KiB, 80 MiB in all.
  expect(after.heap - before.heap).toBeLessThan(40 * 2 ** 20)
  console.log(
    `1,000 reloads, ${acknowledged.length} acknowledged, 0 lost; heap ${mib(before.heap)} -> ${mib(after.heap)} MiB`,
  )
  await client.endAsync()
  await gateway.stop()
}, 300_000)

function used(): number {
  collectGarbage()
  return process.memoryUsage().heapUsed
}

const mib = (bytes: number): string => (bytes / 2 ** 20).toFixed(1)

/** One that runs with a configuration of its own, beside which other files may lie. */
async function run() {
  const beside = folder.fresh('run')
  const config = join(beside, 'run.yaml')
  writeFileSync(config, 'name: shop\nroutes: { a: { from: http, to: "mqtt:a" } }\n')
  const running = await runGateway(config, join(beside, 'data'))
  let log = ''
  running.child.stdout?.on('data', (chunk) => {
    log += chunk
  })
  const ask = async (path: string): Promise<string> => (await fetch(`http://${running.admin[1]}${path}`)).text()
  const generation = async () => Number(/^# generation (\d+),/.exec(await ask('/admin/config'))?.[1])
  return { running, config, ask, generation, log: () => log, [Symbol.asyncDispose]: running[Symbol.asyncDispose] }
}

test('a file that changes, and SIGHUP, make the next generation; a bad file makes none and says where', async () => {
  await using whole = await run()
  const { ask, config, generation, log, running } = whole
  expect(await generation()).toBe(1)
  writeFileSync(config, readFileSync(config, 'utf8').replace('mqtt:a', 'mqtt: changed'))
  await until('the change is seen', 60_000, async () => (await generation()) === 2)
  expect(await ask('/admin/config')).toContain('mqtt: changed')
  writeFileSync(config, 'name: shop\nroutes: { a: { from: htp, to: "mqtt:a" } }\n')
  running.child.kill('SIGHUP')
  await until('it is refused', 60_000, () => log().includes('nothing has changed'))
  expect(log()).toMatch(/run\.yaml:2:\d+: routes\.a\.from: .*htp/)
  expect(await generation()).toBe(2)
  expect(await ask('/admin/config')).toContain('mqtt: changed')
  writeFileSync(config, 'name: other\nroutes: { b: { from: http, to: "mqtt:b" } }\n')
  running.child.kill('SIGHUP')
  await until('the next one runs', 60_000, async () => (await generation()) === 3)
  await until('what waits for a start is named', 60_000, () => log().includes('takes effect at the next start'))
  expect(log()).toContain('"later":["name"]')
  const metrics = await ask('/metrics')
  expect(metrics).toContain('headgate_config_generation 3')
  expect(metrics).toMatch(/headgate_config_reloads_total\{outcome="refused"\} [1-9]/)
})

test('a file whose contents stand in the configuration is looked at, too; what it held and holds is never logged', async () => {
  await using whole = await run()
  const { config, generation, log, running } = whole
  const token = join(dirname(config), 'token')
  writeFileSync(token, 'first-secret\n')
  const sink = `{ http: { url: "http://127.0.0.1:9/", allow: [127.0.0.1], headers: { authorization: "\${file:token}" } } }`
  writeFileSync(config, `name: shop\nsinks: { w: ${sink} }\nroutes: { a: { from: http, to: w, retry: 0 } }\n`)
  await until('the sink is there', 60_000, async () => (await generation()) === 2)
  writeFileSync(token, 'second-secret\n')
  await until('the new secret is read', 60_000, async () => (await generation()) === 3)
  for (const id of ['first-secret', 'second-secret', 'no-secret-of-ours']) {
    const headers = { 'ce-specversion': '1.0', 'ce-type': 'a', 'ce-source': '/test', 'ce-id': id }
    await fetch(`http://${running.http[1]}/events`, { method: 'POST', headers })
  }
  await until('the deliveries are given up', 60_000, () => log().includes('no-secret-of-ours'))
  expect(log().match(/\(hidden\)/g)?.length).toBeGreaterThanOrEqual(2)
  expect(log()).not.toMatch(/(first|second)-secret/)
})
