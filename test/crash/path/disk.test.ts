/** Row 7 of the fault matrix, on the whole gateway: the disk is full for a while. */

import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import mqtt from 'mqtt'
import { expect, test } from 'vitest'
import { eventually } from '../../services/eventually.ts'
import { type GatewayProcess, startGateway } from '../../services/gateway.ts'
import { describeWith } from '../../services/service.ts'
import { statesOf } from './ledger.ts'

const config = `
functions:
  echo: FUNCTIONS/echo/echo.wasm
routes:
  work: { from: ["mqtt:ledger/+", http], to: echo, retry: 0 }
`
const KIB = 'x'.repeat(8 << 10)

const eventOf = (id: string) =>
  JSON.stringify({ specversion: '1.0', id, source: '/disk', type: 'ledger.entry', data: { id, KIB } })

/** Posts an event and resolves to the status; 0 when there was no answer. */
async function post(gateway: GatewayProcess, id: string): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${gateway.http}/events`, {
    method: 'POST',
    headers: { 'content-type': 'application/cloudevents+json' },
    body: eventOf(id),
    signal: AbortSignal.timeout(10_000),
  }).catch(() => undefined)
  await response?.arrayBuffer().catch(() => undefined)
  return response?.status ?? 0
}

/** A client that keeps what is not acknowledged, and sends it again. */
function publisher(gateway: GatewayProcess) {
  const client = mqtt.connect({
    host: '127.0.0.1',
    port: gateway.mqtt,
    clientId: 'disk',
    clean: false,
    reconnectPeriod: 100,
  })
  client.on('error', () => {})
  const acknowledged = new Set<string>()
  const publish = (id: string) =>
    client.publishAsync(`ledger/${id}`, eventOf(id), { qos: 1 }).then(
      () => void acknowledged.add(id),
      () => {},
    )
  return { acknowledged, publish, end: () => client.endAsync(true) }
}

const ready = async (gateway: GatewayProcess): Promise<number> =>
  (await fetch(`http://127.0.0.1:${gateway.admin}/ready`).catch(() => undefined))?.status ?? 0

class Tmpfs implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), 'headgate-tmpfs-'))

  constructor(size: string) {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', this.path])
  }

  resize(size: string): void {
    execFileSync('mount', ['-o', `remount,size=${size}`, this.path])
  }

  [Symbol.dispose](): void {
    execFileSync('umount', ['-l', this.path])
    rmSync(this.path, { recursive: true, force: true })
  }
}

describeWith(['tmpfs'], 'row 7: the disk is full', () => {
  test('nothing is acknowledged, callers are told, it resumes with the room, and 0 are lost', async () => {
    using disk = new Tmpfs('24m')
    await using gateway = await startGateway({ config, data: disk.path })
    const acknowledged: string[] = []
    const statuses = new Map<number, number>()
    let refusedAt = 0
    for (let number = 0; number < 8_000 && refusedAt < 20; number += 1) {
      const status = await post(gateway, `before-${number}`)
      statuses.set(status, (statuses.get(status) ?? 0) + 1)
      if (status === 202) acknowledged.push(`before-${number}`)
      else refusedAt += 1
    }
    expect([...statuses.keys()].filter((status) => ![202, 503, 507].includes(status))).toEqual([])
    expect(refusedAt).toBe(20)
    const client = publisher(gateway)
    const waiting = Array.from({ length: 10 }, (_, number) => client.publish(`mqtt-${number}`))
    await eventually(async () => (await ready(gateway)) === 503, {
      what: '/ready says 503',
      withinMs: 20_000,
      detail: () => gateway.output().slice(-3_000),
    })
    expect((await fetch(`http://127.0.0.1:${gateway.admin}/health`)).status).toBe(200)
    expect(client.acknowledged.size).toBe(0)
    const known = await statesOf(
      gateway,
      Array.from({ length: 10 }, (_, number) => `mqtt-${number}`),
    )
    expect(known.size).toBe(0)

    const begun = performance.now()
    disk.resize('128m')
    await eventually(async () => (await post(gateway, 'after')) === 202, { what: 'it takes events again' })
    const resumedMs = Math.round(performance.now() - begun)
    await Promise.all(waiting)
    await eventually(async () => (await ready(gateway)) === 200, { what: '/ready says 200' })
    await gateway.kill()
    await gateway.restart()
    const all = [...acknowledged, 'after', ...client.acknowledged]
    const states = await statesOf(gateway, all)
    const lost = all.filter((id) => !states.has(id))
    console.log(
      JSON.stringify({ row: 7, acknowledged: all.length, statuses: [...statuses], resumedMs, lost: lost.length }),
    )
    await client.end()
    expect(client.acknowledged.size).toBe(10)
    expect(resumedMs).toBeLessThan(5_000)
    expect(lost).toEqual([])
  })
})
