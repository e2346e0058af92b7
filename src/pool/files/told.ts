/** Folders and files of which it is noted what they told a guest: a replay is told the same, and touches none of them. */

import type { BigIntStats } from 'node:fs'
import { constants } from 'node:fs'
import { posix } from 'node:path'
import type { Wanted } from '../grants.ts'
import type { Senses } from '../wasi/senses.ts'
import { FileBudget } from './budget.ts'
import { FileError, FileRefusal, fileCode } from './file-error.ts'
import { type Entry, Folder, type Opened, type Opening } from './folder.ts'
import { type Access, OpenFile } from './open-file.ts'

/** What something was answered with. */
type Told<T> =
  | { readonly gave: T }
  | { readonly failed: string }
  | { readonly refused: string; readonly wanted: Wanted | undefined }

/** Asks the disk, or the recording in its place. Throws what the disk throws. */
function told<T>(senses: Senses, name: string, asked: object, make: () => T): T {
  let thrown: unknown
  const answer = senses.ask<Told<T>>(`file.${name}`, asked, () => {
    try {
      return { gave: make() }
    } catch (error) {
      const code = fileCode(error)
      if (code === undefined) throw error
      thrown = error
      return error instanceof FileRefusal ? { refused: code, wanted: error.wanted } : { failed: code }
    }
  })
  if ('gave' in answer) return answer.gave
  if (thrown !== undefined) throw thrown
  throw 'failed' in answer ? new FileError(answer.failed) : new FileRefusal(answer.wanted, answer.refused)
}

/** In a replay there is nothing to be closed, nor to be counted. */
const nothing: Opened = { budget: new FileBudget(), keep: () => {} }
const absent = (): never => {
  throw new FileError('EBADF')
}

export class ToldFolder extends Folder {
  readonly #folder: Folder | undefined
  readonly #senses: Senses
  readonly #writable: boolean

  /** `folder` is absent where a recording tells of it. */
  constructor(guest: string, writable: boolean, folder: Folder | undefined, senses: Senses) {
    super(guest, undefined, absent, nothing)
    this.#folder = folder
    this.#senses = senses
    this.#writable = writable
  }

  override get writable(): boolean {
    return this.#writable
  }

  override open(path: string, how: Opening): OpenFile | Folder {
    let opened: OpenFile | Folder | undefined
    const kind = this.#told('open', { path, how }, (folder) => {
      opened = folder.open(path, how)
      return opened instanceof Folder ? 'folder' : 'file'
    })
    const name = posix.join(this.guest, path)
    if (kind === 'file') return new ToldFile(name, how, opened instanceof OpenFile ? opened : undefined, this.#senses)
    return new ToldFolder(name, this.#writable, opened instanceof Folder ? opened : undefined, this.#senses)
  }

  override stat(path: string, follow: boolean): BigIntStats {
    return asStats(this.#told('stat', { path, follow }, (folder) => folder.stat(path, follow)))
  }

  override get stats(): BigIntStats {
    return asStats(this.#told('stats', {}, (folder) => folder.stats))
  }

  override setTimes(path: string, follow: boolean, accessed: number, modified: number): void {
    const asked = { path, follow, accessed, modified }
    this.#told('set-times', asked, (folder) => folder.setTimes(path, follow, accessed, modified))
  }

  override list(): readonly Entry[] {
    return this.#told('list', {}, (folder) => folder.list())
  }

  override makeFolder(path: string): void {
    this.#told('make-folder', { path }, (folder) => folder.makeFolder(path))
  }

  override removeFolder(path: string): void {
    this.#told('remove-folder', { path }, (folder) => folder.removeFolder(path))
  }

  override removeFile(path: string): void {
    this.#told('remove', { path }, (folder) => folder.removeFile(path))
  }

  override rename(path: string, to: Folder, newPath: string): void {
    const into = to instanceof ToldFolder ? to.#folder : to
    const asked = { path, to: to.guest, newPath }
    this.#told('rename', asked, (folder) => folder.rename(path, into ?? absent(), newPath))
  }

  override readLink(path: string): string {
    return this.#told('read-link', { path }, (folder) => folder.readLink(path))
  }

  override close(): void {
    this.#folder?.close()
  }

  override link(path: string): never {
    return this.#told('link', { path }, (folder) => folder.link(path))
  }

  #told<T>(name: string, asked: object, make: (folder: Folder) => T): T {
    return told(this.#senses, name, { folder: this.guest, ...asked }, () => make(this.#folder ?? absent()))
  }
}

class ToldFile extends OpenFile {
  readonly #name: string
  readonly #file: OpenFile | undefined
  readonly #senses: Senses

  constructor(name: string, access: Access, file: OpenFile | undefined, senses: Senses) {
    super(-1, access, nothing.budget)
    this.#name = name
    this.#file = file
    this.#senses = senses
  }

  override read(into: Uint8Array, at: number): number {
    let count: number | undefined
    const bytes = this.#told('read', { at, length: into.length }, (file) => {
      count = file.read(into, at)
      // A view of what is written over: what is not kept anyway is not copied.
      return this.#senses.keeps(count) ? into.slice(0, count) : into.subarray(0, count)
    })
    if (count !== undefined) return count
    into.set(bytes)
    return bytes.length
  }

  override write(bytes: Uint8Array, at: number): number {
    return this.#told('write', { at, length: bytes.length }, (file) => file.write(bytes, at))
  }

  override stat(): BigIntStats {
    return asStats(this.#told('stats', {}, (file) => file.stat()))
  }

  override truncate(bytes: number): void {
    this.#told('truncate', { bytes }, (file) => file.truncate(bytes))
  }

  override setTimes(accessed: number, modified: number): void {
    this.#told('set-times', { accessed, modified }, (file) => file.setTimes(accessed, modified))
  }

  override sync(): void {
    this.#told('sync', {}, (file) => file.sync())
  }

  override close(): void {
    this.#file?.close()
  }

  #told<T>(name: string, asked: object, make: (file: OpenFile) => T): T {
    return told(this.#senses, name, { file: this.#name, ...asked }, () => make(this.#file ?? absent()))
  }
}

/** What was recorded has the figures alone. */
function asStats(stats: BigIntStats): BigIntStats {
  if (typeof stats.isFile === 'function') return stats
  const is = (type: number) => () => (Number(stats.mode) & constants.S_IFMT) === type
  return Object.assign(stats, {
    isFile: is(constants.S_IFREG),
    isDirectory: is(constants.S_IFDIR),
    isSymbolicLink: is(constants.S_IFLNK),
    isBlockDevice: is(constants.S_IFBLK),
    isCharacterDevice: is(constants.S_IFCHR),
    isFIFO: is(constants.S_IFIFO),
    isSocket: is(constants.S_IFSOCK),
  })
}
