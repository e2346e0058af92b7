/** The table that a bench prints: what was measured, what did not run, and each target with its verdict. */

import type { Figures, Result } from './result.ts'
import { type Outcome, ratio } from './rounds.ts'
import { TARGETS, type Target, type Which } from './targets.ts'

const MIB = 1024 * 1024

/** Columns padded to their widest cell. */
function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

const ms = (value: number | undefined): string => (value === undefined ? '-' : value.toFixed(value < 10 ? 3 : 1))

function figures(result: Result): string[] {
  const { throughput, p50, p95, p99, max, rss, cpu, elapsed } = result
  const rate = throughput === undefined ? '-' : Math.round(throughput).toLocaleString('en')
  const memory =
    rss === undefined ? '-' : rss < MIB ? `${(rss / 1024).toFixed(1)} KiB` : `${(rss / MIB).toFixed(1)} MiB`
  const load = cpu === undefined ? '-' : `${(cpu * 100).toFixed(2)} %`
  return [result.subject, result.settings.label, rate, ms(p50), ms(p95), ms(p99), ms(max), memory, load, ms(elapsed)]
}

const HEAD = ['subject', 'settings', '/s', 'p50 ms', 'p95 ms', 'p99 ms', 'max ms', 'rss', 'cpu', 'ms']

function find(results: readonly Result[], which: Which): Result | undefined {
  return results.find(({ subject, settings }) => subject === which.subject && settings.label === which.label)
}

interface Verdict {
  readonly wanted: string
  readonly got: string
  readonly met: boolean | undefined
}

function absolute(value: number | undefined, metric: keyof Figures, limit: number, unit: string): Verdict {
  const inUnit = (n: number): string =>
    unit === 'bytes' ? `${(n / MIB).toFixed(1)} MiB` : `${Number(n.toPrecision(4))} ${unit}`
  const got = value === undefined ? '-' : inUnit(value)
  return { wanted: `${metric} below ${inUnit(limit)}`, got, met: value === undefined ? undefined : value < limit }
}

function judge(target: Target, results: readonly Result[]): Verdict {
  const subject = find(results, target.of)
  if ('below' in target) return absolute(subject?.[target.metric], target.metric, target.below, target.unit)
  const peer = find(results, target.times)
  const least = 'atLeast' in target
  const bound = least ? target.atLeast : target.atMost
  const wanted = `${target.metric} at ${least ? 'least' : 'most'} ${bound}x ${target.times.subject}`
  const value = subject && peer ? ratio(subject, peer, target.metric) : Number.NaN
  if (Number.isNaN(value)) return { wanted, got: '-', met: undefined }
  return { wanted, got: `${value.toFixed(2)}x`, met: least ? value >= bound : value <= bound }
}

const VERDICTS = new Map<boolean | undefined, string>([
  [true, 'met'],
  [false, 'MISSED'],
  [undefined, 'not measured'],
])

/** The report of one bench as text. */
export function report(bench: string, { results, missing }: Outcome): string {
  const parts = [table([HEAD, ...results.map(figures)])]
  if (missing.length > 0) parts.push(['not run:', ...missing.map(({ name, why }) => `  ${name}: ${why}`)].join('\n'))
  const rows = TARGETS.filter((target) => target.bench === bench).map((target) => {
    const { wanted, got, met } = judge(target, results)
    return [`${target.of.subject}, ${target.of.label}`, wanted, got, VERDICTS.get(met) ?? '']
  })
  if (rows.length > 0) parts.push(table([['target', 'wanted', 'measured', ''], ...rows]))
  return `${parts.join('\n\n')}\n`
}
