/** What a bench writes down: one line per subject and settings, with the machine and the commit it was measured on. */

import { execFileSync } from 'node:child_process'
import { appendFileSync, mkdirSync } from 'node:fs'
import { availableParallelism, cpus } from 'node:os'

export interface Machine {
  readonly cpu: string
  readonly cores: number
  readonly node: string
}

/** What was asked of a subject. `label` names it in tables and targets. */
export type Settings = { readonly label: string } & Readonly<Record<string, string | number | boolean>>

/** Medians over the rounds. Times in ms, throughput per second, rss in bytes; what was not measured is absent. */
export interface Figures {
  readonly throughput?: number
  readonly p50?: number
  readonly p95?: number
  readonly p99?: number
  readonly max?: number
  readonly rss?: number
  /** Share of one core. */
  readonly cpu?: number
  /** Milliseconds until something was so: `recover`. */
  readonly elapsed?: number
}

export interface Result extends Figures {
  readonly commit: string
  readonly date: string
  readonly machine: Machine
  readonly bench: string
  readonly subject: string
  readonly settings: Settings
  /** Each round's figures, in order: rounds of equal index ran one after another. */
  readonly rounds: readonly Figures[]
}

const ROOT = new URL('../../', import.meta.url).pathname

function git(...args: string[]): string {
  try {
    return execFileSync('git', args, { cwd: ROOT, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
  } catch {
    return ''
  }
}

/** The commit that runs, with `+` when tracked files outside the results differ from it. */
export function commit(): string {
  const changed = git('status', '--porcelain', '--untracked-files=no', '--', '.', ':!test/bench/results')
  return `${git('rev-parse', '--short=12', 'HEAD') || 'unknown'}${changed === '' ? '' : '+'}`
}

export function machine(): Machine {
  return { cpu: cpus()[0]?.model.trim() ?? 'unknown', cores: availableParallelism(), node: process.version }
}

/** The middle value; the mean of the two middle ones for an even count. NaN of nothing. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2
}

const KEYS = ['throughput', 'p50', 'p95', 'p99', 'max', 'rss', 'cpu', 'elapsed'] as const

/** The median of each figure that every round has. */
export function medians(rounds: readonly Figures[]): Figures {
  const out: { -readonly [K in keyof Figures]: Figures[K] } = {}
  for (const key of KEYS) {
    const values = rounds.map((round) => round[key]).filter((value) => value !== undefined)
    if (values.length > 0 && values.length === rounds.length) out[key] = Number(median(values).toPrecision(6))
  }
  return out
}

/** A result of some rounds, on this machine, now. */
export function result(bench: string, subject: string, settings: Settings, rounds: readonly Figures[]): Result {
  const where = { commit: commit(), date: new Date().toISOString(), machine: machine() }
  return { ...where, bench, subject, settings, ...medians(rounds), rounds }
}

/** Appends each result as one line to `results/<bench>.jsonl`. */
export function keep(results: readonly Result[]): void {
  const folder = new URL('./results/', import.meta.url)
  mkdirSync(folder, { recursive: true })
  for (const line of results) appendFileSync(new URL(`${line.bench}.jsonl`, folder), `${JSON.stringify(line)}\n`)
}
