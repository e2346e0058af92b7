/** The whole world of a guest: WASI 0.2 as far as it is harmless, everything else denied. */

import { Files } from '../files/files.ts'
import type { Grants } from '../grants.ts'
import { LOG_BYTES, RANDOM_BYTES } from '../limits.ts'
import type { Port } from '../port.ts'
import { lifting } from './budget.ts'
import { config, logging } from './config.ts'
import { type Denied, denyingAll, own } from './denial.ts'
import { ExitError } from './exit.ts'
import { filesystem } from './filesystem.ts'
import { HTTP_TYPES } from './http.ts'
import { type Draft, keyvalue } from './keyvalue.ts'
import { call, messaging } from './messaging.ts'
import { outgoing } from './outgoing.ts'
import { poll, pollWaiting } from './poll.ts'
import { FutureIncomingResponse, IncomingResponse } from './responses.ts'
import { LIVE, type Senses } from './senses.ts'
import { type Drain, InputStream, IoError, Lines, OutputStream, Pollable } from './streams.ts'

export type Level = 'debug' | 'info' | 'warn' | 'error'

/** The imports of one instance. */
export interface World {
  readonly imports: Readonly<Record<string, object>>
  /** Passes on what was written without a newline, and closes files: called after each call. */
  flush(): void
}

/** What a guest is given of the world outside. */
export interface Outside {
  readonly env: Readonly<Record<string, string>>
  readonly args?: readonly string[]
  /** What it reads, asked for when it begins to; closed when absent. */
  readonly stdin?: () => Uint8Array
  /** Where its standard output goes; into the log when absent. */
  readonly stdout?: Drain
  readonly log: (level: Level, text: string) => void
  readonly denied: Denied
  /** What it may reach beyond that; nothing when absent. */
  readonly grants?: Grants
  /** Its way out, if it may wait. */
  readonly port?: Port
  /** Of `wasi:keyvalue`, that it was built for. */
  readonly draft?: Draft | undefined
  /** The world itself when absent. */
  readonly senses?: Senses
}

/** Interfaces that exist so that a function which imports them can start; what is not known of them is denied. */
const WASI = /^wasi:/

/** Tells whether `createWorld` has something to offer under this name (an interface, without its version). */
export const offered = (name: string): boolean => OURS.has(name) || WASI.test(name)

const OURS = new Set([
  ...['log', 'messaging', 'call'].map((name) => `headgate:function/${name}`),
  'wasmcloud:messaging/consumer',
  'wasmcloud:messaging/types',
])

/** Makes the imports for one instance: nothing in it reaches the host's files, network, environment or process. */
export function createWorld(outside: Outside): World {
  const { denied, grants, log, senses } = outside
  const stdout = new Lines((line) => log('info', line))
  const stderr = new Lines((line) => log('warn', line))
  let files: Files | undefined
  const parts: Parts = {
    outside,
    files: () => (files ??= new Files(grants?.dirs ?? [], senses)),
    stdout: outside.stdout ?? stdout,
    stderr,
  }
  const made = new Map<string, Interfaces>()
  const known = (name: string): object | undefined => {
    const from = packageOf(name)
    const interfaces = made.get(from) ?? { ...FREE.get(from)?.(parts), ...GRANTED.get(from)?.(parts) }
    made.set(from, interfaces)
    return own(interfaces, name)
  }
  return {
    imports: denyingAll(known, denied),
    flush: () => {
      stdout.end()
      stderr.end()
      files?.close()
    },
  }
}

type Interfaces = Readonly<Record<string, object>>

/** What the interfaces of one instance are made of. */
interface Parts {
  readonly outside: Outside
  readonly files: () => Files
  readonly stdout: Drain
  readonly stderr: Drain
}

/** By package: what no guest asks for is not made, and most ask for little. */
type Packages = ReadonlyMap<string, (parts: Parts) => Interfaces>

const packageOf = (name: string): string => name.slice(0, Math.max(0, name.indexOf('/')))

/** Every interface that a guest may use. */
const FREE: Packages = new Map<string, (parts: Parts) => Interfaces>([
  ['headgate:function', ({ outside }) => ({ 'headgate:function/log': ownLog(outside) })],
  ['wasi:logging', ({ outside }) => logging(outside.log)],
  ['wasi:cli', ({ outside, stdout, stderr }) => cli(outside, stdout, stderr)],
  ['wasi:io', ({ outside }) => io(outside.port)],
  ['wasi:clocks', ({ outside }) => clocks(outside)],
  ['wasi:random', ({ outside }) => random(outside.senses ?? LIVE)],
  ['wasi:http', () => ({ 'wasi:http/types': { ...HTTP_TYPES, IncomingResponse, FutureIncomingResponse } })],
  ['wasi:filesystem', () => ({ 'wasi:filesystem/preopens': { getDirectories: () => [] } })],
  [
    'wasi:sockets',
    () => ({
      'wasi:sockets/instance-network': { instanceNetwork: () => new Network() },
      'wasi:sockets/network': { Network },
    }),
  ],
])

/** What `allow` can grant. */
const GRANTED: Packages = new Map<string, (parts: Parts) => Interfaces>([
  ['wasi:config', ({ outside: { denied, grants, senses = LIVE } }) => config(grants, denied, senses)],
  ['wasi:keyvalue', ({ outside: { denied, draft = 'draft2', grants, port } }) => keyvalue(grants, denied, port, draft)],
  ['wasi:http', ({ outside }) => outgoing(outside)],
  ['wasi:filesystem', ({ files, outside }) => filesystem(files(), outside.denied)],
  [
    'headgate:function',
    ({ outside: { denied, grants, port } }) => ({ ...messaging(grants, denied, port), ...call(grants, denied, port) }),
  ],
  ['wasmcloud:messaging', ({ outside: { denied, grants, port } }) => messaging(grants, denied, port)],
])

/** Interfaces that hold nothing but the types of others. */
const TYPES = new Set([
  'headgate:function/types',
  'headgate:function/host-types',
  'wasi:cli/terminal-input',
  'wasi:cli/terminal-output',
])

/** Tells whether a guest may use an interface (by its name, without its version). */
export function given(name: string): boolean {
  const nothing = { write: () => {} }
  const outside = { env: {}, log: () => {}, denied: () => {} }
  const parts: Parts = { outside, files: () => new Files([]), stdout: nothing, stderr: nothing }
  return TYPES.has(name) || Object.hasOwn(FREE.get(packageOf(name))?.(parts) ?? {}, name)
}

/** A network from which nothing can be reached: sockets on it are denied when they are made. */
class Network {}

const ownLog = ({ log }: Outside) => ({
  log: (level: Level, message: string) => {
    lifting.reset()
    log(level, message.slice(0, LOG_BYTES))
  },
})

const cli = ({ env, args = [], stdin = closed }: Outside, stdout: Drain, stderr: Drain) => ({
  'wasi:cli/environment': {
    getEnvironment: () => Object.entries(env),
    getArguments: () => args,
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
  'wasi:cli/stdin': { getStdin: () => new InputStream(stdin()) },
  'wasi:cli/stdout': { getStdout: () => new OutputStream(stdout) },
  'wasi:cli/stderr': { getStderr: () => new OutputStream(stderr) },
  'wasi:cli/terminal-stdin': { getTerminalStdin: () => undefined },
  'wasi:cli/terminal-stdout': { getTerminalStdout: () => undefined },
  'wasi:cli/terminal-stderr': { getTerminalStderr: () => undefined },
})

const io = (port: Port | undefined) => ({
  'wasi:io/error': { Error: IoError },
  'wasi:io/streams': { InputStream, OutputStream },
  'wasi:io/poll': {
    Pollable,
    poll: port ? (pollables: readonly Pollable[]) => pollWaiting(pollables, port) : poll,
  },
})

const closed = () => new Uint8Array()

const clocks = ({ port, senses = LIVE }: Outside) => {
  const nanoseconds = () => BigInt(Math.round(senses.steady() * 1e6))
  const after = (ns: bigint) => new Pollable(senses.steady() + Number(ns) / 1e6, senses, port)
  const wall = (ms: number) => ({ seconds: BigInt(Math.floor(ms / 1_000)), nanoseconds: (ms % 1_000) * 1_000_000 })
  return {
    'wasi:clocks/monotonic-clock': {
      now: nanoseconds,
      resolution: () => 1_000n,
      subscribeDuration: after,
      subscribeInstant: (at: bigint) => after(at - nanoseconds()),
    },
    'wasi:clocks/wall-clock': { now: () => wall(senses.wall()), resolution: () => wall(1) },
  }
}

const random = (senses: Senses) => {
  const bytes = (length: bigint): Uint8Array => {
    if (length > RANDOM_BYTES) throw new WebAssembly.RuntimeError(`asked for ${length} random bytes at once`)
    return senses.random(Number(length))
  }
  const u64s = (count: number) => [...new BigUint64Array(senses.random(8 * count).buffer)]
  const u64 = () => u64s(1)[0] ?? 0n
  return {
    'wasi:random/random': { getRandomBytes: bytes, getRandomU64: u64 },
    'wasi:random/insecure': { getInsecureRandomBytes: bytes, getInsecureRandomU64: u64 },
    'wasi:random/insecure-seed': { insecureSeed: () => u64s(2) },
  }
}
