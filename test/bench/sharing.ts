/** Bench `sharing`: many functions on one gateway, its restart with them, and neighbours of a function that is hostile. */

import { readFileSync, writeFileSync } from 'node:fs'
import { loadavg } from 'node:os'
import { guest } from '../functions/open.ts'
import { atRest, cpuMs, rss } from './child.ts'
import {
  type Config,
  dataFolder,
  ECHO,
  freePorts,
  gatewayReady,
  launch,
  ORDER_SUMMARY,
  type Ports,
} from './headgate.ts'
import { type Looked, neighbours, percentiles } from './neighbours.ts'
import { type Figures, type Result, result } from './result.ts'
import { type Missing, type Outcome, type Plan, reason } from './rounds.ts'

const MANY = 200
const RESTARTED = 50
/** Small components, programs and handlers, and one in JavaScript: by turns. */
const KINDS = [ECHO, guest('spin-hello'), guest('line-count'), guest('upper'), ORDER_SUMMARY]
const ORDER = '{"orderId":7,"items":[{"price":1.5,"quantity":2}]}'

/** So many functions, no two of the same digest: each file ends in a section of its own that says nothing. */
function functions(count: number, folder: string): Config {
  const files = Array.from({ length: count }, (_, nth) => {
    const name = Buffer.from(`copy-${nth}`)
    const section = Buffer.concat([Buffer.from([0, name.length + 1, name.length]), name])
    const file = `${folder}/f${nth}.wasm`
    writeFileSync(file, Buffer.concat([readFileSync(KINDS[nth % KINDS.length] ?? ECHO), section]))
    return [`f${nth}`, file]
  })
  return { functions: Object.fromEntries(files) }
}

/** Starts a gateway, waits until it is ready, and ends it after `work`. */
async function running<T>(
  folder: string,
  ports: Ports,
  config: Config,
  work: (pid: number, readyMs: number) => Promise<T>,
): Promise<T> {
  const began = performance.now()
  const child = await launch(folder, ports, config)
  try {
    await gatewayReady(ports.admin)
    return await work(child.pid, performance.now() - began)
  } finally {
    await child.stop()
  }
}

/** Calls one function after another, one call at a time. */
async function calls(port: number, count: number, seconds: number): Promise<Figures> {
  const times: number[] = []
  const headers = { 'content-type': 'application/json' }
  const end = performance.now() + seconds * 1_000
  for (let nth = 0; performance.now() < end; nth++) {
    const began = performance.now()
    const answer = await fetch(`http://127.0.0.1:${port}/call/f${nth % count}`, {
      method: 'POST',
      headers,
      body: ORDER,
    })
    if (!answer.ok) throw new Error(`f${nth % count} answered ${answer.status}: ${await answer.text()}`)
    await answer.arrayBuffer()
    times.push(performance.now() - began)
  }
  return percentiles(times)
}

/** Memory and processor time at rest, then calls, of a gateway that was started before on the same folder. */
async function many(count: number, seconds: number): Promise<Looked> {
  const data = dataFolder('disk')
  try {
    const [ports, config] = [await freePorts(), functions(count, data.path)]
    const first = await running(data.path, ports, config, async (_, readyMs) => readyMs)
    return await running(data.path, ports, config, async (pid, elapsed) => {
      await atRest([pid])
      const before = cpuMs([pid])
      const began = performance.now()
      await new Promise((resolve) => setTimeout(resolve, seconds * 1_000))
      const cpu = (cpuMs([pid]) - before) / (performance.now() - began)
      const seen: Looked = new Map([
        [`${count} functions, first start`, { elapsed: first }],
        [`${count} functions, restart`, { elapsed }],
        [`${count} functions, at rest`, { rss: rss([pid]), cpu }],
      ])
      if (count === 0) return seen
      await calls(ports.http, count, Math.max(1, seconds / 2))
      return seen.set(`${count} functions, called by turns`, await calls(ports.http, count, seconds))
    })
  } finally {
    data.remove()
  }
}

/** Runs the bench; each round starts everything anew. */
export async function sharing({ rounds, seconds }: Plan): Promise<Outcome> {
  const looks = [
    () => many(0, seconds),
    () => many(KINDS.length, seconds),
    () => many(RESTARTED, seconds),
    () => many(MANY, seconds),
    () => neighbours(seconds),
  ]
  const all = new Map<string, Figures[]>()
  // Of the machine, before this: above 0.5 or so the figures are of something else as well.
  const load = Number((loadavg()[0] ?? Number.NaN).toFixed(1))
  const missing: Missing[] = []
  for (let round = 0; round < rounds; round++)
    for (const look of looks)
      try {
        for (const [label, figures] of await look()) all.set(label, [...(all.get(label) ?? []), figures])
      } catch (error) {
        missing.push({ name: 'headgate', why: reason(error) })
      }
  const results = [...all].map(([key, figures]): Result => {
    const [subject = '', label] = key.split('|')
    const named = label === undefined ? { subject: 'headgate', label: subject } : { subject, label }
    return result('sharing', named.subject, { label: named.label, seconds, load }, figures)
  })
  return { results, missing }
}
