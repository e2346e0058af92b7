/** Bench `soak`: a long time at half load with every kind of way in at once; memory and p99 must stay flat. */

import { ownRss } from './child.ts'
import { ECHO, gateway } from './headgate.ts'
import { type Load, measure } from './load.ts'
import { envelope, JSON_TYPE, json, STRUCTURED, structuredEvent } from './payload.ts'
import type { Running } from './peers/subject.ts'
import { type Figures, median, type Result, result } from './result.ts'
import type { Outcome, Plan } from './rounds.ts'

const CONFIG = {
  functions: { echo: ECHO },
  routes: {
    published: { from: 'mqtt:accept/#', to: 'mqtt:accepted' },
    posted: { from: 'http', when: 'data.id != ""', to: ['echo', 'mqtt:posted'] },
    ordered: { from: 'mqtt:ordered/#', to: 'echo', order_by: 'subject' },
  },
}

interface Way {
  readonly name: string
  readonly port: 'mqtt' | 'http'
  readonly load: Load
}

const mqtt = { protocol: 'mqtt', clients: 16, window: 1 } as const
const http = { protocol: 'http', clients: 16, window: 1 } as const

const WAYS: readonly Way[] = [
  { name: 'calls', port: 'mqtt', load: { ...mqtt, mode: 'request', topic: 'service/echo', payload: envelope(256) } },
  { name: 'publishes', port: 'mqtt', load: { ...mqtt, mode: 'publish', topic: 'accept', payload: json(256) } },
  { name: 'ordered', port: 'mqtt', load: { ...mqtt, mode: 'publish', topic: 'ordered', payload: json(256) } },
  {
    name: 'posts',
    port: 'http',
    load: { ...http, mode: 'publish', path: '/events', payload: structuredEvent(), headers: STRUCTURED },
  },
  {
    name: 'http calls',
    port: 'http',
    load: { ...http, mode: 'request', path: '/call/echo', payload: json(1024), headers: JSON_TYPE },
  },
]

/** All ways at once. */
function together(running: Running, rates: readonly number[] | undefined, seconds: number): Promise<Figures[]> {
  return Promise.all(
    WAYS.map(async ({ port, load }, i): Promise<Figures> => {
      const rate = rates?.[i]
      const paced = rate === undefined ? load : { ...load, rate }
      const { throughput, p50, p95, p99, max } = await measure(paced, running.ports[port] ?? 0, seconds, 1)
      return { throughput, p50, p95, p99, max, rss: ownRss(running.pids) }
    }),
  )
}

/** The median of the last sixth over that of the second: the first is warming up. */
function growth(values: readonly number[]): number {
  const sixth = Math.max(1, Math.floor(values.length / 6))
  return median(values.slice(-sixth)) / median(values.slice(sixth, 2 * sixth)) - 1
}

/** Runs the bench for `seconds` in slices of a minute, or of a sixth when that is shorter. */
export async function soak(plan: Plan): Promise<Outcome> {
  const slice = Math.min(60, Math.max(1, plan.seconds / 6))
  const running = await gateway('headgate', 'disk', CONFIG).start()
  try {
    const rates = (await together(running, undefined, Math.min(10, slice))).map((f) =>
      Math.max(1, (f.throughput ?? 0) / 2),
    )
    const slices: Figures[][] = []
    for (let done = 0; done < plan.seconds; done += slice) slices.push(await together(running, rates, slice))
    const results = WAYS.map(({ name }, way): Result => {
      const rounds = slices.flatMap((figures) => figures[way] ?? [])
      const of = (metric: 'rss' | 'p99'): number => growth(rounds.map((figures) => figures[metric] ?? Number.NaN))
      const settings = { label: name, rate: rates[way] ?? 0, slice, rssGrowth: of('rss'), p99Drift: of('p99') }
      return result('soak', 'headgate', settings, rounds)
    })
    return { results, missing: [] }
  } finally {
    await running.stop()
  }
}
