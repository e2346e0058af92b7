/** Real servers for tests: found or fetched, started once per run and shared, ended when the run ends. */

import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe } from 'vitest'
import { eventually } from './eventually.ts'
import { freePort } from './ports.ts'
import { notRun } from './service.ts'

/** Where downloads of servers are kept between runs; nothing of it is committed. */
export const CACHE = fileURLToPath(new URL('../.cache', import.meta.url))

/** A server that answers. */
export interface Running {
  /** Where it answers, in the form its clients take. */
  readonly address: string
  /** Further addresses by name, such as its listener with TLS. */
  readonly more?: Readonly<Record<string, string>>
  /** Its process, the leader of a process group; absent when it was there before the run. */
  readonly pid?: number
}

/** One kind of server, and how a test gets it. */
export interface ServerKind {
  readonly name: string
  /** The environment variable with the address of one that already runs. */
  readonly variable: string
  /** The line that puts it on a machine, printed where it is absent. */
  readonly install: string
  /** Why it may be absent even where servers are required: its suites are listed as not run then. */
  readonly optional?: string
  /** Resolves once its program is there, on PATH, in the cache or just downloaded into it; rejects when it cannot be had. */
  obtain(): Promise<void>
  /** Starts it with its data in `folder`, on the same ports whenever it is the same folder; resolves when it answers. */
  start(folder: string): Promise<Running>
}

/** A server of one test alone, that may be stopped and started again on its ports and data. */
export interface OwnServer extends Running {
  start(): Promise<void>
  /** Ends it as an operator would, or at once; resolves when it is gone. */
  stop(signal?: 'SIGTERM' | 'SIGKILL'): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/** A `describe` on real servers that all suites of the run share. Await it: they start before its tests are collected. */
export async function describeServers<const K extends readonly ServerKind[]>(
  kinds: K,
  title: string,
  body: (...servers: { [I in keyof K]: Running }) => void,
): Promise<void> {
  const tried = await Promise.allSettled(kinds.map(shared))
  const missing = kinds.filter((_, index) => tried[index]?.status === 'rejected')
  if (missing.length > 0) {
    const why = tried.flatMap((one) => (one.status === 'rejected' ? [String(one.reason)] : []))
    return notRun({ title, missing, why })
  }
  const servers = tried.map((one) => (one.status === 'fulfilled' ? one.value : undefined))
  describe(title, () => body(...(servers as { [I in keyof K]: Running })))
}

/** Starts a server of its own, with empty data. */
export async function startOwn(kind: ServerKind): Promise<OwnServer> {
  await kind.obtain()
  const folder = mkdtempSync(join(tmpdir(), `headgate-${kind.name}-`))
  let running: Running = await kind.start(folder)
  let gone = false
  const stop = async (signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM') => {
    if (!gone) await end(running, signal)
    gone = true
  }
  return {
    get address() {
      return running.address
    },
    get more() {
      return running.more ?? {}
    },
    get pid() {
      return running.pid ?? 0
    },
    start: async () => {
      running = await kind.start(folder)
      gone = false
    },
    stop,
    [Symbol.asyncDispose]: async () => {
      await stop('SIGKILL')
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** A program to be run as a server. */
export interface Program {
  readonly command: string
  readonly args: readonly string[]
  readonly folder: string
  readonly env?: Readonly<Record<string, string>>
  /** Not this process's own user. */
  readonly uid?: number
  readonly gid?: number
  /** Resolves to true once it answers; a rejection is a no. */
  answers(): Promise<boolean>
  /** Ms until it must answer. */
  readonly withinMs?: number
}

/** Runs a program apart from this process, its output in `folder`/log; resolves with its process once it answers. */
export async function launch(program: Program): Promise<number> {
  const { command, args, folder, env, uid, gid } = program
  const log = openSync(join(folder, 'log'), 'a')
  const who = uid === undefined || gid === undefined ? {} : { uid, gid }
  const options = { cwd: folder, detached: true, env: { ...process.env, ...env }, ...who } as const
  const child: ChildProcess = spawn(command, args, { ...options, stdio: ['ignore', log, log] })
  const output = () => readFileSync(join(folder, 'log'), 'utf8').slice(-4_000)
  child.on('error', () => {})
  child.unref()
  const answers = async () => {
    if (child.pid === undefined || child.exitCode !== null) return true
    return program.answers().catch(() => false)
  }
  const withinMs = program.withinMs ?? 60_000
  await eventually(answers, { what: `${command} answers`, withinMs, everyMs: 50, detail: output })
  if (child.pid === undefined || child.exitCode !== null) throw new Error(`${command} ended at once:\n${output()}`)
  return child.pid
}

/** As many free ports as wanted; the same ones whenever `folder` is the same. */
export async function portsOf(folder: string, count: number): Promise<readonly number[]> {
  const file = join(folder, 'ports.json')
  if (!existsSync(file)) {
    const ports = await Promise.all(Array.from({ length: count }, freePort))
    writeFileSync(file, JSON.stringify(ports))
  }
  return JSON.parse(readFileSync(file, 'utf8')) as readonly number[]
}

/** Resolves with the server of the run, which the first that asks has started. */
async function shared(kind: ServerKind): Promise<Running> {
  const given = process.env[kind.variable]
  if (given) return { address: given }
  const home = process.env['HEADGATE_SERVERS']
  if (!home) throw new Error('tests on servers run in the project "servers" alone')
  const note = join(home, `${kind.name}.json`)
  if (existsSync(note)) return JSON.parse(readFileSync(note, 'utf8')) as Running
  await kind.obtain()
  const folder = join(home, kind.name)
  mkdirSync(folder, { recursive: true, mode: 0o755 })
  const running = await kind.start(folder)
  writeFileSync(note, JSON.stringify(running))
  return running
}

/** Ends a server with all the processes it has begun. */
async function end({ pid }: Running, signal: NodeJS.Signals): Promise<void> {
  if (pid === undefined) return
  if (!signalled(pid, signal)) return
  try {
    await eventually(() => !signalled(pid, 0), { what: `process ${pid} has ended`, withinMs: 15_000 })
  } catch {
    signalled(pid, 'SIGKILL')
    await eventually(() => !signalled(pid, 0), { what: `process ${pid} has ended` })
  }
}

/** Whether the process group was there to take the signal. */
function signalled(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(-pid, signal)
  } catch {
    return false
  }
}
