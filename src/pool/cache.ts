/** Keeps what jco made of a component on disk: transpiling takes 0.1 to 0.6 s and leaves 60 MB behind, reading it 1 ms. */

import { createHash, hash } from 'node:crypto'
import { lstatSync, mkdirSync } from 'node:fs'
import { mkdir, open, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { deserialize, serialize } from 'node:v8'
import { isOwn } from './compiled.ts'
import type { Transpiled } from './component.ts'
import { purge } from './purge.ts'

/** The pinned version of jco, and of what is done to its output: part of every name. */
export const TOOL = 'jco-1.35.0-7'

const HASH = 32

/** What a name ends in that V8 made: no other version of it takes that. */
const V8 = `.v8-${process.versions.v8}-${process.arch}`

/** The folder of what functions were transpiled to, beside the journal: files of ours alone, since they are executed. */
export const cacheBeside = (journal: string): string => join(dirname(resolve(journal)), 'functions')

/** Where transpiled components are kept. */
export interface TranspileStore {
  /** Resolves to undefined when there is none. `component` is the SHA-256, in hexadecimal, of what it was made from. */
  get(component: string): Promise<Transpiled | undefined>
  put(component: string, transpiled: Transpiled): Promise<void>
  /** Where what V8 makes of it may be kept; undefined when nowhere. */
  compiled(component: string): string | undefined
  /**
   * Removes what nobody has used for a month. What `compiled` told of those in use says which they are: they are used
   * now. Resolves when it is through; never rejects.
   */
  purge(used: Iterable<string>): Promise<void>
}

/** A folder of transpiled components, by what they were made from. Its files are run: nobody else may write there. */
export class TranspileCache implements TranspileStore {
  readonly #folder: string

  constructor(folder: string) {
    this.#folder = folder
  }

  /** Resolves to undefined when there is none, or when it is not what was written. */
  async get(component: string): Promise<Transpiled | undefined> {
    const bytes = await readOwn(this.#path(component)).catch(() => undefined)
    const body = bytes?.subarray(HASH)
    if (!bytes || !body || !seal(component, body).equals(bytes.subarray(0, HASH))) return undefined
    return deserialize(body) as Transpiled
  }

  /** Writes it as a whole or not at all. A folder that cannot be written costs time at the next start, and nothing else. */
  async put(component: string, transpiled: Transpiled): Promise<void> {
    const path = this.#path(component)
    const part = `${path}.${process.pid}`
    const body = serialize(transpiled)
    try {
      await mkdir(this.#folder, { recursive: true, mode: 0o700 })
      await writeFile(part, Buffer.concat([seal(component, body), body]), { mode: 0o600 })
      await rename(part, path)
    } catch {
      await rm(part, { force: true }).catch(() => {})
    }
  }

  compiled(component: string): string {
    return `${this.#path(component)}${V8}`
  }

  purge(used: Iterable<string>): Promise<void> {
    const paths = [...used]
    return purge(this.#folder, new Set([...paths, ...paths.map((path) => path.slice(0, -V8.length))]))
  }

  #path(component: string): string {
    return join(this.#folder, `${component.slice(0, 32)}.${TOOL}`)
  }
}

/** The checksum of an entry, which holds for what it was made from alone: that of one component under the name of another is none. */
const seal = (component: string, body: Uint8Array): Buffer =>
  createHash('sha256').update(TOOL).update(component, 'hex').update(body).digest()

/** Rejects for a file that somebody else wrote, or could have written to. */
async function readOwn(path: string): Promise<Buffer> {
  await using file = await open(path)
  if (!isOwn(await file.stat())) throw new Error('others may write to it')
  return file.readFile()
}

/** What this process transpiled without leaving it beside a journal: as little as there are functions. */
const borrowed = new Map<string, Transpiled>()

/**
 * Reads what a gateway keeps in a folder, and leaves nothing there: what that has not is kept for as long as the process
 * lives, and in a `spare` folder, if there is one, for the next.
 */
export class BorrowedCache implements TranspileStore {
  readonly #disk: TranspileStore
  readonly #spare: TranspileStore | undefined

  constructor(folder: string, spare: string | undefined) {
    this.#disk = new TranspileCache(folder)
    this.#spare = spare === undefined ? undefined : new TranspileCache(spare)
  }

  async get(component: string): Promise<Transpiled | undefined> {
    const found = borrowed.get(component) ?? (await this.#disk.get(component)) ?? (await this.#spare?.get(component))
    if (found) borrowed.set(component, found)
    return found
  }

  async put(component: string, transpiled: Transpiled): Promise<void> {
    borrowed.set(component, transpiled)
    await this.#spare?.put(component, transpiled)
  }

  compiled(component: string): string | undefined {
    return this.#spare?.compiled(component)
  }

  async purge(used: Iterable<string>): Promise<void> {
    await this.#spare?.purge(used)
  }
}

/**
 * A folder of this user and this installation among the temporary ones, where Node keeps what it makes of the sources,
 * too. Undefined when it is somebody else's, or when others may write to it: its files are run.
 */
export function spareFolder(): string | undefined {
  const user = process.getuid?.()
  if (user === undefined) return undefined
  const folder = join(tmpdir(), `headgate-functions-${user}`)
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    const found = lstatSync(folder)
    const own = found.uid === user && (found.mode & 0o077) === 0 && found.isDirectory()
    return own ? join(folder, hash('sha256', import.meta.dirname).slice(0, 16)) : undefined
  } catch {
    return undefined
  }
}
