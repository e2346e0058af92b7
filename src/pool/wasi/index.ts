/** The whole world of a guest: WASI 0.2 as far as it is harmless, everything else denied. */

import { randomFillSync } from 'node:crypto'
import { LOG_BYTES, RANDOM_BYTES } from '../limits.ts'
import { InputStream, IoError, Lines, OutputStream, Pollable, ResourceBudget } from './streams.ts'

/** Thrown through a guest that calls `exit`: it ends the guest, never the host. */
export class ExitError extends Error {
  readonly status: number

  constructor(status: number) {
    super(`called exit with code ${status}`)
    this.status = status
  }
}

export type Level = 'debug' | 'info' | 'warn' | 'error'

/** The imports of one instance. */
export interface World {
  readonly imports: Readonly<Record<string, object>>
  /** Passes on what was written without a newline: called after each call. */
  flush(): void
}

/** Interfaces that exist so that a function which imports them can start; each of their functions traps when called. */
const DENIED = /^wasi:(?:sockets|http|filesystem|cli|clocks|random|io)\//

/** Tells whether `createWorld` has something to offer under this name (an interface, without its version). */
export const offered = (name: string): boolean => name === 'headgate:function/log' || DENIED.test(name)

/** Makes the imports for one instance: nothing in it reaches the host's files, network, environment or process. */
export function createWorld(env: Readonly<Record<string, string>>, log: (level: Level, text: string) => void): World {
  const budget = new ResourceBudget()
  const stdout = new Lines((line) => log('info', line))
  const stderr = new Lines((line) => log('warn', line))
  const known: Record<string, object> = {
    'headgate:function/log': { log: (level: Level, message: string) => log(level, message.slice(0, LOG_BYTES)) },
    ...cli(env, budget, stdout, stderr),
    ...io(),
    ...clocks(budget),
    ...RANDOM,
    'wasi:filesystem/preopens': { getDirectories: () => [] },
  }
  const imports = new Proxy(known, { get: (target, name) => denying(String(name), target[String(name)] ?? {}) })
  return {
    imports,
    flush: () => {
      stdout.end()
      stderr.end()
    },
  }
}

const cli = (env: Readonly<Record<string, string>>, budget: ResourceBudget, stdout: Lines, stderr: Lines) => ({
  'wasi:cli/environment': {
    getEnvironment: () => Object.entries(env),
    getArguments: () => [],
    initialCwd: () => undefined,
  },
  'wasi:cli/exit': {
    exit: (status: { tag: 'ok' | 'err' }) => {
      throw new ExitError(status.tag === 'ok' ? 0 : 1)
    },
    exitWithCode: (code: number) => {
      throw new ExitError(code)
    },
  },
  'wasi:cli/stdin': { getStdin: () => new InputStream(budget) },
  'wasi:cli/stdout': { getStdout: () => new OutputStream(budget, stdout) },
  'wasi:cli/stderr': { getStderr: () => new OutputStream(budget, stderr) },
  'wasi:cli/terminal-stdin': { getTerminalStdin: () => undefined },
  'wasi:cli/terminal-stdout': { getTerminalStdout: () => undefined },
  'wasi:cli/terminal-stderr': { getTerminalStderr: () => undefined },
})

const io = () => ({
  'wasi:io/error': { Error: IoError },
  'wasi:io/streams': { InputStream, OutputStream },
  'wasi:io/poll': {
    Pollable,
    poll: (pollables: readonly Pollable[]) => {
      pollables.reduce((first, next) => (next.at < first.at ? next : first)).block()
      return Uint32Array.from(pollables.flatMap((pollable, index) => (pollable.ready() ? [index] : [])))
    },
  },
})

const clocks = (budget: ResourceBudget) => {
  const nanoseconds = () => BigInt(Math.round(performance.now() * 1e6))
  const after = (ns: bigint) => new Pollable(budget, performance.now() + Number(ns) / 1e6)
  const wall = (ms: number) => ({ seconds: BigInt(Math.floor(ms / 1_000)), nanoseconds: (ms % 1_000) * 1_000_000 })
  return {
    'wasi:clocks/monotonic-clock': {
      now: nanoseconds,
      resolution: () => 1_000n,
      subscribeDuration: after,
      subscribeInstant: (at: bigint) => after(at - nanoseconds()),
    },
    'wasi:clocks/wall-clock': { now: () => wall(Date.now()), resolution: () => wall(1) },
  }
}

function randomBytes(length: bigint): Uint8Array {
  if (length > RANDOM_BYTES) throw new WebAssembly.RuntimeError(`asked for ${length} random bytes at once`)
  return randomFillSync(new Uint8Array(Number(length)))
}

const random64 = () => randomFillSync(new BigUint64Array(1))[0] ?? 0n

const RANDOM = {
  'wasi:random/random': { getRandomBytes: randomBytes, getRandomU64: random64 },
  'wasi:random/insecure': { getInsecureRandomBytes: randomBytes, getInsecureRandomU64: random64 },
  'wasi:random/insecure-seed': { insecureSeed: () => [random64(), random64()] },
}

/** Fills in what an interface lacks: a class that cannot be made, a function that traps and names itself. */
const denying = (name: string, known: object): object =>
  new Proxy(known, {
    get: (target, key) => Reflect.get(target, key) ?? denied(`${name}#${String(key)}`, String(key)),
  })

function denied(what: string, key: string): object {
  const deny = () => {
    throw new WebAssembly.RuntimeError(`called ${what}, which is not allowed`)
  }
  // A capital names a resource, of which there is none: jco wants a class for `instanceof` and for its methods.
  return /^[A-Z]/.test(key) ? class {} : deny
}
