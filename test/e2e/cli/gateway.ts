/** Runs the command line as a user would: one command to its end, or a gateway until the test is over. */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { freePort } from '../../services/ports.ts'

export const repository = new URL('../../..', import.meta.url).pathname
const main = join(repository, 'src/main.ts')

export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly out: string
  readonly err: string
}

export interface Typed {
  /** What standard input holds. */
  readonly input?: string
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
}

/** Resolves to what a command wrote and how it ended. */
export async function headgate(args: readonly string[], typed: Typed = {}): Promise<Ended> {
  const child = start(args, typed)
  child.stdin?.end(typed.input ?? '')
  const timer = setTimeout(() => child.kill('SIGKILL'), LONGEST_MS)
  return ended(child).finally(() => clearTimeout(timer))
}

/** A command that takes longer hangs; what it said is in the failure then. */
const LONGEST_MS = 60_000

/** Starts a command; its environment holds nothing that changes what headgate does. */
export function start(args: readonly string[], { env, cwd = repository }: Typed = {}): ChildProcess {
  const clean = Object.entries(process.env).filter(([name]) => !/^(HEADGATE_|NO_COLOR|FORCE_COLOR|NODE_)/.test(name))
  return spawn(process.execPath, [main, ...args], { cwd, env: { ...Object.fromEntries(clean), ...env } })
}

/** Resolves once a command has ended and said everything. */
export async function ended(child: ChildProcess): Promise<Ended> {
  const out: Buffer[] = []
  const err: Buffer[] = []
  child.stdout?.on('data', (chunk) => out.push(chunk))
  child.stderr?.on('data', (chunk) => err.push(chunk))
  const [code, signal] = await once(child, 'close')
  return { code, signal, out: Buffer.concat(out).toString(), err: Buffer.concat(err).toString() }
}

/** Resolves once `condition` holds; rejects, naming it, when it does not within `ms`. */
export async function until(what: string, ms: number, condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + ms
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`not within ${ms} ms: ${what}`)
    await pause(50)
  }
}

export interface Scratch {
  readonly path: string
  /** Writes a file in it; returns its path. */
  file(name: string, text: string): string
  /** A folder in it that nothing has been in: each try of a test has its own. */
  fresh(name: string): string
  remove(): void
}

/** A folder for the tests of one file, gone with `remove`. */
export function scratch(): Scratch {
  const path = mkdtempSync(join(tmpdir(), 'headgate-cli-'))
  return {
    path,
    file: (name, text) => {
      writeFileSync(join(path, name), text)
      return join(path, name)
    },
    fresh: (name) => mkdtempSync(join(path, `${name}-`)),
    remove: () => rmSync(path, { recursive: true, force: true }),
  }
}

/** It is ended with its scope, if it has not been before. */
export interface Gateway extends AsyncDisposable {
  readonly child: ChildProcess
  readonly ended: Promise<Ended>
  /** Everything it has said for people so far. */
  said(): string
  /** Flags by which a command finds it. */
  readonly http: readonly string[]
  readonly admin: readonly string[]
  readonly mqttPort: number
}

/** Resolves once a gateway runs a configuration on ports of its own; rejects with what it said when it ends instead. */
export async function runGateway(
  config: string,
  data: string,
  env: Readonly<Record<string, string>> = {},
): Promise<Gateway> {
  const [mqtt, http, admin] = await Promise.all([freePort(), freePort(), freePort()])
  const at = (port: number): string => `127.0.0.1:${port}`
  const flags = ['--mqtt', `tcp://${at(mqtt)}`, '--http', at(http), '--admin', at(admin), '--data', data]
  const child = start(['run', config, ...flags], { env })
  let said = ''
  child.stderr?.on('data', (chunk) => {
    said += chunk
  })
  const end = ended(child)
  await until('the gateway says that it runs', 60_000, () => {
    if (child.exitCode !== null) throw new Error(`ended with ${child.exitCode}: ${said}`)
    return said.includes(' runs ')
  })
  return {
    child,
    ended: end,
    said: () => said,
    http: ['--http', at(http)],
    admin: ['--admin', at(admin)],
    mqttPort: mqtt,
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL')
      await end
    },
  }
}
