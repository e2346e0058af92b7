/** A router's ConfigMap, as its operator has it, runs: its paths call functions, its schedules tick. */

import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually } from '../../services/eventually.ts'
import { ROOT } from '../../services/gateway.ts'
import { freePort } from '../../services/ports.ts'
import { headgate, start } from '../cli/gateway.ts'
import { post, request } from './client.ts'

const folder = mkdtempSync(join(tmpdir(), 'headgate-event-sources-'))
const file = join(folder, 'router.yaml')
const functions = join(ROOT, 'functions')
let http: number
beforeAll(async () => {
  http = await freePort()
  writeFileSync(file, configMap(http))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const configMap = (port: number): string => `apiVersion: v1
kind: ConfigMap
metadata: { name: event-router }
data:
  config.yaml: |
    event_sources:
      - type: http
        config:
          host: 127.0.0.1
          port: ${port}
          routes:
            - path: /api/v1/orders
              methods: [POST, PUT]
              target_function: order-summary
            - path: /api/v1/files/*
              target_function: echo
      - type: cron
        config:
          schedules:
            - { name: every-second, schedule: "* * * * * *", target_function: echo, timezone: UTC }
            - { name: once-a-week, schedule: "0 9 * * MON", target_function: order-summary }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: event-router }
spec: {}
`

test('it is checked, and what stands beside it is passed over with a note', async () => {
  const { code, out, err } = await headgate(['check', file, '--functions', functions])
  expect({ code, err }).toEqual({ code: 0, err: `${file}:23: passed over: Deployment "event-router"\n` })
  expect(out).toContain('has 2 sources, 0 sinks, 2 functions, 4 routes')
  const { out: long } = await headgate(['explain', 'config', file], { env: { HEADGATE_FUNCTIONS: functions } })
  expect(long).toMatch(/^ {4}from:\n {6}- http:POST \/api\/v1\/orders\n {6}- http:PUT \/api\/v1\/orders$/m)
  expect(long).toContain(`listen: 127.0.0.1:${http}`)
})

test('without its functions nothing starts: each is named, after what was understood', async () => {
  const { code, out, err } = await headgate(['explain', 'config', file])
  expect(code).toBe(1)
  expect(out).toContain('to: order-summary')
  expect(err.match(/there is no function or sink "[a-z-]+"/g)).toHaveLength(4)
  expect((await headgate(['run', file])).code).toBe(1)
})

test('paths call functions, and schedules tick', async () => {
  const [mqtt, admin] = await Promise.all([freePort(), freePort()])
  const flags = ['--mqtt', `tcp://127.0.0.1:${mqtt}`, '--admin', `127.0.0.1:${admin}`, '--data', join(folder, 'var')]
  const gateway = start(['run', file, '--functions', functions, ...flags])
  let output = ''
  gateway.stdout?.on('data', (text) => (output += text))
  gateway.stderr?.on('data', (text) => (output += text))
  try {
    const ready = async () => (await request(admin, '/ready').catch(() => undefined))?.status === 200
    await eventually(ready, { what: 'the gateway is ready', withinMs: 60_000, detail: () => output })
    const order = { orderId: 7, items: [{ price: 1.5, quantity: 2 }] }
    for (const method of ['POST', 'PUT']) {
      const body = JSON.stringify(order)
      const answer = await request(http, '/api/v1/orders', {
        method,
        body,
        headers: { 'content-type': 'application/json' },
      })
      expect(answer, output).toMatchObject({ status: 200, json: { orderId: 7, units: 2 } })
    }
    expect((await request(http, '/api/v1/orders', { method: 'DELETE' })).status).toBeGreaterThanOrEqual(400)
    expect(await post(http, '/api/v1/files/a/b.txt', '"c"')).toMatchObject({ status: 200, text: '"c"' })
    expect((await post(http, '/api/v1/elsewhere', '"c"')).status).toBe(404)
    const accepted = /headgate_events_accepted_total\{[^}]*source="every-second"[^}]*\} [2-9]/
    const metrics = async () => (await request(admin, '/metrics')).text
    await eventually(async () => accepted.test(await metrics()), {
      what: 'it ticks',
      withinMs: 20_000,
      detail: () => output,
    })
  } finally {
    if (gateway.exitCode === null) {
      gateway.kill('SIGTERM')
      await once(gateway, 'exit')
    }
  }
})
