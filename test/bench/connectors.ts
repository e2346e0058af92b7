/** Bench `connectors`: each source from a backlog to settled, next to its bare client on the same backlog; and its memory while paused. */

import { execFile } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { type Child, rss } from './child.ts'
import { kafka } from './connectors/kafka.ts'
import { postgres } from './connectors/postgres.ts'
import { sqs } from './connectors/sqs.ts'
import type { Backlog, Upstream, UpstreamKind } from './connectors/upstream.ts'
import { type Config, dataFolder, freePorts, gatewayReady, launch, type Ports } from './headgate.ts'
import { type Figures, type Result, result } from './result.ts'
import { type Missing, type Outcome, type Plan, reason } from './rounds.ts'

const UPSTREAMS: readonly UpstreamKind[] = [kafka, sqs, postgres]

const MESSAGES = 100_000
const PAUSED = 1_000_000
/** `--quick` tries the program, not the gateway. */
const QUICK = { messages: 5_000, paused: 20_000 }
const LONGEST_MS = 300_000

/** Runs a gateway on a backlog for as long as `work` takes. */
async function running<T>(
  backlog: Backlog,
  config: Config,
  work: (child: Child, ports: Ports) => Promise<T>,
): Promise<T> {
  const data = dataFolder('disk')
  try {
    const ports = await freePorts()
    const child = await launch(data.path, ports, { sources: { upstream: backlog.source }, ...config }, backlog.env)
    try {
      await gatewayReady(ports.admin)
      return await work(child, ports)
    } finally {
      await child.stop('SIGKILL')
    }
  } finally {
    data.remove()
  }
}

async function count({ admin }: Ports, metric: RegExp): Promise<number> {
  const metrics = await fetch(`http://127.0.0.1:${admin}/metrics`).then((response) => response.text())
  return Number(metric.exec(metrics)?.[1] ?? 0)
}

/** How many deliveries are done. */
const done = (ports: Ports): Promise<number> =>
  count(ports, /^headgate_deliveries_total\{[^}]*outcome="done"[^}]*\} (\d+)/m)

/** Resolves once some events were accepted, and no more for three seconds. */
async function filled(ports: Ports): Promise<void> {
  let before = -1
  for (
    let now = 0;
    now === 0 || now !== before;
    now = await count(ports, /^headgate_events_accepted_total\{[^}]*\} (\d+)/m)
  ) {
    before = now
    await sleep(3_000)
  }
}

/** From the first delivery that is done to the last. */
function settled(backlog: Backlog, messages: number): Promise<Figures> {
  const config = { routes: { work: { from: 'upstream', to: 'mqtt:settled', concurrency: 256 } } }
  return running(backlog, config, async (child, ports) => {
    const deadline = performance.now() + LONGEST_MS
    let before = 0
    while (before === 0) {
      if (performance.now() > deadline) throw new Error('no message was settled')
      before = await done(ports)
      await sleep(5)
    }
    const began = performance.now()
    let now = before
    while (now < messages) {
      if (performance.now() > deadline) throw new Error(`only ${now} of ${messages} messages were settled`)
      await sleep(50)
      now = await done(ports)
    }
    const seconds = (performance.now() - began) / 1_000
    return { throughput: (messages - before) / seconds, rss: rss([child.pid]) }
  })
}

async function bare({ bare: [file, ...args], env }: Backlog, messages: number): Promise<Figures> {
  const options = { env: { ...process.env, ...env }, timeout: LONGEST_MS }
  const { stdout } = await promisify(execFile)(process.execPath, [file, ...args], options)
  return { throughput: messages / (Number(stdout) / 1_000) }
}

/** Memory of a gateway whose journal is full, while its upstream holds the rest: soon after it filled, and later. */
function paused(backlog: Backlog, seconds: number): Promise<readonly [first: Figures, later: Figures]> {
  const config = {
    journal: { max_size: '8MiB' },
    sinks: { nowhere: { http: { url: 'http://127.0.0.1:1/', allow: ['127.0.0.1'] } } },
    routes: { work: { from: 'upstream', to: 'nowhere', retry: { max: 100, delay: '1h', cap: '1h' } } },
  }
  return running(backlog, config, async ({ pid }, ports) => {
    await filled(ports)
    const first = { rss: rss([pid]) }
    await sleep(seconds * 5_000)
    return [first, { rss: rss([pid]) }]
  })
}

async function measured(kind: UpstreamKind, upstream: Upstream, plan: Plan): Promise<readonly Result[]> {
  const isQuick = plan.seconds <= 1
  const messages = isQuick ? QUICK.messages : MESSAGES
  const figures = new Map<string, Figures[]>()
  const note = (subject: string, label: string, figure: Figures) => {
    const key = JSON.stringify([subject, label])
    figures.set(key, [...(figures.get(key) ?? []), figure])
    process.stderr.write(`${subject}, ${label}: ${JSON.stringify(figure)}\n`)
  }
  for (let round = 0; round < plan.rounds; round++) {
    note(kind.client, kind.name, await bare(await upstream.fill(messages), messages))
    note('headgate', kind.name, await settled(await upstream.fill(messages), messages))
  }
  const [first, later] = await paused(await upstream.fill(isQuick ? QUICK.paused : PAUSED), plan.seconds)
  note('headgate', `${kind.name}, paused`, first)
  note('headgate', `${kind.name}, paused for long`, later)
  return [...figures].map(([key, rounds]) => {
    const [subject, label] = JSON.parse(key) as [string, string]
    return result('connectors', subject, { label, messages, bytes: 1_024 }, rounds)
  })
}

/** The sources, one after the other. */
export async function connectors(plan: Plan): Promise<Outcome> {
  const results: Result[] = []
  const missing: Missing[] = []
  for (const kind of UPSTREAMS) {
    try {
      await using upstream = await kind.open()
      results.push(...(await measured(kind, upstream, plan)))
    } catch (error) {
      missing.push({ name: kind.name, why: reason(error) })
    }
  }
  return { results, missing }
}
