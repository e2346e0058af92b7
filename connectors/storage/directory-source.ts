/** Tells of the files of a directory: each once it is complete, and once it is gone, also of what happened meanwhile. */

import { access, constants, readFile, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type CloudEvent, type Context, type Emit, GatewayError, type Source } from '#connector'
import type { StorageConfig } from './config.ts'
import { Handover } from './handover.ts'
import { readLedger, writeLedger } from './ledger.ts'
import { type Change, fileChange, isNamed, withData } from './normalize.ts'
import { type Found, isGone, Tree } from './tree.ts'

/** The cursor is written at most so often. */
const SAVE_MS = 1_000

/** A file that is still being looked at. */
interface Unsettled {
  readonly stamp: string
  readonly since: number
}

export class DirectorySource implements Source {
  readonly #config: StorageConfig
  readonly #context: Context
  readonly #root: string
  readonly #owner: string
  readonly #ending = new AbortController()
  readonly #tree: Tree
  /** What was told of, by path. */
  #told = new Map<string, string>()
  readonly #unsettled = new Map<string, Unsettled>()
  /** Paths to look at. */
  readonly #dirty = new Set<string>()
  readonly #stamps = new WeakMap<Change, string>()
  /** Paths of which something is on its way: nothing else is told of them before. */
  readonly #busy = new Set<string>()
  /** Paths that were another thing when they were looked at while something of them was on its way. */
  readonly #again = new Set<string>()
  readonly #working = new Set<Promise<unknown>>()
  #wake = Promise.withResolvers<void>()
  #unsaved = false
  #troubled = false
  #handover: Handover | undefined
  /** Device and inode of the directory. */
  #rootSeen = ''

  constructor(config: StorageConfig, directory: string, context: Context) {
    this.#config = config
    this.#context = context
    this.#root = resolve(directory)
    this.#owner = `${context.name} (storage)`
    this.#tree = new Tree({
      root: this.#root,
      hidden: config.hidden,
      changed: (path) => this.#look(path),
      troubled: (error) => this.#trouble(error),
    })
  }

  /** Rejects with SOURCE_UNAVAILABLE that names the directory when it is not there or may not be read. */
  async start(emit: Emit): Promise<void> {
    await this.#check()
    this.#handover = new Handover({
      owner: this.#owner,
      context: this.#context,
      emit,
      event: (change) => this.#event(change),
      ended: (change, accepted) => this.#ended(change, accepted),
    })
    this.#told = await readLedger(await this.#context.cursor.get())
    for (const work of [this.#run(), this.#save()]) this.#work(work)
  }

  async stop(): Promise<void> {
    this.#ending.abort()
    this.#wake.resolve()
    this.#tree.close()
    await Promise.all([this.#handover?.stop(), ...this.#working])
    await this.#saveNow()
    this.#context.meter.ended()
  }

  #work(work: Promise<unknown>): void {
    this.#working.add(work)
    void work.finally(() => this.#working.delete(work))
  }

  async #check(): Promise<void> {
    const doing = `${this.#owner}: opening directory "${this.#config.directory}"`
    try {
      const stats = await stat(this.#root)
      if (!stats.isDirectory()) throw new GatewayError('SOURCE_UNAVAILABLE', `${doing}: it is no directory`)
      await access(this.#root, constants.R_OK | constants.X_OK)
    } catch (thrown) {
      if (thrown instanceof GatewayError) throw thrown
      const why = isGone(thrown) ? 'it is not there; make it first' : 'this user may not read it'
      throw new GatewayError('SOURCE_UNAVAILABLE', `${doing}: ${why}`)
    }
  }

  #look(path: string): void {
    this.#dirty.add(path)
    this.#wake.resolve()
  }

  async #run(): Promise<void> {
    const { signal } = this.#ending
    const { rescan, stable } = this.#config
    let next = 0
    while (!signal.aborted) {
      try {
        if (await this.#isAnother()) next = 0
        if (performance.now() >= next) {
          await this.#walkAll()
          next = performance.now() + rescan
        }
        await this.#lookAgain()
      } catch (error) {
        this.#trouble(error)
        // What was to be looked at is found by looking at everything.
        next = 0
        await sleep(SAVE_MS, undefined, { signal }).catch(() => {})
      }
      // What is not complete is looked at twice in the time that it has to stay the same.
      const idle = this.#unsettled.size > 0 ? Math.max(20, stable / 2) : Math.max(0, next - performance.now())
      await this.#woken(Math.min(idle, next - performance.now()))
    }
  }

  /**
   * Resolves with whether the directory is another one than before, such as one that was mounted. Rejects when there is
   * none: a mount that is gone takes no file with it.
   */
  async #isAnother(): Promise<boolean> {
    const { dev, ino } = await stat(this.#root)
    const before = this.#rootSeen
    this.#rootSeen = `${dev} ${ino}`
    if (before === '' || before === this.#rootSeen) return false
    this.#tree.reset()
    return true
  }

  /** Resolves when there is something to look at, and after so long at the latest. */
  async #woken(ms: number): Promise<void> {
    const timer = setTimeout(() => this.#wake.resolve(), Math.max(0, ms))
    await this.#wake.promise
    clearTimeout(timer)
    if (!this.#ending.signal.aborted) this.#wake = Promise.withResolvers()
  }

  async #walkAll(): Promise<void> {
    const seen = new Set<string>()
    await this.#tree.walk('', (path, found) => {
      seen.add(path)
      this.#seen(path, found)
    })
    if (this.#ending.signal.aborted) return
    for (const path of this.#told.keys()) if (!seen.has(path)) this.#look(path)
    this.#stands()
  }

  async #lookAgain(): Promise<void> {
    const paths = new Set([...this.#dirty, ...this.#unsettled.keys()])
    this.#dirty.clear()
    for (const path of paths) {
      if (this.#ending.signal.aborted) return
      const found = await this.#tree.look(path)
      // Gone with the whole directory is not gone.
      if (found === undefined && this.#told.has(path)) await stat(this.#root)
      if (found === 'directory') await this.#tree.walk(path, (below, file) => this.#seen(below, file))
      else this.#seen(path, found)
      // It may have been a directory, and the files below it are told of one by one.
      if (found === undefined) this.#goneBelow(path)
    }
    this.#stands()
  }

  #goneBelow(path: string): void {
    this.#tree.forget(path)
    if (this.#told.has(path)) return
    for (const told of this.#told.keys()) if (told.startsWith(`${path}/`)) this.#look(told)
  }

  #seen(path: string, found: Found): void {
    if (found === 'directory' || !isNamed(path, this.#config)) return
    const stamp = found?.stamp
    if (stamp === this.#told.get(path)) return void this.#unsettled.delete(path)
    if (this.#busy.has(path)) return void this.#again.add(path)
    if (found === undefined) {
      this.#unsettled.delete(path)
      this.#gone(path)
      return
    }
    const before = this.#unsettled.get(path)
    const now = Date.now()
    const since = before?.stamp === found.stamp ? before.since : now
    // A file that was moved here was last changed long ago.
    const quietFor = Math.max(now - since, Math.min(now - found.mtimeMs, this.#config.stable))
    if (quietFor < this.#config.stable) return void this.#unsettled.set(path, { stamp: found.stamp, since })
    this.#unsettled.delete(path)
    this.#tell('created', path, found.stamp)
  }

  #gone(path: string): void {
    const stamp = this.#told.get(path)
    if (stamp !== undefined) this.#tell('deleted', path, stamp)
  }

  #tell(kind: 'created' | 'deleted', path: string, stamp: string): void {
    const change = fileChange(kind, { path, stamp }, this.#context.name, this.#root)
    this.#stamps.set(change, stamp)
    if (!this.#config.events.includes(kind)) {
      this.#done(change)
      return
    }
    this.#busy.add(path)
    this.#handover?.add(change)
  }

  #ended(change: Change, accepted: boolean): void {
    this.#busy.delete(change.key)
    if (accepted) this.#done(change)
    if (this.#again.delete(change.key) || !accepted) this.#look(change.key)
  }

  /** Undefined when the file has gone, or is another one, before it could be read. */
  async #event(change: Change): Promise<CloudEvent | undefined> {
    const { fetch, fetch_limit } = this.#config
    const stamp = this.#stamps.get(change)
    const length = Number(stamp?.split('-')[2])
    if (!fetch || change.kind === 'deleted' || length > fetch_limit) return change.event
    try {
      const data = await readFile(join(this.#root, change.key))
      const after = await this.#tree.look(change.key)
      return typeof after === 'object' && after.stamp === stamp ? withData(change, data) : undefined
    } catch (error) {
      if (isGone(error)) return undefined
      throw error
    }
  }

  #done(change: Change): void {
    if (change.kind === 'deleted') this.#told.delete(change.key)
    else this.#told.set(change.key, this.#stamps.get(change) ?? '')
    this.#unsaved = true
  }

  async #save(): Promise<void> {
    const { signal } = this.#ending
    while (!signal.aborted) {
      const begun = performance.now()
      await this.#saveNow().catch((error: unknown) => this.#trouble(error))
      // A large one takes its time: no more than a tenth of it.
      const pause = Math.max(SAVE_MS, 10 * (performance.now() - begun))
      await sleep(pause, undefined, { signal }).catch(() => {})
    }
  }

  async #saveNow(): Promise<void> {
    if (!this.#unsaved) return
    this.#unsaved = false
    try {
      await this.#context.cursor.set(await writeLedger(this.#told))
    } catch (error) {
      this.#unsaved = true
      throw error
    }
    this.#troubled = false
  }

  #stands(): void {
    this.#context.meter.stands({
      lag: this.#busy.size + this.#unsettled.size,
      inFlight: this.#handover?.active ?? 0,
    })
  }

  /** Told once, until it is over. */
  #trouble(error: unknown): void {
    this.#context.meter.troubled()
    if (this.#troubled || this.#ending.signal.aborted) return
    this.#troubled = true
    const why = error instanceof Error ? error.message : String(error)
    const text = `${this.#owner}: watching directory "${this.#config.directory}": ${why}; looking at all of it every ${this.#config.rescan} ms`
    this.#context.log.warn({ source: this.#context.name }, text)
  }
}
