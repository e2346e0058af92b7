/** `fd_*` of WASI preview 1 for folders and files. */

import type { BigIntStats } from 'node:fs'
import { FileError } from '../files/file-error.ts'
import { type FileType, Folder, typeOf } from '../files/folder.ts'
import type { OpenFile } from '../files/open-file.ts'
import type { Descriptors } from './descriptors1.ts'
import type { ProgramMemory } from './program-memory.ts'

/** A function of the interface: it went well when it throws nothing. */
export type Call = (...args: readonly (number & bigint)[]) => void

/** [WASI preview 1, filetype] */
const TYPES: Readonly<Record<FileType, number>> = { other: 0, folder: 3, file: 4, link: 7 }
const APPEND = 1
/** [WASI preview 1, rights] */
const RIGHTS = { all: 0x3fff_ffffn, read: 1n << 1n, write: 1n << 6n } as const
const SET = 0
const CURRENT = 1

/** The functions by their names. They throw what is wrong. */
export function fdCalls(open: Descriptors, memory: ProgramMemory): Readonly<Record<string, Call>> {
  const read: (at?: bigint) => Call = (place) => (fd, list, count, total) =>
    memory.setU32(total, readInto(open.file(fd), memory.ranges(list, count), place))
  const write: (at?: bigint) => Call = (place) => (fd, list, count, total) =>
    memory.setU32(total, writeFrom(open.file(fd), memory.ranges(list, count), place))
  return {
    fd_prestat_get: (fd, at) => {
      memory.setU32(at, 0)
      memory.setU32(at + 4, Buffer.byteLength(open.root(fd).guest))
    },
    fd_prestat_dir_name: (fd, at, length) => {
      const name = Buffer.from(open.root(fd).guest)
      if (length >>> 0 < name.length) throw new FileError('ENAMETOOLONG')
      memory.bytes(at, name.length).set(name)
    },
    fd_fdstat_get: (fd, at) => writeStatus(memory, at, open.of(fd)),
    fd_fdstat_set_flags: (fd, flags) => {
      // A file that is opened to be added to stays that: the host's is open so.
      if ((flags & APPEND) !== (open.file(fd).access.append ? APPEND : 0)) throw new FileError('ENOTSUP')
    },
    fd_filestat_get: (fd, at) => writeStat(memory, at, statOf(open.of(fd))),
    fd_filestat_set_size: (fd, size) => open.file(fd).truncate(whole(size)),
    fd_filestat_set_times: (fd, accessed, modified, flags) =>
      open.file(fd).setTimes(...timesOf(statOf(open.of(fd)), accessed, modified, flags)),
    fd_allocate: (fd, at, length) => {
      const file = open.file(fd)
      const end = whole(at) + whole(length)
      if (end > Number(file.stat().size)) file.truncate(end)
    },
    fd_advise: (fd) => void open.file(fd),
    fd_sync: (fd) => sync(open.of(fd)),
    fd_datasync: (fd) => sync(open.of(fd)),
    fd_close: (fd) => open.close(fd),
    fd_renumber: (fd, to) => open.renumber(fd, to),
    fd_tell: (fd, at) => memory.setU64(at, BigInt(open.file(fd).position)),
    fd_seek: (fd, by, whence, at) => memory.setU64(at, BigInt(seek(open.file(fd), by, whence))),
    fd_read: read(),
    fd_pread: (fd, list, count, at, total) => read(at)(fd, list, count, total),
    fd_write: write(),
    fd_pwrite: (fd, list, count, at, total) => write(at)(fd, list, count, total),
    fd_readdir: (fd, at, length, cookie, used) => memory.setU32(used, list(open, memory, { fd, at, length, cookie })),
  }
}

const statOf = (open: Folder | OpenFile): BigIntStats => (open instanceof Folder ? open.stats : open.stat())

/** A number of 64 bits that is a size or a place. */
export function whole(value: bigint): number {
  const unsigned = BigInt.asUintN(64, value)
  if (unsigned > BigInt(Number.MAX_SAFE_INTEGER)) throw new FileError('EINVAL')
  return Number(unsigned)
}

function readInto(file: OpenFile, ranges: Iterable<Uint8Array>, place: bigint | undefined): number {
  const start = place === undefined ? file.position : whole(place)
  let total = 0
  for (const range of ranges) {
    const count = file.read(range, start + total)
    total += count
    if (count < range.length) break
  }
  if (place === undefined) file.position = start + total
  return total
}

function writeFrom(file: OpenFile, ranges: Iterable<Uint8Array>, place: bigint | undefined): number {
  let at = place === undefined ? file.position : whole(place)
  let total = 0
  for (const range of ranges) {
    at = file.write(range, at)
    total += range.length
  }
  if (place === undefined) file.position = at
  return total
}

function seek(file: OpenFile, by: bigint, whence: number): number {
  const from = whence === SET ? 0 : whence === CURRENT ? file.position : Number(file.stat().size)
  const to = from + Number(by)
  if (to < 0 || !Number.isSafeInteger(to)) throw new FileError('EINVAL')
  file.position = to
  return to
}

function sync(open: Folder | OpenFile): void {
  if (!(open instanceof Folder)) open.sync()
}

function writeStatus(memory: ProgramMemory, at: number, open: Folder | OpenFile): void {
  memory.bytes(at, 24).fill(0)
  // Of a folder all: what it may not do there it asks its host for, and is told, in place of refusing itself.
  const { read, write } = open instanceof Folder ? { read: true, write: true } : open.access
  const rights = RIGHTS.all & ~(read ? 0n : RIGHTS.read) & ~(write ? 0n : RIGHTS.write)
  memory.view.setUint8(at >>> 0, open instanceof Folder ? TYPES.folder : TYPES.file)
  if (!(open instanceof Folder) && open.access.append) memory.view.setUint16((at >>> 0) + 2, APPEND, true)
  memory.setU64(at + 8, rights)
  memory.setU64(at + 16, rights)
}

/** Writes the record `filestat`. */
export function writeStat(memory: ProgramMemory, at: number, stats: BigIntStats): void {
  memory.bytes(at, 64).fill(0)
  memory.setU64(at, BigInt.asUintN(64, stats.dev))
  memory.setU64(at + 8, BigInt.asUintN(64, stats.ino))
  memory.view.setUint8((at >>> 0) + 16, TYPES[typeOf(stats)])
  for (const [index, value] of [stats.nlink, stats.size, stats.atimeNs, stats.mtimeNs, stats.ctimeNs].entries())
    memory.setU64(at + 24 + 8 * index, BigInt.asUintN(64, value))
}

/** The times that are to be set, in seconds. */
export function timesOf(stats: BigIntStats, accessed: bigint, modified: bigint, flags: number): [number, number] {
  const one = (bits: number, given: bigint, held: bigint): number => {
    if (bits === 3) throw new FileError('EINVAL')
    return bits === 2 ? Date.now() / 1e3 : Number(bits === 1 ? given : held) / 1e9
  }
  return [one(flags & 3, accessed, stats.atimeNs), one((flags >> 2) & 3, modified, stats.mtimeNs)]
}

/** Bytes of a `dirent` before its name. */
const HEAD = 24

/** Writes entries from a cookie on; the last may be cut, which says that there is more. */
function list(
  open: Descriptors,
  memory: ProgramMemory,
  {
    fd,
    at,
    length,
    cookie,
  }: { readonly fd: number; readonly at: number; readonly length: number; readonly cookie: bigint },
): number {
  const first = whole(cookie)
  const room = memory.bytes(at, length)
  let used = 0
  for (const [index, { name, type }] of open.list(fd, first === 0).entries()) {
    if (index < first) continue
    if (used >= room.length) break
    const text = Buffer.from(name)
    const entry = Buffer.alloc(HEAD + text.length)
    entry.writeBigUInt64LE(BigInt(index + 1), 0)
    entry.writeUInt32LE(text.length, 16)
    entry.writeUInt8(TYPES[type], 20)
    entry.set(text, HEAD)
    const part = entry.subarray(0, room.length - used)
    room.set(part, used)
    used += part.length
  }
  return used
}
