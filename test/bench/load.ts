/** The load client, compiled from load/*.c when first wanted: a client in JavaScript is slower than what it measures. */

import { execFile, spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, statSync } from 'node:fs'
import { promisify } from 'node:util'

/** Why a bench or a peer cannot run here, and the line that changes that. */
export class NotRun extends Error {}

const SOURCE = new URL('./load/', import.meta.url).pathname
const CACHE = new URL('../.cache/', import.meta.url).pathname
const BINARY = `${CACHE}load`

/** What one run of the client asks; the names are its flags. */
export interface Load {
  readonly protocol: 'mqtt' | 'http' | 'nats'
  /** `request` until the reply, `publish` until the acknowledgement. */
  readonly mode: 'request' | 'publish' | 'idle' | 'respond'
  readonly clients: number
  /** Calls in flight per client. */
  readonly window: number
  readonly payload?: string
  /** The topic to publish to; of `request` by default `req/<client>/<slot>`. */
  readonly topic?: string
  readonly path?: string
  readonly headers?: string
  /** 4 is MQTT 3.1.1. */
  readonly version?: 4 | 5
  /** Calls a second at fixed times, measured from when each was due; else as fast as answers come. */
  readonly rate?: number
}

/** Times in ms; `wrong` answers lack the id of their call, `unanswered` had none 3 s after the end. */
export interface Measured {
  readonly throughput: number
  readonly p50: number
  readonly p95: number
  readonly p99: number
  readonly max: number
  readonly completed: number
  readonly sent: number
  readonly wrong: number
  readonly refused: number
  readonly unanswered: number
  readonly client_cpu: number
}

function stale(): boolean {
  const built = statSync(BINARY, { throwIfNoEntry: false })?.mtimeMs ?? 0
  return readdirSync(SOURCE).some((file) => statSync(SOURCE + file).mtimeMs > built)
}

/** The path of the client; compiles it when a source is newer. Throws NotRun without gcc. */
export function client(): string {
  if (!stale()) return BINARY
  mkdirSync(CACHE, { recursive: true })
  const sources = readdirSync(SOURCE).filter((file) => file.endsWith('.c'))
  const flags = ['-O2', '-Wall', '-Wextra', '-o', BINARY]
  const built = spawnSync('gcc', [...flags, ...sources], { cwd: SOURCE, encoding: 'utf8' })
  if (built.error) throw new NotRun('gcc is not on this machine: apt-get install -y gcc libc6-dev')
  if (built.status !== 0) throw new Error(`compiling the load client: ${built.stderr}`)
  return BINARY
}

/** The client's command line. */
export function flags(load: Load, port: number, seconds: number, warm: number): string[] {
  const all = { ...load, port, seconds, warm }
  return Object.entries(all).flatMap(([name, value]) => [`--${name}`, String(value)])
}

const run = promisify(execFile)

async function output(load: Load, port: number, seconds: number, warm: number, more: readonly string[]) {
  const args = [...flags(load, port, seconds, warm), ...more]
  const { stdout, stderr } = await run(client(), args, { timeout: (seconds + warm + 90) * 1000, maxBuffer: 1 << 24 })
  const lines = stdout.trim().split('\n')
  return {
    measured: JSON.parse(lines.at(-1) ?? '') as Measured,
    answer: lines.find((l) => l.startsWith('answer ')),
    stderr,
  }
}

/** One run. Rejects when a call was refused, answered wrongly or not at all: such a figure would mean nothing. */
export async function measure(load: Load, port: number, seconds: number, warm: number): Promise<Measured> {
  const { measured, stderr } = await output(load, port, seconds, warm, [])
  const { wrong, refused, unanswered } = measured
  if (wrong + refused + unanswered > 0)
    throw new Error(
      `${wrong} wrong answers, ${refused} refused, ${unanswered} unanswered of ${measured.sent}: ${stderr}`,
    )
  return measured
}

/** Calls once in a while for 0.3 s and rejects unless the answer holds `expected`, byte for byte. */
export async function verify(load: Load, port: number, expected: string): Promise<void> {
  const calm: Load = { ...load, clients: 1, window: 1, rate: 20 }
  const { measured, answer, stderr } = await output(calm, port, 0.3, 0, ['--show', '1'])
  const { sent, wrong, refused, unanswered } = measured
  if (sent === 0 || wrong + refused + unanswered > 0)
    throw new Error(`it does not answer: ${stderr || answer || 'silence'}`)
  if (load.mode !== 'request') return
  const bytes = Buffer.from(answer?.slice('answer '.length) ?? '', 'hex')
  if (!bytes.includes(expected)) throw new Error(`it answers something else: ${bytes.toString().slice(0, 400)}`)
}
