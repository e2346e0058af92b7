/** Follows a guest's path from an open folder, one name after the other, and never out of it. */

import { readlinkSync } from 'node:fs'
import { FileError, FileRefusal, fileCode } from './file-error.ts'
import type { HostFolder } from './host-folder.ts'

/** What Linux has. */
const LINKS = 40
const PATH_BYTES = 4_096
/** Folders that a path leads through: each is open until its end is reached. */
const DEPTH = 64

/** How a path ends. */
export interface Walk {
  /** Whether a link that the path ends in is followed. */
  readonly follow: boolean
}

/**
 * Calls `use` with the folder that a path ends in and the name there, which is no link if those are followed; without a
 * name when the path is that of the folder. Links are followed as long as they stay below `base`. Throws a FileRefusal for
 * what leads out: `..`, an absolute path or link.
 */
export function walk<T>(
  base: HostFolder,
  path: string,
  { follow }: Walk,
  use: (at: HostFolder, name?: string) => T,
): T {
  const walker = new Walker(base)
  try {
    return walker.to(path, follow, use)
  } finally {
    walker.close()
  }
}

class Walker {
  readonly #stack: HostFolder[]
  /** Names still to go, the next one last. */
  #rest: string[] = []
  #links = 0

  constructor(base: HostFolder) {
    this.#stack = [base]
  }

  to<T>(path: string, follow: boolean, use: (at: HostFolder, name?: string) => T): T {
    if (path === '') throw new FileError('ENOENT')
    this.#add(path)
    for (let name = this.#rest.pop(); name !== undefined; name = this.#rest.pop()) {
      if (name === '..') this.#up()
      else if (name !== '' && name !== '.') {
        const last = this.#rest.length === 0
        if (!last) this.#down(name)
        else if (!follow || !this.#link(name)) return use(this.#top, name)
      }
    }
    return use(this.#top)
  }

  close(): void {
    for (const folder of this.#stack.splice(1)) folder.close()
  }

  get #top(): HostFolder {
    const top = this.#stack.at(-1)
    if (!top) throw new FileError('EBADF')
    return top
  }

  #add(path: string): void {
    // Before anything is made of it: it may have megabytes.
    if (path.length > PATH_BYTES || Buffer.byteLength(path) > PATH_BYTES) throw new FileError('ENAMETOOLONG')
    if (path.startsWith('/')) throw new FileRefusal(undefined)
    if (path.includes('\0')) throw new FileError('EINVAL')
    this.#rest.push(...path.split('/').reverse())
    if (this.#rest.length > PATH_BYTES) throw new FileError('ENAMETOOLONG')
  }

  /** Back the way it came: `..` of the disk may be another folder by now. */
  #up(): void {
    if (this.#stack.length === 1) throw new FileRefusal(undefined)
    this.#stack.pop()?.close()
  }

  #down(name: string): void {
    if (this.#stack.length > DEPTH) throw new FileError('ENAMETOOLONG')
    try {
      this.#stack.push(this.#top.folder(name))
    } catch (error) {
      const code = fileCode(error)
      if ((code !== 'ELOOP' && code !== 'ENOTDIR') || !this.#link(name)) throw error
    }
  }

  /** Goes on at the target of a link; false when this is none. */
  #link(name: string): boolean {
    const target = targetOf(this.#top, name)
    if (target === undefined) return false
    if (++this.#links > LINKS) throw new FileError('ELOOP')
    this.#add(target)
    return true
  }
}

/** What a link says; undefined when it is none, or there is nothing. */
function targetOf(folder: HostFolder, name: string): string | undefined {
  try {
    return readlinkSync(folder.path(name))
  } catch (error) {
    if (fileCode(error) === undefined) throw error
    return undefined
  }
}
