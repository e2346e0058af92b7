/** The files below a directory: found by walking, and by the system's word of what has changed. */

import { type FSWatcher, watch } from 'node:fs'
import { lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'

/** Files looked at in the same moment. */
const TOGETHER = 32

export interface TreeOptions {
  readonly root: string
  readonly hidden: boolean
  /** Hears of each path below the root of which the system says that something happened. */
  readonly changed: (path: string) => void
  /** Hears once of a directory that cannot be watched or read; it is looked at again with the next walk. */
  readonly troubled: (error: unknown) => void
}

/** What is there under a path. */
export type Found =
  | { readonly kind: 'file'; readonly stamp: string; readonly mtimeMs: number }
  | 'directory'
  | undefined

/**
 * One watch for each directory. chokidar watches each file as well, and Node's own recursive watch does: 100,000 files
 * would be as many watches, of which Linux gives a user 8,192 to begin with.
 */
export class Tree {
  readonly #options: TreeOptions
  readonly #watches = new Map<string, FSWatcher>()
  #closed = false

  constructor(options: TreeOptions) {
    this.#options = options
  }

  /** Resolves with what is there now. Links are not followed: they may lead round in a circle. */
  async look(path: string): Promise<Found> {
    try {
      const stats = await lstat(join(this.#options.root, path), { bigint: true })
      if (stats.isDirectory()) return 'directory'
      if (!stats.isFile()) return undefined
      return { kind: 'file', stamp: `${stats.ino}-${stats.mtimeNs}-${stats.size}`, mtimeMs: Number(stats.mtimeMs) }
    } catch (error) {
      if (isGone(error)) return undefined
      throw error
    }
  }

  /** Calls `each` with every file below a path, and watches every directory on the way. */
  async walk(path: string, each: (path: string, found: Found) => void): Promise<void> {
    if (this.#closed) return
    this.#watch(path)
    const entries = await readdir(join(this.#options.root, path), { withFileTypes: true }).catch((error: unknown) => {
      if (!isGone(error)) this.#options.troubled(error)
      return []
    })
    const below = entries.filter(({ name }) => this.#counts(name))
    const files = below.filter((entry) => entry.isFile()).map(({ name }) => joined(path, name))
    for (let from = 0; from < files.length && !this.#closed; from += TOGETHER) {
      const some = files.slice(from, from + TOGETHER)
      const found = await Promise.all(some.map((file) => this.look(file).catch(() => undefined)))
      for (const [at, file] of some.entries()) each(file, found[at])
    }
    for (const { name } of below.filter((entry) => entry.isDirectory())) await this.walk(joined(path, name), each)
  }

  close(): void {
    this.#closed = true
    this.reset()
  }

  /** Watches nothing until the next walk. */
  reset(): void {
    for (const watcher of this.#watches.values()) watcher.close()
    this.#watches.clear()
  }

  #watch(path: string): void {
    if (this.#watches.has(path)) return
    const { changed, root, troubled } = this.#options
    try {
      const watcher = watch(join(root, path), (_, name) => {
        if (name === null) changed(path)
        else if (this.#counts(name)) changed(joined(path, name))
      })
      const end = () => {
        watcher.close()
        this.#watches.delete(path)
      }
      watcher.on('error', (error) => {
        end()
        if (!isGone(error)) troubled(error)
      })
      this.#watches.set(path, watcher)
    } catch (error) {
      if (!isGone(error)) troubled(error)
    }
  }

  /** A directory that is gone may come again under its name, as another one. */
  forget(path: string): void {
    for (const [watched, watcher] of this.#watches)
      if (watched === path || watched.startsWith(`${path}/`)) {
        watcher.close()
        this.#watches.delete(watched)
      }
  }

  #counts(name: string): boolean {
    return this.#options.hidden || !name.startsWith('.')
  }
}

const joined = (path: string, name: string): string => (path === '' ? name : `${path}/${name}`)

export const isGone = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')
