/** A folder that a guest has open, and all that it may do there. */

import {
  type BigIntStats,
  constants,
  lutimesSync,
  mkdirSync,
  opendirSync,
  readlinkSync,
  renameSync,
  rmdirSync,
  unlinkSync,
} from 'node:fs'
import { posix } from 'node:path'
import { type DirGrant, type Wanted, wanting } from '../grants.ts'
import { LISTED } from '../limits.ts'
import type { FileBudget } from './budget.ts'
import { FileError, FileRefusal, fileCode } from './file-error.ts'
import type { HostFolder } from './host-folder.ts'
import { type Access, OpenFile } from './open-file.ts'
import { walk } from './walk.ts'

/** How a path is opened. */
export interface Opening extends Access {
  readonly create: boolean
  readonly exclusive: boolean
  readonly truncate: boolean
  readonly directory: boolean
  /** Whether a link that the path ends in is followed. */
  readonly follow: boolean
}

export type FileType = 'file' | 'folder' | 'link' | 'other'

export interface Entry {
  readonly name: string
  readonly type: FileType
}

/** What is closed when a call ends, unless the guest closed it before. */
export interface Closable {
  readonly closed: boolean
  close(): void
}

/** What folders have in common that one call has open. */
export interface Opened {
  readonly budget: FileBudget
  /** Closes it when the call ends. */
  keep(open: Closable): void
}

export class Folder {
  /** As the guest sees it. */
  readonly guest: string
  /** What allows it; there is nothing in it without. */
  readonly #grant: DirGrant | undefined
  readonly #host: () => HostFolder
  readonly #opened: Opened
  readonly #close: (() => void) | undefined
  #closed = false

  /** `close` is absent for those that a guest begins with. */
  constructor(guest: string, grant: DirGrant | undefined, host: () => HostFolder, opened: Opened, close?: () => void) {
    this.guest = guest
    this.#grant = grant
    this.#host = host
    this.#opened = opened
    this.#close = close
  }

  /** Whether it may be written to. */
  get writable(): boolean {
    return this.#grant?.write === true
  }

  open(path: string, how: Opening): OpenFile | Folder {
    if (how.write || how.create || how.truncate) this.#change(path)
    return this.#at(path, how.follow, (at, name) => {
      const stats = name === undefined ? at.stat() : statOf(at, name)
      if (stats && how.create && how.exclusive) throw new FileError('EEXIST')
      if (stats?.isSymbolicLink()) throw new FileError('ELOOP')
      if (stats?.isDirectory()) return this.#folder(path, at, name, how)
      if (how.directory || name === undefined) throw new FileError(stats ? 'ENOTDIR' : 'ENOENT')
      if (stats && !stats.isFile()) throw new FileError('EACCES')
      return this.#file(at, name, how, stats === undefined)
    })
  }

  stat(path: string, follow: boolean): BigIntStats {
    return this.#at(path, follow, (at, name) => at.stat(name))
  }

  /** Of itself. */
  get stats(): BigIntStats {
    return this.#at('.', true, (at) => at.stat())
  }

  /** In seconds. */
  setTimes(path: string, follow: boolean, accessed: number, modified: number): void {
    this.#change(path)
    this.#at(path, follow, (at, name) => lutimesSync(at.path(name), accessed, modified))
  }

  /** What is in it; throws EOVERFLOW when that is too much. */
  list(): readonly Entry[] {
    return this.#at('.', true, (at) => {
      const entries: Entry[] = []
      const folder = opendirSync(at.path())
      try {
        for (let found = folder.readSync(); found; found = folder.readSync()) {
          if (entries.length === LISTED) throw new FileError('EOVERFLOW')
          entries.push({ name: found.name, type: typeOf(found) })
        }
      } finally {
        folder.closeSync()
      }
      return entries
    })
  }

  makeFolder(path: string): void {
    this.#change(path)
    this.#opened.budget.make()
    this.#named(path, 'EEXIST', (at, name) => mkdirSync(at.path(name), 0o755))
  }

  removeFolder(path: string): void {
    this.#change(path)
    this.#named(path, 'EINVAL', (at, name) => rmdirSync(at.path(name)))
  }

  removeFile(path: string): void {
    this.#change(path)
    this.#at(path, false, (at, name) => {
      if (name === undefined) throw new FileError('EISDIR')
      unlinkSync(at.path(name))
    })
  }

  rename(path: string, to: Folder, newPath: string): void {
    this.#change(path)
    to.#change(newPath)
    this.#named(path, 'EINVAL', (from, name) =>
      to.#named(newPath, 'EINVAL', (into, newName) => renameSync(from.path(name), into.path(newName))),
    )
  }

  /** What a link says, when that is no path of the host. */
  readLink(path: string): string {
    return this.#at(path, false, (at, name) => {
      if (name === undefined) throw new FileError('EINVAL')
      const target = readlinkSync(at.path(name))
      if (target.startsWith('/')) throw new FileRefusal(undefined)
      return target
    })
  }

  /** Closes it; one that a guest begins with stays. */
  close(): void {
    this.#closed = true
    this.#close?.()
  }

  get closed(): boolean {
    return this.#closed
  }

  /** Links lead others out of what they may see: none is made. */
  link(path: string): never {
    this.#change(path)
    throw new FileRefusal({ kind: 'dirs', why: 'links are not made' }, 'EPERM')
  }

  #folder(path: string, at: HostFolder, name: string | undefined, how: Opening): Folder {
    if (how.write || how.truncate) throw new FileError('EISDIR')
    this.#opened.budget.open()
    const host = this.#kept(() => at.folder(name ?? '.'))
    let closed = false
    const close = () => {
      if (closed) return
      closed = true
      this.#opened.budget.close()
      host.close()
    }
    const open = () => {
      if (closed) throw new FileError('EBADF')
      return host
    }
    const folder = new Folder(posix.join(this.guest, path), this.#grant, open, this.#opened, close)
    this.#opened.keep(folder)
    return folder
  }

  #file(at: HostFolder, name: string, how: Opening, made: boolean): OpenFile {
    if (made && !how.create) throw new FileError('ENOENT')
    this.#opened.budget.open()
    const file = this.#kept(() => {
      if (made) this.#opened.budget.make()
      return new OpenFile(at.file(name, flagsOf(how)), how, this.#opened.budget)
    })
    this.#opened.keep(file)
    return file
  }

  /** Gives the place back that was taken for what could not be opened. */
  #kept<T>(open: () => T): T {
    try {
      return open()
    } catch (error) {
      this.#opened.budget.close()
      throw error
    }
  }

  #at<T>(path: string, follow: boolean, use: (at: HostFolder, name?: string) => T): T {
    if (!this.#grant) throw new FileRefusal(wanting.dir(posix.dirname(posix.join(this.guest, path)), false))
    try {
      return walk(this.#host(), path, { follow }, use)
    } catch (error) {
      // Only what leads out has none.
      if (!(error instanceof FileRefusal) || error.wanted) throw error
      throw new FileRefusal(this.#beyond(path))
    }
  }

  /** The same, for what makes or removes a name; a slash at the end says nothing there. */
  #named<T>(path: string, code: string, use: (at: HostFolder, name: string) => T): T {
    return this.#at(path.replace(/(.)\/+$/, '$1'), false, (at, name) => {
      if (name === undefined) throw new FileError(code)
      return use(at, name)
    })
  }

  /** What a path would need that leads out of it: another folder, unless it is a link that does. */
  #beyond(path: string): Wanted {
    const meant = posix.resolve(this.guest, path)
    const inside = this.guest === '/' || meant === this.guest || meant.startsWith(`${this.guest}/`)
    return inside ? wanting.outside(this.guest) : wanting.dir(posix.dirname(meant), false)
  }

  #change(path: string): void {
    if (this.writable) return
    const { guest = posix.dirname(posix.join(this.guest, path)), host } = this.#grant ?? {}
    throw new FileRefusal(wanting.dir(guest, true, host), this.#grant ? 'EROFS' : undefined)
  }
}

function statOf(at: HostFolder, name: string): BigIntStats | undefined {
  try {
    return at.stat(name)
  } catch (error) {
    if (fileCode(error) === 'ENOENT') return undefined
    throw error
  }
}

const flagsOf = ({ read, write, append, create, exclusive, truncate }: Opening): number =>
  (write ? (read ? constants.O_RDWR : constants.O_WRONLY) : constants.O_RDONLY) |
  (append ? constants.O_APPEND : 0) |
  (create ? constants.O_CREAT : 0) |
  (exclusive ? constants.O_EXCL : 0) |
  (truncate ? constants.O_TRUNC : 0)

/** What it is of which node:fs knows. */
export const typeOf = (of: { isFile(): boolean; isDirectory(): boolean; isSymbolicLink(): boolean }): FileType =>
  of.isFile() ? 'file' : of.isDirectory() ? 'folder' : of.isSymbolicLink() ? 'link' : 'other'
