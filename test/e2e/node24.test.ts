/** The gateway on Node 24, the oldest that it supports: it starts, answers a call, survives a kill, stops. */

import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { expect, test } from 'vitest'
import { eventually } from '../services/eventually.ts'
import { ROOT, startGateway } from '../services/gateway.ts'
import { describeWith, NODE_24, SERVICES } from '../services/service.ts'

// Where it cannot be had, the suite is listed as not run.
if (!existsSync(NODE_24)) {
  const [command = '', ...args] = SERVICES.node24.install.split(' ')
  spawnSync(command, [...args, '--no-save', '--no-audit', '--no-fund'], {
    cwd: ROOT,
    timeout: 120_000,
    stdio: 'ignore',
  })
}

const config = `
functions: { echo: FUNCTIONS/echo/echo.wasm, order-summary: FUNCTIONS/order-summary/order-summary.wasm }
routes: { orders: { from: http, to: order-summary } }
`

describeWith(['node24'], 'Node 24', () => {
  test('runs the gateway: a call, an event that outlives a kill, a clean stop', async () => {
    expect(spawnSync(NODE_24, ['--version'], { encoding: 'utf8' }).stdout).toMatch(/^v24\./)
    // Its first argument is the Node of this process, which is put aside.
    await using gateway = await startGateway({ config, under: ['sh', '-c', 'shift; exec "$0" "$@"', NODE_24] })
    const at = `http://127.0.0.1:${gateway.http}`
    const headers = { 'content-type': 'application/json' }
    const reply = await fetch(`${at}/call/echo`, { method: 'POST', headers, body: '{"hello":"world"}' })
    expect(await reply.json()).toEqual({ hello: 'world' })

    const event = {
      specversion: '1.0',
      id: '1',
      source: '/shop',
      type: 'order',
      data: { orderId: 7, items: [{ price: 1 }] },
    }
    const structured = { 'content-type': 'application/cloudevents+json' }
    const accepted = await fetch(`${at}/events`, { method: 'POST', headers: structured, body: JSON.stringify(event) })
    expect(accepted.status).toBe(202)
    await gateway.kill()
    await gateway.restart()
    const done = async () => {
      const history = await fetch(`http://127.0.0.1:${gateway.admin}/admin/events/1`)
      return (await history.text()).includes('"status":"done"')
    }
    await eventually(done, { what: 'the event is handled after the kill' })
    expect((await gateway.terminate()).code).toBe(0)
  })
})
