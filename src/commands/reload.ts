/** Reloads the configuration of a gateway that runs: on SIGHUP, and when one of its files changes. */

import type { Config } from '../config/index.ts'
import { ConfigError, formatProblem } from '../config/problem.ts'
import { hasChanged, look, type Seen } from '../config/seen.ts'
import type { Log } from '../connector/connector.ts'
import { counted } from './terminal.ts'

/** The part of a gateway that this drives. */
export interface Reloadable {
  readonly log: Log
  reload(load: () => Promise<Config>): Promise<{ readonly generation: number; readonly later: readonly string[] }>
}

/**
 * How often files are looked at. Their state is asked for, since a folder that Kubernetes swaps sends no events; and it
 * is held against what they were when they were read, not against the last look: there is no instant at which a change
 * goes by unseen, be it before the first look or while a reload goes on.
 */
const LOOK_MS = 1_000
/** Editors write in several steps. */
const SETTLE_MS = 200

export class Reloader {
  readonly #gateway: Reloadable
  readonly #path: string
  readonly #load: (seen: Seen) => Promise<Config>
  /** What the files were that the last load read, and it may have been refused. */
  #seen: ReadonlyMap<string, string> = new Map()
  #last: Promise<void> = Promise.resolve()
  #timer: NodeJS.Timeout | undefined
  #closed = false

  /**
   * `load` reads and checks the configuration at `path`, and notes in `seen` what each file was just before it was read.
   * Nothing happens before `watch`, or a `reload`.
   */
  constructor(gateway: Reloadable, path: string, load: (seen: Seen) => Promise<Config>) {
    this.#gateway = gateway
    this.#path = path
    this.#load = load
  }

  /** Looks at the files that a load has seen, then at those of each load after it, from now on. */
  watch(seen: Seen): void {
    this.#seen = seen
    this.#lookIn(LOOK_MS)
  }

  /** Reloads now, or after the one that goes on; `why` goes to the log, and what came of it. Never rejects. */
  reload(why: string): Promise<void> {
    return this.#then(() => this.#reload(why))
  }

  /** Looks at no file any more. */
  close(): void {
    this.#closed = true
    clearTimeout(this.#timer)
  }

  #then(work: () => Promise<void>): Promise<void> {
    this.#last = this.#last.then(work)
    return this.#last
  }

  async #reload(why: string): Promise<void> {
    const { log } = this.#gateway
    const before = await look(this.#seen.keys())
    const seen: Seen = new Map()
    try {
      const { generation, later } = await this.#gateway.reload(() => this.#load(seen))
      this.#seen = seen
      log.info({ generation, why }, `config: reloaded: generation ${generation} runs`)
      if (later.length > 0) log.warn({ generation, later }, `config: reloading: ${toldLater(later)}`)
    } catch (error) {
      // One that ended early has not come to every file of the one that runs.
      this.#seen = new Map([...before, ...seen])
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
  }

  #lookIn(ms: number, settled = false): void {
    if (!this.#closed) this.#timer = setTimeout(() => void this.#look(settled), ms).unref()
  }

  /** What a SIGHUP has loaded, before the change was seen, is not loaded again, nor its mistakes told. */
  async #look(settled: boolean): Promise<void> {
    let changed = false
    await this.#then(async () => {
      changed = await hasChanged(this.#seen)
      if (changed && settled && !this.#closed) await this.#reload('a file has changed')
    })
    if (changed && !settled) this.#lookIn(SETTLE_MS, true)
    else this.#lookIn(LOOK_MS)
  }
}

const toldLater = (sections: readonly string[]): string =>
  `${sections.map((section) => `"${section}"`).join(', ')} ${sections.length > 1 ? 'have' : 'has'} changed, and takes effect at the next start`
