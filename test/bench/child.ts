/** Child processes that are measured: started, waited for, watched through /proc, and ended by their own id. */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** A process that listens. */
export interface Child {
  readonly pid: number
  /** Ends it, by force after five seconds; resolves when it is gone. Safe to call twice. */
  stop(signal?: NodeJS.Signals): Promise<void>
}

/** A port of 127.0.0.1 that nothing listened on a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('freePort: no port was given')
  return address.port
}

/** Resolves once a port of 127.0.0.1 takes a connection; rejects after `withinMs`. */
export async function listening(port: number, withinMs: number, gone?: () => boolean): Promise<void> {
  const deadline = Date.now() + withinMs
  for (;;) {
    const socket = connect(port, '127.0.0.1')
    const open = await new Promise<boolean>((done) => {
      socket.once('connect', () => done(true)).once('error', () => done(false))
    })
    socket.destroy()
    if (open) return
    if (gone?.()) throw new Error(`the process ended before it listened on port ${port}`)
    if (Date.now() > deadline) throw new Error(`nothing listened on port ${port} within ${withinMs} ms`)
    await sleep(20)
  }
}

function ended(process: ChildProcess): boolean {
  return process.exitCode !== null || process.signalCode !== null
}

async function stop(process: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (ended(process)) return
  const exit = once(process, 'exit')
  process.kill(signal)
  const force = setTimeout(() => process.kill('SIGKILL'), 5_000)
  await exit
  clearTimeout(force)
}

const running = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})
// Leaving by `exit` ends the children and removes the folders that are still there.
process.once('SIGINT', () => process.exit(130)).once('SIGTERM', () => process.exit(143))

export interface StartOptions {
  readonly ports: readonly number[]
  readonly cwd?: string
  readonly env?: NodeJS.ProcessEnv
  readonly withinMs?: number
}

/** Starts a program and resolves once it listens on all its ports; rejects with what it wrote when it does not. */
export async function start(command: string, args: readonly string[], options: StartOptions): Promise<Child> {
  const env = { ...process.env, NODE_ENV: 'production', ...options.env }
  const child = spawn(command, args, { cwd: options.cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
  running.add(child)
  let said = ''
  const hear = (bytes: Buffer): void => {
    said = (said + bytes.toString()).slice(-4_000)
  }
  child.stdout.on('data', hear)
  child.stderr.on('data', hear)
  child.once('exit', () => running.delete(child))
  child.once('error', (error) => hear(Buffer.from(String(error))))
  try {
    for (const port of options.ports) await listening(port, options.withinMs ?? 60_000, () => ended(child))
  } catch (cause) {
    await stop(child, 'SIGKILL')
    throw new Error(`starting ${command} ${args.join(' ')}: ${said.trim() || String(cause)}`, { cause })
  }
  return { pid: child.pid ?? 0, stop: (signal = 'SIGTERM') => stop(child, signal) }
}

/** Resident memory in bytes. */
export const rss = (pids: readonly number[]): number => memory(pids, 'VmRSS')

/** That of it which no file stands behind: pages of LMDB's files are the system's, and as many as there is room for. */
export const ownRss = (pids: readonly number[]): number => memory(pids, 'RssAnon')

function memory(pids: readonly number[], name: 'VmRSS' | 'RssAnon'): number {
  return pids.reduce((sum, pid) => {
    const kib = new RegExp(`${name}:\\s+(\\d+) kB`).exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
    return sum + Number(kib ?? 0) * 1024
  }, 0)
}

/** Processor time used so far, in ms. The kernel counts in ticks of 10 ms. */
export function cpuMs(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return sum + (Number(fields[11]) + Number(fields[12])) * 10
  }, 0)
}

/** Waits until processes rest (under 5 % of a core for 0.2 s), so that one subject's backlog is not another's load. */
export async function atRest(pids: readonly number[], withinMs = 30_000): Promise<void> {
  const deadline = Date.now() + withinMs
  while (Date.now() < deadline) {
    const before = cpuMs(pids)
    await sleep(200)
    if (cpuMs(pids) - before <= 10) return
  }
}
