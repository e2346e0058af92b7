/** A newcomer's machine: a copy of the repository, a shell, ports that are free, and programs that know them. */

import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { eventually } from '../../services/eventually.ts'
import { ROOT } from '../../services/gateway.ts'
import { freePort } from '../../services/ports.ts'

export interface Said {
  readonly code: number | null
  readonly output: string
}

interface Window {
  readonly script: string
  readonly child: ChildProcess
  output: string
}

/** What goes on until Ctrl-C: it gets a terminal of its own. */
const LASTING = /^(npm ci && )?npm start$|^npx headgate (run|tail)\b/
const GATEWAY = /npm start|headgate(\.js)? run/

export class Machine implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'headgate-readme-'))
  readonly repository = join(this.folder, 'headgate')
  #env: Readonly<Record<string, string>> = {}
  #http = 0
  #admin = 0
  readonly #windows: Window[] = []

  /** Copies the files that git knows or would take, and moves the ports by the settings of each program. */
  static async open(): Promise<Machine> {
    const machine = new Machine()
    const files = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '-z'], { cwd: ROOT, encoding: 'utf8' })
    for (const file of new Set(files.split('\0').filter((name) => name !== ''))) {
      mkdirSync(dirname(join(machine.repository, file)), { recursive: true })
      cpSync(join(ROOT, file), join(machine.repository, file))
    }
    await machine.#movePorts()
    return machine
  }

  async #movePorts(): Promise<void> {
    const [mqtt, ws, http, admin] = await Promise.all([freePort(), freePort(), freePort(), freePort()])
    this.#http = http
    this.#admin = admin
    const at = '127.0.0.1'
    const moved = [`${at}:8080:${at}:${http}`, `${at}:9090:${at}:${admin}`].map((to) => `connect-to = "${to}"\n`)
    writeFileSync(join(this.folder, '.curlrc'), `silent\n${moved.join('')}`)
    for (const client of ['pub', 'sub', 'rr']) writeFileSync(join(this.folder, `mosquitto_${client}`), `-p ${mqtt}\n`)
    this.#env = {
      ...outside(),
      CURL_HOME: this.folder,
      XDG_CONFIG_HOME: this.folder,
      HEADGATE_MQTT: `tcp://${at}:${mqtt},ws://${at}:${ws}`,
      HEADGATE_HTTP: `${at}:${http}`,
      HEADGATE_ADMIN: `${at}:${admin}`,
    }
  }

  /** Whether a script is one that goes on until Ctrl-C. */
  lasts(script: string): boolean {
    return LASTING.test(script)
  }

  /** Types a script; resolves with all that it wrote when it is done. A gateway that it starts takes the place of the one that runs. */
  async run(script: string): Promise<Said> {
    if (GATEWAY.test(script)) await this.#stopGateway()
    const window = this.#type(script)
    const [code] = await once(window.child, 'close')
    return { code, output: window.output }
  }

  /** Types a script that goes on, in a terminal of its own; resolves once it is at work. */
  async leave(script: string): Promise<void> {
    if (GATEWAY.test(script)) await this.#stopGateway()
    const window = this.#type(script)
    this.#windows.push(window)
    const check = GATEWAY.test(script) ? () => this.#ready() : () => this.#heard(window)
    await eventually(
      () => {
        if (window.child.exitCode !== null) throw new Error(`"${script}" ended:\n${window.output}`)
        return check()
      },
      { what: `"${script}" is at work`, withinMs: 240_000, everyMs: 200, detail: () => window.output },
    )
  }

  /** What stands in the terminal of a script that goes on. */
  output(script: string): string {
    return this.#windows.findLast((window) => window.script === script)?.output ?? ''
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const window of this.#windows.splice(0)) await interrupt(window.child)
    rmSync(this.folder, { recursive: true, force: true })
  }

  /** In a process group of its own, which Ctrl-C reaches as a whole. */
  #type(script: string): Window {
    const child = spawn('bash', ['-c', script], {
      cwd: this.repository,
      env: this.#env,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    })
    const window: Window = { script, child, output: '' }
    const hear = (text: Buffer): void => {
      window.output += text
    }
    child.stdout.on('data', hear)
    child.stderr.on('data', hear)
    return window
  }

  async #ready(): Promise<boolean> {
    const response = await fetch(`http://127.0.0.1:${this.#admin}/ready`).catch(() => undefined)
    return response?.status === 200
  }

  /** `tail` says nothing until something happens: so something does. */
  async #heard(window: Window): Promise<boolean> {
    const event = JSON.stringify({ specversion: '1.0', id: `${Math.random()}`, source: '/test', type: 'test.poke' })
    const headers = { 'content-type': 'application/cloudevents+json' }
    await fetch(`http://127.0.0.1:${this.#http}/events`, { method: 'POST', headers, body: event })
    return window.output.includes('test.poke')
  }

  async #stopGateway(): Promise<void> {
    for (const window of this.#windows.filter(({ script }) => GATEWAY.test(script))) {
      await interrupt(window.child)
      this.#windows.splice(this.#windows.indexOf(window), 1)
    }
  }
}

async function interrupt(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  const closed = once(child, 'close')
  process.kill(-child.pid, 'SIGINT')
  const timer = setTimeout(() => child.pid !== undefined && process.kill(-child.pid, 'SIGKILL'), 15_000)
  await closed
  clearTimeout(timer)
}

/** This process's environment without what npm, vitest and Headgate put there, and without the Node of this repository. */
function outside(): Record<string, string> {
  const ours = /^(HEADGATE_|VITEST|NODE_(?!EXTRA_CA)|npm_(?!config_)|npm_config_local_prefix|INIT_CWD|FORCE_COLOR)/
  const entries = Object.entries(process.env).filter(([name]) => !ours.test(name))
  const path = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => !folder.includes('node_modules'))
  return { ...Object.fromEntries(entries.map(([name, value]) => [name, value ?? ''])), PATH: path.join(delimiter) }
}
