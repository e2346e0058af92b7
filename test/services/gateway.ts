/** Starts a real gateway as a child process, as a user would, and ends it in every way there is. */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { eventually } from './eventually.ts'
import { freePort } from './ports.ts'

export const ROOT = resolve(import.meta.dirname, '../..')

export interface GatewayProcess {
  readonly folder: string
  readonly mqtt: number
  readonly ws: number
  readonly http: number
  readonly admin: number
  readonly pid: number
  /** All that it printed so far. */
  output(): string
  /** Starts it again on the same data and ports; resolves once it is ready. */
  restart(): Promise<void>
  /** Ends it at once, as a power cut of the process would. */
  kill(): Promise<void>
  /** Sends SIGTERM; resolves with the exit code and how long it took. */
  terminate(): Promise<{ readonly code: number | null; readonly tookMs: number }>
  /** Resolves with the exit code when it ends by itself. */
  exited(): Promise<number | null>
  /** Ends it and removes its data. */
  [Symbol.asyncDispose](): Promise<void>
}

export interface GatewayOptions {
  /** The YAML below the sections that listen: functions, routes, sources. `FUNCTIONS` stands for the folder of the functions. */
  readonly config: string
  /** More options of the sections that listen, as in a flow mapping: `limits: { connect_timeout: 2s }`. */
  readonly broker?: string
  readonly http?: string
  /** Replaces the folder of the data, such as a tmpfs. */
  readonly data?: string
  /** A command to run the gateway under, such as strace. */
  readonly under?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** Resolve as soon as it has been spawned. */
  readonly unready?: boolean
}

/** Resolves once the gateway is ready; rejects with its output when it ends before that. */
export async function startGateway(options: GatewayOptions): Promise<GatewayProcess> {
  const folder = mkdtempSync(join(tmpdir(), 'headgate-'))
  const data = options.data ?? join(folder, 'var')
  mkdirSync(data, { recursive: true })
  const [mqtt, ws, http, admin] = await Promise.all([freePort(), freePort(), freePort(), freePort()])
  const file = join(folder, 'headgate.yaml')
  writeFileSync(file, yaml(options, { mqtt, ws, http, admin, data }))
  let output = ''
  let child: ChildProcess
  const start = async () => {
    const [command = '', ...args] = [...(options.under ?? []), process.execPath, join(ROOT, 'src/main.ts'), 'run', file]
    child = spawn(command, args, {
      cwd: folder,
      env: { ...process.env, ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    child.stdout?.on('data', (text) => (output += text))
    child.stderr?.on('data', (text) => (output += text))
    if (options.unready) return
    await eventually(() => isReady(admin, child, () => output), {
      what: 'the gateway is ready',
      withinMs: 60_000,
      everyMs: 25,
      detail: () => output,
    })
  }
  const end = async (signal: NodeJS.Signals) => {
    const begun = performance.now()
    if (child.exitCode === null && child.signalCode === null) {
      child.kill(signal)
      await once(child, 'exit')
    }
    return { code: child.exitCode, tookMs: performance.now() - begun }
  }
  await start()
  return {
    folder,
    mqtt,
    ws,
    http,
    admin,
    get pid() {
      return child.pid ?? 0
    },
    output: () => output,
    restart: start,
    kill: async () => void (await end('SIGKILL')),
    terminate: () => end('SIGTERM'),
    exited: async () => {
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
      return child.exitCode
    },
    [Symbol.asyncDispose]: async () => {
      await end('SIGKILL')
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

async function isReady(admin: number, child: ChildProcess, output: () => string): Promise<boolean> {
  if (child.exitCode !== null) throw new Error(`the gateway ended with ${child.exitCode}:\n${output()}`)
  const response = await fetch(`http://127.0.0.1:${admin}/ready`).catch(() => undefined)
  return response?.status === 200
}

const yaml = (
  { config, broker, http }: GatewayOptions,
  at: { mqtt: number; ws: number; http: number; admin: number; data: string },
): string => `
name: test
broker: { listen: ["tcp://127.0.0.1:${at.mqtt}", "ws://127.0.0.1:${at.ws}"], path: ${at.data}/broker${more(broker)} }
http: { listen: "127.0.0.1:${at.http}"${more(http)} }
admin: { listen: "127.0.0.1:${at.admin}" }
${/^journal:/m.test(config) ? '' : `journal: { path: ${at.data}/journal }`}
${config.replaceAll('FUNCTIONS', join(ROOT, 'functions')).replaceAll(/\bDATA\b/g, at.data)}
`

const more = (options: string | undefined): string => (options === undefined ? '' : `, ${options}`)
