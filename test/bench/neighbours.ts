/** Neighbours of a hostile function: in a gateway under load, and alone in a pool where each turn of the processor shows. */

import { availableParallelism } from 'node:os'
import { callOf, guest, open, spec } from '../functions/open.ts'
import { dataFolder, ECHO, freePorts, gatewayReady, launch, type Ports } from './headgate.ts'
import { type Load, measure } from './load.ts'
import { envelope } from './payload.ts'
import { type Figures, medians } from './result.ts'

export type Looked = Map<string, Figures>

/** What a guest does, and how much of that. */
const HOSTILE = [
  ['endless loop', 'loop', ''],
  ['memory bomb', 'hoard', ''],
  ['output flood', 'flood', '2000'],
  ['lift bomb', 'bomb', '500'],
  ['stack overflow', 'stack', ''],
  ['trap', 'trap', ''],
] as const
const AT_ONCE = 4
/** With the guest and without it by turns: the machine itself is faster and slower from one second to the next. */
const TURNS = 8
/** What a hostile call leaves behind it, a worker that is replaced for one, is over by then. */
const PAUSE_MS = 300
const NEVER = new AbortController().signal
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

export const percentiles = (times: readonly number[]): Figures => {
  const sorted = times.toSorted((a, b) => a - b)
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99), max: at(1) }
}

/** Keeps hostile calls in flight, each followed by the next whatever became of it, until `work` is through. */
async function during<T>(hostile: () => Promise<unknown>, work: () => Promise<T>): Promise<T> {
  let goesOn = true
  const flood = async () => {
    while (goesOn) await hostile().catch(() => undefined)
  }
  const floods = Array.from({ length: AT_ONCE }, flood)
  try {
    return await work()
  } finally {
    goesOn = false
    await Promise.all(floods)
  }
}

/** Resolves to what each turn gave, without hostile calls and beside them. */
async function byTurns<T>(hostile: () => Promise<unknown>, work: () => Promise<T>): Promise<Both<T>> {
  const alone: T[] = []
  const beside: T[] = []
  // All is compiled then, and the guest known for what it is.
  await during(hostile, work)
  for (let turn = 0; turn < TURNS; turn++) {
    await pause(PAUSE_MS)
    alone.push(await work())
    beside.push(await during(hostile, work))
  }
  return { alone, beside }
}

interface Both<T> {
  readonly alone: T[]
  readonly beside: T[]
}

const REQUESTS: Load = {
  protocol: 'mqtt',
  mode: 'request',
  clients: 50,
  window: 16,
  topic: 'service/echo',
  payload: envelope(256),
  version: 4,
}

/**
 * Calls of `echo` over MQTT, journaled, beside hostile calls over HTTP, and without: at half of what the gateway manages on
 * the cores that one guest leaves it.
 */
async function inGateway(seconds: number): Promise<Looked> {
  const data = dataFolder('disk')
  const ports = await freePorts()
  const timeout = '200ms'
  const hostile = { wasm: guest('hostile'), timeout, memory: '64MiB' }
  const child = await launch(data.path, ports, {
    functions: { echo: ECHO, hostile },
    routes: { hostile: { from: 'http:POST /hostile', to: 'hostile', retry: 0, timeout, delivery: 'direct' } },
  })
  try {
    await gatewayReady(ports.admin)
    await measure({ ...REQUESTS, window: 1 }, ports.mqtt, seconds, 2)
    const { throughput } = await measure({ ...REQUESTS, window: 1 }, ports.mqtt, seconds, 1)
    const cores = availableParallelism()
    const half = { ...REQUESTS, rate: Math.round((throughput * Math.max(1, cores - 1)) / cores / 2) }
    const called = async (): Promise<Figures> => {
      const { p50, p95, p99, max } = await measure(half, ports.mqtt, seconds / 2, 0.5)
      return { throughput: half.rate, p50, p95, p99, max }
    }
    const seen: Looked = new Map()
    for (const [what, type, subject] of HOSTILE) {
      await posted(ports, type, subject)
      const { alone, beside } = await byTurns(() => posted(ports, type, subject), called)
      seen.set(`neighbour of nobody|${what}`, medians(alone)).set(`neighbour|${what}`, medians(beside))
    }
    return seen
  } finally {
    await child.stop()
    data.remove()
  }
}

async function posted(ports: Ports, type: string, subject: string): Promise<void> {
  const headers = {
    'ce-specversion': '1.0',
    'ce-id': 'e',
    'ce-source': '/bench',
    'ce-type': type,
    // An attribute that is empty is refused.
    ...(subject && { 'ce-subject': subject }),
  }
  const answer = await fetch(`http://127.0.0.1:${ports.http}/hostile`, { method: 'POST', headers })
  const said = await answer.text()
  // What never came to the function would be measured as one that does no harm.
  if (answer.status === 400) throw new Error(`the hostile call was refused: ${said}`)
}

/** Calls of a small function, one every 2 ms, while four of a hostile one are in flight all the time, and without. */
async function inPool(type: string, subject: string, seconds: number): Promise<Both<number[]>> {
  const hostile = spec('hostile', { timeoutMs: type === 'loop' ? 200 : 10_000, memoryBytes: 64 << 20 })
  await using opened = await open([hostile, spec('echo', { wasm: ECHO })])
  const { pool } = opened
  const called = async () => {
    const times: number[] = []
    for (const end = performance.now() + seconds * 500; performance.now() < end; ) {
      const began = performance.now()
      await pool.invoke(callOf('echo', 'bench'), NEVER)
      times.push(performance.now() - began)
      await pause(2)
    }
    return times
  }
  return await byTurns(() => pool.invoke(callOf('hostile', type, subject), NEVER), called)
}

/** Resolves to the figures of a neighbour beside each hostile guest, and right before without it. */
export async function neighbours(seconds: number): Promise<Looked> {
  const seen = await inGateway(seconds)
  for (const [what, type, subject] of HOSTILE) {
    const { alone, beside } = await inPool(type, subject, seconds)
    seen.set(`neighbour of nobody, in a bare pool|${what}`, percentiles(alone.flat()))
    seen.set(`neighbour, in a bare pool|${what}`, percentiles(beside.flat()))
  }
  return seen
}
