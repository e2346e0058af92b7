/** The descriptors of one run of a wasip1 program beside those of the standard streams. */

import { FileError } from '../files/file-error.ts'
import type { Files } from '../files/files.ts'
import { type Entry, Folder } from '../files/folder.ts'
import { OpenFile } from '../files/open-file.ts'
import { LISTED } from '../limits.ts'

/** Where those of the standard streams end. */
export const FIRST = 3

export class Descriptors {
  readonly #open = new Map<number, Folder | OpenFile>()
  readonly #roots: readonly Folder[]
  /** What a folder held when it was read from its beginning. */
  readonly #lists = new Map<Folder, readonly Entry[]>()

  constructor({ roots }: Files) {
    this.#roots = roots
    for (const root of roots) this.add(root)
  }

  /** Returns the least number that is free. */
  add(open: Folder | OpenFile): number {
    let fd = FIRST
    while (this.#open.has(fd)) fd++
    this.#open.set(fd, open)
    return fd
  }

  of(fd: number): Folder | OpenFile {
    const open = this.#open.get(fd >>> 0)
    if (!open) throw new FileError('EBADF')
    return open
  }

  folder(fd: number): Folder {
    const open = this.of(fd)
    if (open instanceof Folder) return open
    throw new FileError('ENOTDIR')
  }

  file(fd: number): OpenFile {
    const open = this.of(fd)
    if (open instanceof OpenFile) return open
    throw new FileError('EISDIR')
  }

  /** One of those that it begins with. */
  root(fd: number): Folder {
    const open = this.folder(fd)
    if (this.#roots.includes(open)) return open
    throw new FileError('EBADF')
  }

  /** What is in a folder, as it was when `fresh` was last asked for. */
  list(fd: number, fresh: boolean): readonly Entry[] {
    const folder = this.folder(fd)
    const held = fresh ? undefined : this.#lists.get(folder)
    const list = held ?? folder.list()
    this.#lists.delete(folder)
    this.#lists.set(folder, list)
    this.#forget()
    return list
  }

  /** What was read of folders longest ago is read anew: their names are host memory. */
  #forget(): void {
    let names = [...this.#lists.values()].reduce((sum, { length }) => sum + length, 0)
    for (const [folder, { length }] of this.#lists) {
      if (names <= LISTED || this.#lists.size === 1) return
      this.#lists.delete(folder)
      names -= length
    }
  }

  close(fd: number): void {
    const open = this.of(fd)
    open.close()
    this.#open.delete(fd >>> 0)
    if (open instanceof Folder) this.#lists.delete(open)
  }

  /** What was open as `to` is closed. */
  renumber(fd: number, to: number): void {
    const open = this.of(fd)
    if (this.of(to) === open) return
    this.close(to)
    this.#open.delete(fd >>> 0)
    this.#open.set(to >>> 0, open)
  }
}
