/** Command line of the benches: `npm run bench -- <name> [--direct] [--rounds N] [--seconds N] [--quick]`. */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { parseArgs } from 'node:util'
import { accept } from './accept.ts'
import { connectors } from './connectors.ts'
import { direct } from './direct.ts'
import { idle } from './idle.ts'
import { path } from './path.ts'
import { recover } from './recover.ts'
import { report } from './report.ts'
import { keep } from './result.ts'
import type { Outcome, Plan } from './rounds.ts'
import { sharing } from './sharing.ts'
import { soak } from './soak.ts'

interface Bench {
  readonly summary: string
  readonly run: (plan: Plan) => Promise<Outcome>
}

/** Benches against peers, all under one harness. */
const BENCHES = new Map<string, Bench>([
  ['accept', { summary: 'POST /events to 202 and QoS 1 PUBLISH to PUBACK, durable', run: accept }],
  ['path', { summary: 'QoS 1 request, journal, Wasm function, reply', run: path }],
  ['path-direct', { summary: 'HTTP call, Wasm function, reply, not journaled (also: path --direct)', run: direct }],
  ['connectors', { summary: 'each source from a backlog to settled, and its memory while paused', run: connectors }],
  ['idle', { summary: 'memory and processor time of idle clients', run: idle }],
  ['recover', { summary: 'restart after kill -9 with a million due deliveries; on demand', run: recover }],
  ['sharing', { summary: '200 functions on one gateway, its restart, neighbours of hostile ones', run: sharing }],
  ['soak', { summary: '--seconds 3600 at half load; on demand', run: soak }],
])

/** Benches of one part in process: programs of their own that take the same arguments. */
const PROGRAMS = new Map([
  ['journal', 'appends, claims and settles of the journal'],
  ['pool', 'calls of functions in the worker pool'],
  ['match', 'the router at up to 10,000 routes'],
  ['plan', 'plan, and why, over a journal of a million events'],
])

const USAGE = `usage: npm run bench -- <name> [--rounds N] [--seconds N] [--quick] [--discard]
${[...BENCHES].map(([name, { summary }]) => `  ${name.padEnd(12)} ${summary}`).join('\n')}
${[...PROGRAMS].map(([name, summary]) => `  ${name.padEnd(12)} ${summary}`).join('\n')}
`

/** Runs a program of this folder with the arguments as they came; resolves to its exit code. */
async function program(name: string, args: readonly string[]): Promise<number> {
  const file = new URL(`./${name}.ts`, import.meta.url).pathname
  const child = spawn(process.execPath, [file, ...args], { stdio: 'inherit' })
  const [code]: (number | null)[] = await once(child, 'exit')
  return code ?? 1
}

/** A number above 0 out of an option. */
function positive(text: string | undefined, otherwise: number): number {
  const value = text === undefined ? otherwise : Number(text)
  if (!(value > 0)) throw new Error(`"${text}" is not a number above 0`)
  return value
}

function optionsOf(args: readonly string[]) {
  const text = { type: 'string' } as const
  const flag = { type: 'boolean' } as const
  const options = { rounds: text, seconds: text, quick: flag, direct: flag, discard: flag }
  const {
    rounds,
    seconds,
    quick = false,
    direct = false,
    discard = false,
  } = parseArgs({ args: [...args], options }).values
  const plan: Plan = {
    rounds: positive(rounds, quick ? 1 : 5),
    seconds: positive(seconds, quick ? 1 : 4),
    warm: quick ? 0.3 : 0.5,
  }
  return { plan, direct, discard }
}

async function main([asked = '', ...args]: readonly string[]): Promise<number> {
  if (PROGRAMS.has(asked)) return program(asked, args)
  if (!BENCHES.has(asked)) {
    process.stderr.write(USAGE)
    return 1
  }
  const options = optionsOf(args)
  const name = asked === 'path' && options.direct ? 'path-direct' : asked
  const outcome = await BENCHES.get(name)?.run(options.plan)
  if (outcome === undefined) return 1
  if (!options.discard) keep(outcome.results)
  process.stdout.write(report(name, outcome))
  return outcome.results.length > 0 ? 0 : 1
}

process.exitCode = await main(process.argv.slice(2))
