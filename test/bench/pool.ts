/** The `pool` bench: calls of small and of JavaScript functions through the pool, and bare. One JSON line per setting. */

import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import type { CloudEvent } from '../../src/event/index.ts'
import { TranspileCache } from '../../src/pool/cache.ts'
import { type Call, createPool, type FunctionPool, type FunctionSpec } from '../../src/pool/index.ts'
import { evaluate, type FunctionCode, type Instance } from '../../src/pool/instance.ts'
import { loadFunctions } from '../../src/pool/load.ts'
import { maker } from '../../src/pool/make.ts'
import { resetBudgets } from '../../src/pool/wasi/budget.ts'
import { createWorld } from '../../src/pool/wasi/index.ts'
import { type Figures, keep, type Result, result } from './result.ts'

const IN_FLIGHT = [1, 32, 256]
const FRESH = 20
/** After this long without a call a function that may idle has no instance. */
const IDLE_MS = 40
/** What functions write and are denied is nobody's business here. */
const NOTES = { log: () => {}, denied: () => {} }
const SINGLE = { log: () => {}, workers: 1 }
const NEVER = new AbortController().signal
const template = (language: string) => [
  `new-function, ${language}`,
  `functions/templates/${language}/new-function.wasm`,
]
const FUNCTIONS = [
  ['echo', 'functions/echo/echo.wasm'],
  ['order-summary', 'functions/order-summary/order-summary.wasm'],
  ['order-summary.starlingmonkey', 'functions/order-summary/order-summary.starlingmonkey.wasm'],
  // What an author begins with, by language.
  ...['c', 'rust', 'go', 'js', 'ts', 'python'].map(template),
  // The other interfaces, each by a file that somebody else's tools made.
  ['spin-hello', 'test/functions/guests/spin-hello/spin-hello.wasm'],
  ['line-count', 'test/functions/guests/line-count/line-count.wasm'],
  ['upper', 'test/functions/guests/upper/upper.wasm'],
] as const
/** What a first start leaves for the next: the figures are those of a gateway that has run before. */
const CACHE = mkdtempSync(join(tmpdir(), 'headgate-bench-'))
process.once('exit', () => rmSync(CACHE, { recursive: true, force: true }))

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '1' },
    quick: { type: 'boolean', default: false },
    discard: { type: 'boolean', default: false },
  },
})
const ROUNDS = values.quick ? 1 : Number(values.rounds)
const SECONDS = values.quick ? 0.5 : Number(values.seconds)

/** An order of 1 KiB: what the JavaScript function reads, and echo sends back. */
const ORDER = {
  orderId: 7,
  name: 'bench',
  items: [
    { price: 1.5, quantity: 2 },
    { price: 3, currency: 'USD' },
  ],
  note: 'x'.repeat(900),
}
const EVENT: CloudEvent = {
  specversion: '1.0',
  id: 'bench-1',
  source: '/bench',
  type: 'order.created',
  datacontenttype: 'application/json',
  data: Buffer.from(JSON.stringify(ORDER)),
}
const CONTEXT = { callId: 'c1', function: 'f', version: '', attempt: 1, deadlineMs: 10_000, parameters: undefined }

const specOf = (wasm: string, min: number): FunctionSpec => ({
  name: 'f',
  wasm,
  min,
  max: 4,
  idleMs: 60_000,
  timeoutMs: 10_000,
  memoryBytes: 128 << 20,
  env: {},
})

const callOf = (): Call => ({ function: 'f', event: EVENT, callId: 'c1', attempt: 1, deadline: Date.now() + 60_000 })

/** Another function, in the worker before. */
const OTHER: FunctionSpec = {
  ...specOf(fileURLToPath(new URL('../../functions/templates/c/new-function.wasm', import.meta.url)), 1),
  name: 'other',
}

/** Percentiles of some times, in milliseconds. */
function figures(times: readonly number[], elapsedMs: number): Figures {
  const sorted = Float64Array.from(times).sort()
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN
  const throughput = (times.length / elapsedMs) * 1_000
  return { throughput, p50: at(0.5), p95: at(0.95), p99: at(0.99), max: at(1) }
}

/** Keeps so many calls in flight for a round. */
async function throughPool(pool: FunctionPool, inFlight: number): Promise<Figures> {
  const times: number[] = []
  const start = performance.now()
  const end = start + SECONDS * 1_000
  const caller = async () => {
    while (performance.now() < end) {
      const begun = performance.now()
      await pool.invoke(callOf(), NEVER)
      times.push(performance.now() - begun)
    }
  }
  await Promise.all(Array.from({ length: inFlight }, caller))
  return figures(times, performance.now() - start)
}

/** Calls one after the other in this thread for a round. */
function inThread(call: () => void): Figures {
  const times: number[] = []
  const start = performance.now()
  for (let now = start; now < start + SECONDS * 1_000; ) {
    call()
    const after = performance.now()
    times.push(after - now)
    now = after
  }
  return figures(times, performance.now() - start)
}

/** The component as jco links it, called as jco calls it: the yardstick. */
function bare(code: FunctionCode): () => void {
  const { imports } = createWorld({ env: {}, ...NOTES })
  const link = (module: WebAssembly.Module, given?: WebAssembly.Imports) => new WebAssembly.Instance(module, given)
  const component = evaluate(code)((name) => code.modules.get(name), imports, link)
  const { handle } = component as { handle: (event: object, context: object) => unknown }
  const { id, source, type, datacontenttype, data } = EVENT
  const context = { ...CONTEXT, deadlineMs: 10_000n }
  return () => {
    resetBudgets()
    const text = { tag: 'text', val: Buffer.from(data ?? []).toString() }
    handle({ id, source, type, datacontenttype, extensions: [], data: text }, context)
  }
}

/** A program gets its next copy between calls: that is part of what a call costs. */
function calledThenRenewed(instance: Instance): void {
  instance.call(EVENT, CONTEXT, () => {})
  if (instance.spent) instance.renew()
}

/** Milliseconds from nothing to the first answer: a fresh instance in a thread that has made one before. */
function fresh(code: FunctionCode): Figures {
  const make = maker(code, NOTES)
  const once = () => make().call(EVENT, CONTEXT, () => {})
  once()
  const times = Array.from({ length: FRESH }, () => {
    const start = performance.now()
    once()
    return performance.now() - start
  })
  return middle(times)
}

function middle(times: readonly number[]): Figures {
  const { p50 = Number.NaN, max = Number.NaN } = figures(times, 1)
  return { elapsed: p50, p50, max }
}

/** Calls of which the middle one counts, where one after another finds the same. */
const TURNS = 25
/** After so long in which nobody calls anything each worker has run every function once. */
const KNOWN_MS = 3_000

/** Milliseconds of a call that finds no instance, and of one that finds its instance in a worker that slept as long. */
interface Scaled {
  readonly soon: Figures
  readonly first: Figures
  readonly again: Figures
  readonly awake: Figures
  readonly running: Figures
}

/** Calls one function for the first time, after it idled, and after the same time with its instance kept. */
async function scaled(wasm: string): Promise<Scaled> {
  const soon = await atStart(wasm)
  const spec = { ...specOf(wasm, 0), idleMs: IDLE_MS }
  await using pool = await createPool([OTHER, spec], { log: () => {}, workers: 1, cache: CACHE })
  const first = await firstIn(pool, KNOWN_MS)
  return {
    soon: { elapsed: soon },
    first: { elapsed: first },
    again: await inTurns(() => afterIdling(pool)),
    awake: await slept(wasm),
    running: await inTurns(() => whileOthersRun(pool)),
  }
}

/** The middle of some calls that are made one after another. */
async function inTurns(call: () => Promise<number>): Promise<Figures> {
  const times: number[] = []
  while (times.length < TURNS) times.push(await call())
  return middle(times)
}

async function atStart(wasm: string): Promise<number> {
  await using pool = await createPool([OTHER, specOf(wasm, 0)], { log: () => {}, workers: 1, cache: CACHE })
  return await firstIn(pool, 0)
}

/** What every function needs is there when another one ran: the worker runs, and this one has no instance. */
async function firstIn(pool: FunctionPool, afterMs: number): Promise<number> {
  await pool.ready('f')
  await new Promise((resolve) => setTimeout(resolve, afterMs))
  for (let nth = 0; nth < 20; nth++) await pool.invoke({ ...callOf(), function: 'other' }, NEVER)
  return await throughPoolOnce(pool)
}

async function idle(pool: FunctionPool): Promise<void> {
  while (pool.stats()[1]?.instances !== 0) await new Promise((resolve) => setTimeout(resolve, 5))
}

/** The call that finds no instance, and both threads asleep. */
async function afterIdling(pool: FunctionPool): Promise<number> {
  await idle(pool)
  return await throughPoolOnce(pool)
}

/** The call that finds no instance where others are called one after another: neither thread has to wake up for it. */
async function whileOthersRun(pool: FunctionPool): Promise<number> {
  let goesOn = true
  const others = (async () => {
    while (goesOn) await pool.invoke({ ...callOf(), function: 'other' }, NEVER)
  })()
  await idle(pool)
  const took = await throughPoolOnce(pool)
  goesOn = false
  await others
  return took
}

async function slept(wasm: string): Promise<Figures> {
  await using pool = await createPool([OTHER, specOf(wasm, 1)], { log: () => {}, workers: 1, cache: CACHE })
  await pool.ready('f')
  for (let nth = 0; nth < 20; nth++) await pool.invoke(callOf(), NEVER)
  return await inTurns(async () => {
    await new Promise((resolve) => setTimeout(resolve, IDLE_MS * 2))
    return await throughPoolOnce(pool)
  })
}

async function throughPoolOnce(pool: FunctionPool): Promise<number> {
  const start = performance.now()
  await pool.invoke(callOf(), NEVER)
  return performance.now() - start
}

/** Milliseconds from the file to a warm pool. */
async function cold(wasm: string): Promise<Figures> {
  // What was loaded before is not loaded again.
  await loadFunctions([])
  const start = performance.now()
  await using pool = await createPool([specOf(wasm, 1)], { log: () => {}, workers: 1, cache: CACHE })
  await pool.ready('f')
  return { elapsed: performance.now() - start }
}

async function bench(name: string, wasm: string): Promise<Result[]> {
  const coldest = await cold(wasm)
  const restarts: Figures[] = []
  for (let nth = 0; nth < ROUNDS; nth++) restarts.push(await cold(wasm))
  const [code] = await loadFunctions([specOf(wasm, 1)], new TranspileCache(CACHE))
  if (!code) throw new Error(`${wasm} was not loaded`)
  const scaling: Scaled[] = []
  for (let nth = 0; nth < ROUNDS; nth++) scaling.push(await scaled(wasm))
  const instance = maker(code, NOTES)()
  const subjects = new Map<string, () => Figures | Promise<Figures>>()
  if (code.speaks === 'handler') {
    const yardstick = bare(code)
    subjects.set('bare component, in process', () => inThread(yardstick))
  }
  subjects.set('warm, in the thread', () => inThread(() => calledThenRenewed(instance)))
  await using pool = await createPool([specOf(wasm, 1)], { log: () => {}, workers: 1 })
  await pool.ready('f')
  for (const inFlight of IN_FLIGHT)
    subjects.set(`pool, 1 worker, ${inFlight} in flight`, () => throughPool(pool, inFlight))
  await using single = await createPool([{ ...specOf(wasm, 1), reuse: { least: 1, most: 1 } }], SINGLE)
  await single.ready('f')
  for (const inFlight of [1, 32])
    subjects.set(`pool, 1 worker, ${inFlight} in flight, reuse: 1`, () => throughPool(single, inFlight))
  const rounds = new Map<string, Figures[]>([...subjects.keys()].map((subject) => [subject, []]))
  // Interleaved, and the first round is thrown away: it warms up.
  for (let round = 0; round <= ROUNDS; round++)
    for (const [subject, run] of subjects) {
      const measured = await run()
      if (round > 0) rounds.get(subject)?.push(measured)
    }
  const line = (subject: string, all: readonly Figures[]) =>
    result('pool', `${name}: ${subject}`, { label: subject, function: name }, all)
  return [
    line('cold, from the file to ready', [coldest]),
    line('from the file to ready, as in a restart', restarts),
    line(
      'from 0 to 1 instance in a running worker, right after its start',
      scaling.map(({ soon }) => soon),
    ),
    line(
      'from 0 to 1 instance in a running worker, the first time',
      scaling.map(({ first }) => first),
    ),
    line(
      'from 0 to 1 instance in a running worker, after idling',
      scaling.map(({ again }) => again),
    ),
    line(
      'from 0 to 1 instance in a running worker, after idling, while it runs calls of others',
      scaling.map(({ running }) => running),
    ),
    line(
      'with its instance kept, after the same time',
      scaling.map(({ awake }) => awake),
    ),
    line('fresh instance and a call, in the thread', [fresh(code)]),
    ...[...rounds].map(([subject, all]) => line(subject, all)),
  ]
}

// As in a worker of the pool: jco's code looks at process.env several times a call.
process.env = { ...process.env }
for (const [name, path] of FUNCTIONS) {
  const wasm = fileURLToPath(new URL(`../../${path}`, import.meta.url))
  if (!existsSync(wasm)) {
    const what = path.includes('/templates/')
      ? `templates/${name.split(', ')[1]}`
      : 'order-summary --engine starlingmonkey'
    console.error(`not run: ${path}; build it with npm run build:functions -- ${what}`)
    continue
  }
  const results = await bench(name, wasm)
  if (!values.discard) keep(results)
  for (const each of results) console.log(JSON.stringify(each))
}
