/** What a configuration asks of the disk: whether the files and folders that it names are there. */

import { statSync } from 'node:fs'
import { type FindFile, findFile } from './layout.ts'
import { type Seen, see } from './seen.ts'

export interface Disk {
  readonly file: FindFile
  /** Whether there is a folder at an absolute path. */
  readonly folder: (path: string) => boolean
}

/** The one of this machine. */
export const DISK: Disk = {
  file: findFile,
  folder: (path) => {
    try {
      return statSync(path).isDirectory()
    } catch {
      return false
    }
  },
}

/** The same one, which notes in `seen` the files that it is asked for, be they there or not. */
export const diskSeen = (disk: Disk, seen: Seen | undefined): Disk => ({
  ...disk,
  file: (path) => {
    const found = disk.file(path)
    see(seen, found && 'file' in found ? found.file : path)
    return found
  },
})

/** One that has everything. */
export const ANY_DISK: Disk = { file: (path) => ({ file: path }), folder: () => true }
