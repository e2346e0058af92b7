/** The `match` bench: what an event costs against 10 to 10,000 routes of mixed kinds. One JSON line per size. */

import { parseArgs } from 'node:util'
import type { CloudEvent, Origin } from '../../src/event/index.ts'
import { compileRouter, type From, type Route, type Router } from '../../src/router/index.ts'
import { type Figures, keep, type Result, result } from './result.ts'

const SIZES = [10, 100, 1_000, 10_000]

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '7' },
    seconds: { type: 'string', default: '0.2' },
    quick: { type: 'boolean', default: false },
    discard: { type: 'boolean', default: false },
  },
})
const ROUNDS = values.quick ? 1 : Number(values.rounds)
const ROUND_MS = (values.quick ? 0.05 : Number(values.seconds)) * 1_000

type Kind = (at: number) => readonly [from: From, when?: string]

/** Every way to tell routes apart, in equal parts. */
const KINDS: readonly Kind[] = [
  (at) => [{ kind: 'mqtt', filter: `site/${at}/+/temperature` }],
  (at) => [{ kind: 'mqtt', filter: `site/+/device/${at}` }, 'data.celsius > 80'],
  (at) => [{ kind: 'mqtt', filter: 'orders/#' }, `type == "order.kind${at}" && data.amount > 0`],
  (at) => [{ kind: 'mqtt', filter: 'orders/#' }, `subject == "customer-${at}"`],
  (at) => [{ kind: 'mqtt', filter: `bulk/${at % 50}/#` }, `type.startsWith("bulk.${at}.")`],
  (at) => [{ kind: 'http', method: 'POST', path: `/api/v1/things${at}/:id` }],
  (at) => [{ kind: 'source', source: `source-${at}` }, 'data.amount > 0'],
  (at) => [{ kind: 'source', source: 'orders' }, `type in ["order.a${at}", "order.b${at}"]`],
  (at) => [{ kind: 'source', source: 'function', address: `step-${at}` }],
  (at) => [{ kind: 'any' }, `type == "audit.${at}" && data.items.exists(item, item.price > 10)`],
]

function routeAt(at: number): Route {
  const [from, when] = (KINDS[at % KINDS.length] ?? (() => [{ kind: 'any' }] as const))(at)
  return {
    name: `route-${at}`,
    from: [from],
    ...(when === undefined ? {} : { when }),
    to: [{ kind: 'function', text: 'echo', name: 'echo' }],
    retry: { max: 0, backoff: 'exponential', delayMs: 1_000, capMs: 60_000, jitter: 'full', except: [] },
    concurrency: 16,
    timeoutMs: 30_000,
    delivery: 'auto',
  }
}

/** Events for each kind of route; each is taken by one route when `at` is of that kind. */
function eventsFor(size: number): readonly (readonly [CloudEvent, Origin])[] {
  const data = Buffer.from(JSON.stringify({ amount: 3, celsius: 90, items: [{ price: 3 }, { price: 12 }] }))
  const of = (type: string, source: string, address: string, subject = 'x'): readonly [CloudEvent, Origin] => [
    { specversion: '1.0', id: '1', source: '/bench', type, subject, datacontenttype: 'application/json', data },
    { source, address },
  ]
  const last = (kind: number): number => size - KINDS.length + kind
  return [
    of('reading', 'mqtt', `site/${last(0)}/a/temperature`),
    of('reading', 'mqtt', `site/9/device/${last(1)}`),
    of(`order.kind${last(2)}`, 'mqtt', 'orders/eu'),
    of('order.paid', 'mqtt', 'orders/eu', `customer-${last(3)}`),
    of(`bulk.${last(4)}.x`, 'mqtt', `bulk/${last(4) % 50}/x`),
    of('called', 'http', `POST /api/v1/things${last(5)}/7`),
    of('record', `source-${last(6)}`, ''),
    of(`order.b${last(7)}`, 'orders', 'topic'),
    of('emitted', 'function', `step-${last(8)}`),
    of(`audit.${last(9)}`, 'mqtt', 'audit/log'),
    of('nothing', 'mqtt', 'nobody/listens'),
  ]
}

/** Runs the events in turn for a while; throughput in events per second. */
function round(router: Router, events: readonly (readonly [CloudEvent, Origin])[]): Figures {
  const started = performance.now()
  let [count, now] = [0, started]
  while (now - started < ROUND_MS) {
    for (let turn = 0; turn < 20; turn++) for (const [event, origin] of events) router.match(event, origin)
    count += 20 * events.length
    now = performance.now()
  }
  return { throughput: (count / (now - started)) * 1_000 }
}

function bench(size: number): Result & { readonly usPerEvent: number } {
  const routes = Array.from({ length: size }, (_, at) => routeAt(at))
  const before = performance.now()
  const { router, problems } = compileRouter(routes)
  const compileMs = Math.round(performance.now() - before)
  const events = eventsFor(size)
  const taken = events.map(([event, origin]) => router.match(event, origin).length)
  if (problems.length > 0 || taken.join() !== '1,1,1,1,1,1,1,1,1,1,0') throw new Error(`matching: got ${taken.join()}`)
  round(router, events)
  const rounds = Array.from({ length: ROUNDS }, () => round(router, events))
  const line = result('match', 'router', { label: `${size} routes`, routes: size, compileMs }, rounds)
  return { ...line, usPerEvent: Number((1e6 / (line.throughput ?? 0)).toFixed(2)) }
}

const results = SIZES.map(bench)
if (!values.discard && !values.quick) keep(results)
for (const each of results) console.log(JSON.stringify(each))
