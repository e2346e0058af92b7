/** `wasi:filesystem` of WASI 0.2, on the folders that a function is allowed. */

import type { BigIntStats } from 'node:fs'
import { FileError, FileRefusal, fileCode } from '../files/file-error.ts'
import type { Files } from '../files/files.ts'
import { type Entry, type FileType, Folder, typeOf } from '../files/folder.ts'
import { OpenFile } from '../files/open-file.ts'
import { lifting } from './budget.ts'
import type { Denied } from './denial.ts'
import { codeName, FileIoError, FileReader, writing } from './file-streams.ts'
import { Resource } from './resource.ts'
import type { InputStream, OutputStream } from './streams.ts'

interface PathFlags {
  readonly symlinkFollow?: boolean
}

interface OpenFlags {
  readonly create?: boolean
  readonly directory?: boolean
  readonly exclusive?: boolean
  readonly truncate?: boolean
}

interface DescriptorFlags {
  readonly read?: boolean
  readonly write?: boolean
}

interface Datetime {
  readonly seconds: bigint
  readonly nanoseconds: number
}

type NewTime = { readonly tag: 'no-change' | 'now' } | { readonly tag: 'timestamp'; readonly val: Datetime }

const TYPES: Readonly<Record<FileType, string>> = {
  file: 'regular-file',
  folder: 'directory',
  link: 'symbolic-link',
  other: 'unknown',
}
/** Bytes that are read at once. */
const WINDOW = 1n << 20n
/** What an entry of a folder counts beside its name. */
const ENTRY_BYTES = 64

/** A folder or a file that a guest has open. */
export class Descriptor extends Resource {
  readonly #open: Folder | OpenFile
  readonly #denied: Denied

  constructor(open: Folder | OpenFile, denied: Denied) {
    super()
    this.#open = open
    this.#denied = denied
  }

  openAt(path: PathFlags, name: string, how: OpenFlags, flags: DescriptorFlags): Descriptor {
    return this.#in('openAt', (folder) => {
      const { create = false, directory = false, exclusive = false, truncate = false } = how
      const { read = false, write = false } = flags
      const access = { read, write: write && !directory, append: false }
      const opening = { ...access, create, directory, exclusive, truncate, follow: path.symlinkFollow === true }
      return new Descriptor(folder.open(name, opening), this.#denied)
    })
  }

  readViaStream(at: bigint): InputStream {
    return this.#of('readViaStream', (file) => new FileReader(file, place(at)))
  }

  writeViaStream(at: bigint): OutputStream {
    return this.#of('writeViaStream', (file) => writing(file, place(at)))
  }

  appendViaStream(): OutputStream {
    return this.#of('appendViaStream', (file) => writing(file, undefined))
  }

  read(length: bigint, at: bigint): [Uint8Array, boolean] {
    return this.#of('read', (file) => {
      const bytes = new Uint8Array(Number(length < WINDOW ? length : WINDOW))
      const count = file.read(bytes, place(at))
      return [bytes.subarray(0, count), count === 0 && bytes.length > 0]
    })
  }

  write(bytes: Uint8Array, at: bigint): bigint {
    return this.#of('write', (file) => {
      file.write(bytes, place(at))
      return BigInt(bytes.length)
    })
  }

  advise(): void {}

  sync(): void {
    this.#do('sync', () => this.#open instanceof OpenFile && this.#open.sync())
  }

  syncData(): void {
    this.sync()
  }

  getFlags(): object {
    if (this.#open instanceof Folder) return { read: true, mutateDirectory: this.#open.writable }
    const { read, write } = this.#open.access
    return { read, write }
  }

  getType(): string {
    return TYPES[this.#open instanceof Folder ? 'folder' : 'file']
  }

  setSize(bytes: bigint): void {
    this.#of('setSize', (file) => file.truncate(place(bytes)))
  }

  setTimes(accessed: NewTime, modified: NewTime): void {
    this.#do('setTimes', () => {
      const [read, written] = times(this.#stats, accessed, modified)
      if (this.#open instanceof Folder) this.#open.setTimes('.', true, read, written)
      else this.#open.setTimes(read, written)
    })
  }

  setTimesAt(path: PathFlags, name: string, accessed: NewTime, modified: NewTime): void {
    this.#in('setTimesAt', (folder) => {
      const follow = path.symlinkFollow === true
      folder.setTimes(name, follow, ...times(folder.stat(name, follow), accessed, modified))
    })
  }

  readDirectory(): DirectoryEntryStream {
    return this.#in('readDirectory', (folder) => new DirectoryEntryStream(folder.list()))
  }

  createDirectoryAt(name: string): void {
    this.#in('createDirectoryAt', (folder) => folder.makeFolder(name))
  }

  removeDirectoryAt(name: string): void {
    this.#in('removeDirectoryAt', (folder) => folder.removeFolder(name))
  }

  unlinkFileAt(name: string): void {
    this.#in('unlinkFileAt', (folder) => folder.removeFile(name))
  }

  renameAt(name: string, to: Descriptor, newName: string): void {
    this.#in('renameAt', (folder) => to.#in('renameAt', (into) => folder.rename(name, into, newName)))
  }

  readlinkAt(name: string): string {
    return this.#in('readlinkAt', (folder) => folder.readLink(name))
  }

  linkAt(_path: PathFlags, name: string): void {
    this.#in('linkAt', (folder) => folder.link(name))
  }

  symlinkAt(_text: string, name: string): void {
    this.#in('symlinkAt', (folder) => folder.link(name))
  }

  stat(): object {
    return this.#do('stat', () => statOf(this.#stats))
  }

  statAt(path: PathFlags, name: string): object {
    return this.#in('statAt', (folder) => statOf(folder.stat(name, path.symlinkFollow === true)))
  }

  isSameObject(other: Descriptor): boolean {
    return this.#do('isSameObject', () => {
      const [own, its] = [this.#stats, other.#stats]
      return own.dev === its.dev && own.ino === its.ino
    })
  }

  metadataHash(): object {
    return this.#do('metadataHash', () => hashOf(this.#stats))
  }

  metadataHashAt(path: PathFlags, name: string): object {
    return this.#in('metadataHashAt', (folder) => hashOf(folder.stat(name, path.symlinkFollow === true)))
  }

  get #stats(): BigIntStats {
    return this.#open instanceof Folder ? this.#open.stats : this.#open.stat()
  }

  #in<T>(what: string, work: (folder: Folder) => T): T {
    return this.#do(what, () => {
      if (this.#open instanceof Folder) return work(this.#open)
      throw new FileError('ENOTDIR')
    })
  }

  #of<T>(what: string, work: (file: OpenFile) => T): T {
    return this.#do(what, () => {
      if (this.#open instanceof OpenFile) return work(this.#open)
      throw new FileError('EISDIR')
    })
  }

  /** Throws what goes wrong as the interface has it. */
  #do<T>(what: string, work: () => T): T {
    lifting.reset()
    try {
      return work()
    } catch (error) {
      if (error instanceof FileRefusal) this.#denied(`wasi:filesystem/types#${what}`, error.wanted)
      const code = fileCode(error)
      throw code === undefined ? error : codeName(code)
    }
  }

  override [Symbol.dispose](): void {
    super[Symbol.dispose]()
    this.#open.close()
  }
}

class DirectoryEntryStream extends Resource {
  readonly #entries: Iterator<Entry>

  constructor(entries: readonly Entry[]) {
    super()
    this.keep(entries.reduce((sum, { name }) => sum + ENTRY_BYTES + name.length, 0))
    this.#entries = entries.values()
  }

  readDirectoryEntry(): object | undefined {
    const { done, value } = this.#entries.next()
    return done === true ? undefined : { type: TYPES[value.type], name: value.name }
  }
}

/** The interfaces for one instance. */
export const filesystem = ({ roots }: Files, denied: Denied): Readonly<Record<string, object>> => ({
  'wasi:filesystem/preopens': {
    getDirectories: () => roots.map((root) => [new Descriptor(root, denied), root.guest]),
  },
  'wasi:filesystem/types': {
    Descriptor,
    DirectoryEntryStream,
    filesystemErrorCode: (error: unknown) => (error instanceof FileIoError ? error.code : undefined),
  },
})

/** A number of 64 bits that is a size or a place. */
function place(value: bigint): number {
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new FileError('EINVAL')
  return Number(value)
}

function statOf(stats: BigIntStats): object {
  return {
    type: TYPES[typeOf(stats)],
    linkCount: stats.nlink,
    size: stats.size,
    dataAccessTimestamp: datetime(stats.atimeNs),
    dataModificationTimestamp: datetime(stats.mtimeNs),
    statusChangeTimestamp: datetime(stats.ctimeNs),
  }
}

const SECOND = 1_000_000_000n

/** None before 1970. */
const datetime = (ns: bigint): Datetime | undefined =>
  ns < 0n ? undefined : { seconds: ns / SECOND, nanoseconds: Number(ns % SECOND) }

const hashOf = ({ dev, ino }: BigIntStats): object => ({
  lower: BigInt.asUintN(64, ino),
  upper: BigInt.asUintN(64, dev),
})

/** In seconds. */
function times(stats: BigIntStats, accessed: NewTime, modified: NewTime): [number, number] {
  const one = (given: NewTime, held: bigint): number => {
    if (given.tag === 'now') return Date.now() / 1e3
    return given.tag === 'timestamp' ? Number(given.val.seconds) + given.val.nanoseconds / 1e9 : Number(held) / 1e9
  }
  return [one(accessed, stats.atimeNs), one(modified, stats.mtimeNs)]
}
