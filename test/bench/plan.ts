/**
 * The `plan` bench: a journal of a million events asked two things: how many events a second `plan` compares by two
 * configurations of 100 routes, and how long `why` takes to find one. One JSON line for each.
 */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { openJournal, readEvents } from '../../src/journal/index.ts'
import { Comparison, compileRouter, type Route } from '../../src/router/index.ts'
import { type Figures, keep, median, result } from './result.ts'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    events: { type: 'string', default: '1000000' },
    quick: { type: 'boolean', default: false },
    discard: { type: 'boolean', default: false },
  },
})
const ROUNDS = values.quick ? 1 : Number(values.rounds)
const EVENTS = values.quick ? 20_000 : Number(values.events)
const AT_ONCE = 2_000
const ASKED = 1_000
const ROUTES = 100
const DAY_MS = 86_400_000
const data = Buffer.from(JSON.stringify({ amount: 3, customer: 'ada', note: 'x'.repeat(200) }))

const route = (at: number, least: number): Route => ({
  name: `route-${at}`,
  from: [{ kind: 'mqtt', filter: 'orders/+' }],
  when: `type == "order.kind${at}" && data.amount > ${least}`,
  to: [{ kind: 'function', text: 'echo', name: 'echo' }],
  retry: { max: 0, backoff: 'exponential', delayMs: 1_000, capMs: 60_000, jitter: 'full', except: [] },
  concurrency: 16,
  timeoutMs: 30_000,
  delivery: 'auto',
})
const routerOf = (least: (at: number) => number) =>
  compileRouter(Array.from({ length: ROUTES }, (_, at) => route(at, least(at)))).router

const callId = (at: number): string => `call-${at}`

async function fill(path: string): Promise<void> {
  await using journal = await openJournal({ path, retainMs: DAY_MS, maxBytes: 64 * 2 ** 30 })
  for (let from = 0; from < EVENTS; from += AT_ONCE) {
    const some = Array.from({ length: Math.min(AT_ONCE, EVENTS - from) }, (_, n) => {
      const at = from + n
      const type = `order.kind${at % ROUTES}`
      const attributes = { specversion: '1.0', id: `e${at}`, source: '/bench', type } as const
      const event = { ...attributes, datacontenttype: 'application/json', data }
      const routes = [{ route: `route-${at % ROUTES}`, to: 'echo' }]
      return journal.append({ event, origin: { source: 'mqtt', address: 'orders/1' }, callId: callId(at), routes })
    })
    await Promise.all(some)
  }
}

/** Every tenth route asks for more than it did: a tenth of the events would go nowhere. */
async function planned(path: string): Promise<Figures> {
  const comparison = new Comparison(
    routerOf(() => 0),
    routerOf((at) => (at % 10 === 0 ? 5 : 0)),
  )
  const begun = performance.now()
  for await (const { event, origin } of readEvents(path, {}, () => undefined)) comparison.add(event, origin)
  const elapsed = performance.now() - begun
  const { changed, events } = comparison
  if (events !== EVENTS || changed !== EVENTS / 10) throw new Error(`planning: ${changed} of ${events} differ`)
  return { throughput: (events / elapsed) * 1_000, elapsed }
}

async function asked(path: string): Promise<Figures> {
  await using journal = await openJournal({ path, retainMs: DAY_MS, maxBytes: 64 * 2 ** 30 })
  const times: number[] = []
  for (let n = 0; n < ASKED; n += 1) {
    const key = callId(Math.floor((n * EVENTS) / ASKED))
    const begun = performance.now()
    const found = await journal.find(n % 2 === 0 ? { callId: key } : { eventId: key.replace('call-', 'e') })
    times.push(performance.now() - begun)
    if (found?.callId !== key) throw new Error(`asking: "${key}" was not found`)
  }
  const sorted = times.toSorted((a, b) => a - b)
  return { p50: median(times), p99: sorted[Math.floor(ASKED * 0.99)] ?? 0, max: sorted.at(-1) ?? 0 }
}

async function rounds(once: () => Promise<Figures>): Promise<Figures[]> {
  const all: Figures[] = []
  for (let round = 0; round < ROUNDS; round += 1) all.push(await once())
  return all
}

const folder = mkdtempSync(join(tmpdir(), 'headgate-plan-'))
const path = join(folder, 'journal')
await fill(path)
const settings = { events: EVENTS, routes: ROUTES }
const results = [
  result('plan', 'plan', { label: `${EVENTS} events`, ...settings }, await rounds(() => planned(path))),
  result('plan', 'why', { label: `${EVENTS} events`, ...settings }, await rounds(() => asked(path))),
]
rmSync(folder, { recursive: true, force: true })
if (!values.discard && !values.quick) keep(results)
for (const each of results) console.log(JSON.stringify(each))
