/** A store on disk under kill -9: what a function was told is kept is there, and nothing is counted twice or in part. */

import { expect, test } from 'vitest'
import { guest } from '../../functions/open.ts'
import { eventually } from '../../services/eventually.ts'
import { type GatewayProcess, startGateway } from '../../services/gateway.ts'

const KILLS = 4
const LANES = 8

const config = `
functions:
  reach: { wasm: ${guest('reach')}, pool: { max: 8 }, allow: { kv: [things] } }
`

const call = async (gateway: GatewayProcess, type: string, subject: string, body = ''): Promise<string> => {
  const headers = {
    'ce-specversion': '1.0',
    'ce-id': crypto.randomUUID(),
    'ce-source': '/test',
    'ce-type': type,
    'ce-subject': subject,
    'content-type': 'text/plain',
  }
  const answer = await fetch(`http://127.0.0.1:${gateway.http}/call/reach`, { method: 'POST', headers, body })
  if (answer.status !== 200) throw new Error(`${answer.status} ${await answer.text()}`)
  return answer.text()
}

test('what was acknowledged to a function is there after kill -9, whenever that comes', async () => {
  await using gateway = await startGateway({ config })
  /** By key, the number that was acknowledged last, and the one that was asked for. */
  const told = Array.from({ length: LANES }, () => 0)
  const asked = Array.from({ length: LANES }, () => 0)
  let running = true
  const lane = async (index: number) => {
    while (running) {
      const next = (asked[index] ?? 0) + 1
      asked[index] = next
      try {
        if (index % 2) await call(gateway, 'kv.set', `things k${index}`, String(next))
        else asked[index] = Number(await call(gateway, 'kv.increment', `things k${index}`))
        told[index] = asked[index] ?? 0
      } catch {
        // It is dead, or on its way up: what was asked may have been done or not.
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
    }
  }
  const lanes = told.map((_, index) => lane(index))
  const sum = () => told.reduce((total, one) => total + one, 0)
  const lost: string[] = []
  for (let kill = 0; kill < KILLS; kill++) {
    const before = sum()
    await eventually(() => sum() > before + 100, { what: 'it works', withinMs: 60_000 })
    const kept = [...told]
    await gateway.kill()
    await gateway.restart()
    for (const [index, least] of kept.entries()) {
      const held = Number(await call(gateway, 'kv.get', `things k${index}`))
      if (!(held >= least)) lost.push(`k${index}: ${held} of ${least}`)
    }
  }
  running = false
  await Promise.all(lanes)
  console.log(JSON.stringify({ row: 'host/store', kills: KILLS, acknowledged: told, lost }))
  expect(lost).toEqual([])
})
