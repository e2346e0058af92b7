/** Cases measured in turn, round by round, so that what disturbs the machine disturbs all of them alike. */

import { setTimeout as sleep } from 'node:timers/promises'
import { atRest, rss } from './child.ts'
import { type Load, type Measured, measure, NotRun, verify } from './load.ts'
import type { Protocol, Running, Subject } from './peers/subject.ts'
import { type Figures, median, type Result, result, type Settings } from './result.ts'

export interface Plan {
  readonly rounds: number
  readonly seconds: number
  /** Seconds of load, not measured, before each case of each round; the first round as a whole is not measured either. */
  readonly warm: number
}

/** A subject under one load. */
export interface Case {
  /** The name in tables, results and targets: one process may be measured in several ways. */
  readonly name: string
  readonly label: string
  readonly subject: Subject
  readonly port: Protocol
  readonly load: Load
  /** What an answer must hold, byte for byte. */
  readonly expected: string
}

export interface Missing {
  readonly name: string
  readonly why: string
}

/** The one line of an error that tells most. */
export function reason(error: unknown): string {
  const lines = (error instanceof Error ? error.message : String(error)).split('\n')
  const telling = lines.find((line) => /error\b/i.test(line)) ?? lines[0] ?? ''
  return telling.slice(0, 300)
}

export interface Outcome {
  readonly results: readonly Result[]
  readonly missing: readonly Missing[]
}

/** Subjects that run, started once for all their cases. */
export class Lab {
  readonly #running = new Map<Subject, Running>()
  readonly #missing: Missing[] = []
  /** What did not start is not tried again for its next case. */
  readonly #broken = new Map<Subject, unknown>()
  readonly #plan: Plan
  readonly #bench: string

  constructor(bench: string, plan: Plan) {
    this.#bench = bench
    this.#plan = plan
  }

  get missing(): readonly Missing[] {
    return this.#missing
  }

  /** Starts what is not running yet and checks that it answers. Resolves to the cases that can be measured. */
  async open(cases: readonly Case[]): Promise<readonly Case[]> {
    const open: Case[] = []
    for (const one of cases) {
      try {
        await this.#start(one.subject)
        await this.#answers(one)
        open.push(one)
      } catch (error) {
        this.#lack(one, error)
      }
    }
    return open
  }

  /** Measures cases that are open: one round to warm up, then the rounds that count. */
  async measure(cases: readonly Case[]): Promise<readonly Result[]> {
    const figures = new Map<Case, Figures[]>(cases.map((one) => [one, []]))
    for (let round = -1; round < this.#plan.rounds; round++) {
      for (const [one, rounds] of figures) {
        try {
          const figure = await this.#once(one, round < 0)
          if (round >= 0) rounds.push(figure)
        } catch (error) {
          this.#lack(one, error)
          figures.delete(one)
        }
      }
    }
    return [...figures].map(([one, rounds]) => result(this.#bench, one.name, this.#settings(one), rounds))
  }

  /** Ends every subject. */
  async close(): Promise<void> {
    for (const running of this.#running.values()) await running.stop()
    this.#running.clear()
  }

  async #start(subject: Subject): Promise<void> {
    if (this.#running.has(subject)) return
    if (this.#broken.has(subject)) throw this.#broken.get(subject)
    process.stderr.write(`starting ${subject.name}\n`)
    try {
      this.#running.set(subject, await subject.start())
    } catch (error) {
      this.#broken.set(subject, error)
      process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
      throw error
    }
  }

  #at(one: Case): { readonly port: number; readonly pids: readonly number[] } {
    const running = this.#running.get(one.subject)
    const port = running?.ports[one.port]
    if (running === undefined || port === undefined) throw new NotRun(`${one.subject.name} has no ${one.port} port`)
    return { port, pids: running.pids }
  }

  /** A responder may still be subscribing: asks until it is answered, for 20 s. */
  async #answers(one: Case): Promise<void> {
    const deadline = Date.now() + 20_000
    for (;;) {
      try {
        return await verify(one.load, this.#at(one).port, one.expected)
      } catch (error) {
        if (Date.now() > deadline) throw error
        await sleep(200)
      }
    }
  }

  async #once(one: Case, warming: boolean): Promise<Figures> {
    const { port, pids } = this.#at(one)
    const { seconds, warm } = this.#plan
    const got = await measure(one.load, port, warming ? Math.min(seconds, 2) : seconds, warm)
    const figures = { ...times(got), rss: rss(pids) }
    await atRest(pids)
    const rate = `${Math.round(got.throughput)}/s`
    if (!warming) process.stderr.write(`${one.name}, ${one.label}: ${rate}, p50 ${got.p50} ms, p99 ${got.p99} ms\n`)
    return figures
  }

  #lack(one: Case, error: unknown): void {
    const started = this.#broken.get(one.subject) !== error
    const why = `${started ? `${one.label}: ` : ''}${reason(error)}`
    if (!this.#missing.some((known) => known.name === one.name && known.why === why)) {
      this.#missing.push({ name: one.name, why })
    }
  }

  #settings(one: Case): Settings {
    const { payload, headers, ...load } = one.load
    const bytes = payload === undefined ? 0 : Buffer.byteLength(payload)
    return { label: one.label, ...load, bytes, seconds: this.#plan.seconds, warm: this.#plan.warm }
  }
}

function times({ throughput, p50, p95, p99, max }: Measured): Figures {
  return { throughput, p50, p95, p99, max }
}

/** The same case in open loop at half of what it managed in closed loop. */
export function atHalfLoad(one: Case, closed: readonly Result[]): Case | undefined {
  const throughput = closed.find(
    ({ subject, settings }) => subject === one.name && settings.label === one.label,
  )?.throughput
  if (throughput === undefined) return undefined
  // Several may be under way at once in open loop, or the client would slow down with the subject.
  const window = one.load.protocol === 'http' ? 1 : Math.max(one.load.window, 16)
  return { ...one, label: `${one.label}, half load`, load: { ...one.load, window, rate: Math.round(throughput / 2) } }
}

/** Closed loop for all cases, then open loop at half load for those that `half` picks. */
export async function compare(
  bench: string,
  cases: readonly Case[],
  plan: Plan,
  half: (one: Case) => boolean,
): Promise<Outcome> {
  const lab = new Lab(bench, plan)
  try {
    const open = await lab.open(cases)
    const closed = await lab.measure(open)
    const halves = open.filter(half).map((one) => atHalfLoad(one, closed))
    const results = [...closed, ...(await lab.measure(halves.filter((one) => one !== undefined)))]
    return { results, missing: lab.missing }
  } finally {
    await lab.close()
  }
}

/** The median over the rounds of subject to peer, each ratio within one round. NaN without common rounds. */
export function ratio(subject: Result, peer: Result, metric: 'throughput' | 'rss' | 'p50' | 'p99'): number {
  const ratios = subject.rounds.map(
    (round, i) => (round[metric] ?? Number.NaN) / (peer.rounds[i]?.[metric] ?? Number.NaN),
  )
  return median(ratios.filter((value) => Number.isFinite(value)))
}
