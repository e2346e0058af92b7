/** Killed while fallbacks run: what was given up is made by the fallback all the same, or is dead with its reason; never lost. */

import { expect, test } from 'vitest'
import { held } from '../../e2e/path/client.ts'
import { eventually } from '../../services/eventually.ts'
import { startGateway } from '../../services/gateway.ts'
import { Receiver } from '../../services/receiver.ts'
import { WHOLE } from '../faults.ts'
import { pending, WINDOW } from './ledger.ts'
import { Pacer } from './pacer.ts'

const KILLS = WHOLE ? 10 : 5

test(`${KILLS} kills while fallbacks are under way: each acknowledged event is done by its fallback`, async () => {
  await using receiver = await Receiver.open(async ({ path }) => {
    if (path === '/first') return { status: 422 }
    await new Promise((resolve) => setTimeout(resolve, 30))
    return { status: 204 }
  })
  const sink = (path: string) => `{ http: { url: "http://127.0.0.1:${receiver.port}/${path}", allow: [127.0.0.1] } }`
  await using gateway = await startGateway({
    config: `
sinks: { first: ${sink('first')}, second: ${sink('second')} }
routes: { work: { from: ["mqtt:ledger/+", http], to: first, fallback: second, concurrency: 8 } }
`,
  })
  const at = (path: string) => receiver.received.filter((one) => one.path === path)
  const pacer = await Pacer.start(gateway, { publishEveryMs: 5, perPost: 4 })
  for (let kill = 1; kill <= KILLS; kill += 1) {
    const seen = at('/second').length
    // The last that came is not answered yet.
    await eventually(() => at('/second').length >= seen + 20, { what: 'fallbacks run', withinMs: 30_000, everyMs: 1 })
    await gateway.kill()
    await gateway.restart()
  }
  await pacer.stop()
  await eventually(async () => (await pending(gateway)) === 0, { what: 'nothing waits', withinMs: 60_000 })
  const counts = new Map<string, number>()
  for (const { headers } of at('/second')) {
    const id = `${headers['ce-id']}`
    counts.set(id, (counts.get(id) ?? 0) + 1)
    expect(headers).toMatchObject({ 'ce-knativeerrordest': 'first', 'ce-knativeerrorcode': 'SINK_REJECTED' })
  }
  const lost: string[] = []
  for (const id of pacer.acknowledged) {
    const [delivery] = (await held(gateway, id))?.deliveries ?? []
    if (counts.has(id) && delivery?.status === 'done') expect(delivery).toMatchObject({ fallback: 'second' })
    else lost.push(id)
  }
  const repeated = [...counts.values()].filter((count) => count > 1).length
  const figures = { acknowledged: pacer.acknowledged.length, lost: lost.length, repeated }
  console.log(JSON.stringify({ fault: 'killed in the fallback', kills: KILLS, ...figures }))
  expect(lost).toEqual([])
  expect(pacer.acknowledged.length).toBeGreaterThan(KILLS * 10)
  // What was under way when it was killed ran again, and what was done and not yet on disk.
  expect(repeated).toBeGreaterThan(0)
  expect(repeated).toBeLessThanOrEqual(KILLS * WINDOW)
})
