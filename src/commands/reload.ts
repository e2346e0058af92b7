/** Reloads the configuration of a gateway that runs: on SIGHUP, and when one of its files changes. */

import { unwatchFile, watchFile } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import type { Config } from '../config/index.ts'
import { ConfigError, formatProblem } from '../config/problem.ts'
import type { Log } from '../connector/connector.ts'
import { counted } from './terminal.ts'

/** The part of a gateway that this drives. */
export interface Reloadable {
  readonly config: Config
  readonly log: Log
  reload(load: () => Promise<Config>): Promise<{ readonly generation: number; readonly later: readonly string[] }>
}

/** How often files are looked at. Their state is asked for, since a folder that Kubernetes swaps sends no events. */
const LOOK_MS = 1_000
/** Editors write in several steps. */
const SETTLE_MS = 200

export class Reloader {
  readonly #gateway: Reloadable
  readonly #path: string
  readonly #load: () => Promise<Config>
  readonly #functions: string | undefined
  readonly #watched = new Set<string>()
  readonly #changed = (): void => this.#soon('a file has changed')
  /** What each file was when it was loaded last. */
  #loaded: ReadonlyMap<string, string> = new Map()
  #reloading: Promise<void> = Promise.resolve()
  #timer: NodeJS.Timeout | undefined
  #closed = false

  /**
   * `load` reads and checks the configuration at `path`; `functions` is the folder in which it finds functions. Nothing
   * happens before `watch`, or a `reload`.
   */
  constructor(gateway: Reloadable, path: string, load: () => Promise<Config>, functions?: string) {
    this.#gateway = gateway
    this.#path = path
    this.#load = load
    this.#functions = functions
  }

  /** Looks at the files of the configuration, those whose contents stand in it, and its functions, from now on. */
  async watch(): Promise<void> {
    const names = await readdir(this.#path).catch(() => [])
    const parts = names.filter((name) => /\.ya?ml$/.test(name)).map((name) => join(this.#path, name))
    const { files, functions } = this.#gateway.config
    const wasm = functions.map((spec) => spec.wasm)
    const wanted = new Set([this.#path, ...parts, ...files, ...wasm, ...this.#folders(wasm)])
    for (const file of this.#watched.difference(wanted)) unwatchFile(file, this.#changed)
    for (const file of this.#closed ? [] : wanted.difference(this.#watched))
      watchFile(file, { interval: LOOK_MS, persistent: false }, this.#changed)
    this.#watched.clear()
    for (const file of wanted) this.#watched.add(file)
  }

  /** Reloads now; `why` goes to the log, and what came of it. Never rejects. */
  reload(why: string): Promise<void> {
    clearTimeout(this.#timer)
    this.#reloading = this.#reloading.then(() => this.#reload(why))
    return this.#reloading
  }

  async #reload(why: string): Promise<void> {
    const { log } = this.#gateway
    const before = await this.#look()
    try {
      const { generation, later } = await this.#gateway.reload(this.#load)
      log.info({ generation, why }, `config: reloaded: generation ${generation} runs`)
      if (later.length > 0) log.warn({ generation, later }, `config: reloading: ${toldLater(later)}`)
    } catch (error) {
      const problems = error instanceof ConfigError ? error.problems.map(formatProblem) : undefined
      const what = problems
        ? `${counted(problems.length, 'mistake')} in it`
        : error instanceof Error
          ? error.message
          : String(error)
      log.error(
        { why, ...(problems && { problems }) },
        `config: reloading "${this.#path}": nothing has changed: ${what}`,
      )
    }
    if (this.#watched.size === 0) return
    await this.watch()
    // A file that has changed since it was read is still another one.
    this.#loaded = new Map([...(await this.#look()), ...before])
  }

  /** Looks at no file any more. */
  close(): void {
    this.#closed = true
    clearTimeout(this.#timer)
    for (const file of this.#watched) unwatchFile(file, this.#changed)
  }

  /** Where another version may be put: the folder of functions, and those in it that hold one. */
  #folders(wasm: readonly string[]): readonly string[] {
    if (this.#functions === undefined) return []
    const own = resolve(this.#functions)
    return [own, ...wasm.map(dirname).filter((folder) => dirname(folder) === own)]
  }

  #soon(why: string): void {
    clearTimeout(this.#timer)
    if (!this.#closed) this.#timer = setTimeout(() => void this.#reloadChanged(why), SETTLE_MS)
  }

  /** What a SIGHUP has loaded, in the second before the change was seen, is not loaded again, nor its mistakes told. */
  async #reloadChanged(why: string): Promise<void> {
    await this.#reloading
    const now = await this.#look()
    if (!this.#closed && [...now].some(([file, state]) => this.#loaded.get(file) !== state)) await this.reload(why)
  }

  /** What the watched files are at the moment. */
  async #look(): Promise<ReadonlyMap<string, string>> {
    const state = (file: string) => stat(file).then(({ ino, mtimeMs, size }) => `${ino} ${size} ${mtimeMs}`)
    const looked = [...this.#watched].map(async (file) => [file, await state(file).catch(() => 'none')] as const)
    return new Map(await Promise.all(looked))
  }
}

const toldLater = (sections: readonly string[]): string =>
  `${sections.map((section) => `"${section}"`).join(', ')} ${sections.length > 1 ? 'have' : 'has'} changed, and takes effect at the next start`
