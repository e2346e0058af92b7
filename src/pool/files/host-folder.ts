/** An open folder of the host: what is in it is reached by one name at a time, and never through a link. */

import { type BigIntStats, closeSync, constants, fstatSync, lstatSync, openSync, realpathSync } from 'node:fs'
import { FileError } from './file-error.ts'

/** macOS: `open` follows no link anywhere in the path [open(2)]; node:fs has no name for it. */
const O_NOFOLLOW_ANY = 0x2000_0000
const NO_LINK = constants.O_NOFOLLOW | (process.platform === 'darwin' ? O_NOFOLLOW_ANY : 0)
/** A pipe that nobody writes, and some devices, are waited for when they are opened. */
const NO_WAIT = constants.O_NONBLOCK

/** Whether the paths below an open folder begin at it, wherever it is moved meanwhile. */
const HAS_PROC = process.platform === 'linux'

/**
 * Node has no `openat`. On Linux `/proc/self/fd/<fd>/<name>` is the same: the kernel begins at the open folder itself, so
 * that nothing that others rename or link meanwhile leads elsewhere. On macOS the path is used, of which `open` follows no
 * link; of what else is done there the folder is compared with the open one just before.
 */
export class HostFolder {
  readonly fd: number
  readonly #path: string
  readonly #proc: boolean

  private constructor(fd: number, path: string, proc: boolean) {
    this.fd = fd
    this.#path = path
    this.#proc = proc
  }

  /** Opens the folder at an absolute path, which is the operator's: it may lead through links. */
  static open(path: string, proc = HAS_PROC): HostFolder {
    const real = realpathSync(path)
    const fd = openSync(real, constants.O_RDONLY | constants.O_DIRECTORY | NO_LINK)
    return new HostFolder(fd, real, proc)
  }

  /** The path by which node:fs reaches a name in it; that of itself without one. The last part may be a link. */
  path(name = '.'): string {
    if (this.#proc) return `/proc/self/fd/${this.fd}/${name}`
    const open = fstatSync(this.fd, BIG)
    const there = lstatSync(this.#path, BIG)
    if (open.dev !== there.dev || open.ino !== there.ino) throw new FileError('ENOENT')
    return `${this.#path}/${name}`
  }

  /** Opens a folder in it. Throws ELOOP or ENOTDIR for a link. */
  folder(name: string): HostFolder {
    const fd = openSync(this.path(name), constants.O_RDONLY | constants.O_DIRECTORY | NO_LINK)
    return new HostFolder(fd, `${this.#path}/${name}`, this.#proc)
  }

  /** Opens a regular file in it, with the flags of open(2), and nothing that is none. Throws ELOOP for a link. */
  file(name: string, flags: number): number {
    const fd = openSync(this.path(name), flags | NO_LINK | NO_WAIT, 0o644)
    try {
      const stats = fstatSync(fd, BIG)
      if (stats.isFile()) return fd
      throw new FileError(stats.isDirectory() ? 'EISDIR' : 'EACCES')
    } catch (error) {
      closeSync(fd)
      throw error
    }
  }

  /** Of a name in it, or of itself. */
  stat(name?: string): BigIntStats {
    return name === undefined ? fstatSync(this.fd, BIG) : lstatSync(this.path(name), BIG)
  }

  close(): void {
    closeSync(this.fd)
  }
}

const BIG = { bigint: true } as const
