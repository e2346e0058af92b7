/** `path_*` of WASI preview 1: what is done in a folder, by a path. */

import { isUtf8 } from 'node:buffer'
import { FileError } from '../files/file-error.ts'
import type { Descriptors } from './descriptors1.ts'
import { type Call, timesOf, writeStat } from './fd1.ts'
import type { ProgramMemory } from './program-memory.ts'

/** [WASI preview 1, lookupflags, oflags, fdflags, rights] */
const FOLLOW = 1
const CREATE = 1
const DIRECTORY = 2
const EXCLUSIVE = 4
const TRUNCATE = 8
const APPEND = 1
const READ = 1n << 1n
const WRITE = 1n << 6n

/** Bytes of a path. */
const PATH_BYTES = 4_096

/** The functions by their names. They throw what is wrong. */
export function pathCalls(open: Descriptors, memory: ProgramMemory): Readonly<Record<string, Call>> {
  const text = (at: number, length: number): string => pathIn(memory, at, length)
  return {
    path_open: (fd, follow, path, length, flags, rights, _inherited, status, at) => {
      const opened = open.folder(fd).open(text(path, length), {
        read: (rights & READ) !== 0n,
        write: (rights & WRITE) !== 0n && (flags & DIRECTORY) === 0,
        append: (status & APPEND) !== 0,
        create: (flags & CREATE) !== 0,
        exclusive: (flags & EXCLUSIVE) !== 0,
        truncate: (flags & TRUNCATE) !== 0,
        directory: (flags & DIRECTORY) !== 0,
        follow: (follow & FOLLOW) !== 0,
      })
      memory.setU32(at, open.add(opened))
    },
    path_filestat_get: (fd, follow, path, length, at) =>
      writeStat(memory, at, open.folder(fd).stat(text(path, length), (follow & FOLLOW) !== 0)),
    path_filestat_set_times: (fd, lookup, path, length, accessed, modified, flags) => {
      const follow = (lookup & FOLLOW) !== 0
      const stats = open.folder(fd).stat(text(path, length), follow)
      open.folder(fd).setTimes(text(path, length), follow, ...timesOf(stats, accessed, modified, flags))
    },
    path_create_directory: (fd, path, length) => open.folder(fd).makeFolder(text(path, length)),
    path_remove_directory: (fd, path, length) => open.folder(fd).removeFolder(text(path, length)),
    path_unlink_file: (fd, path, length) => open.folder(fd).removeFile(text(path, length)),
    path_rename: (fd, path, length, to, newPath, newLength) =>
      open.folder(fd).rename(text(path, length), open.folder(to), text(newPath, newLength)),
    path_readlink: (fd, path, length, at, room, used) => {
      const target = Buffer.from(open.folder(fd).readLink(text(path, length))).subarray(0, room >>> 0)
      memory.bytes(at, target.length).set(target)
      memory.setU32(used, target.length)
    },
    path_link: (fd, _follow, path, length) => open.folder(fd).link(text(path, length)),
    // The text of the link comes first.
    path_symlink: (_text, _length, fd, path, length) => open.folder(fd).link(text(path, length)),
  }
}

function pathIn(memory: ProgramMemory, at: number, length: number): string {
  if (length >>> 0 > PATH_BYTES) throw new FileError('ENAMETOOLONG')
  const bytes = memory.bytes(at, length)
  if (!isUtf8(bytes)) throw new FileError('EILSEQ')
  return new TextDecoder().decode(bytes)
}
