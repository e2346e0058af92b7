/** Files as streams of WASI 0.2, and what goes wrong with them in its words. */

import { fileCode } from '../files/file-error.ts'
import type { OpenFile } from '../files/open-file.ts'
import { lifting } from './budget.ts'
import { InputStream, IoError, OutputStream } from './streams.ts'

/** [wasi:filesystem/types, error-code] */
const NAMES: Readonly<Record<string, string>> = {
  EACCES: 'access',
  EAGAIN: 'would-block',
  EBADF: 'bad-descriptor',
  EBUSY: 'busy',
  EDQUOT: 'quota',
  EEXIST: 'exist',
  EFBIG: 'file-too-large',
  EILSEQ: 'illegal-byte-sequence',
  EINTR: 'interrupted',
  EINVAL: 'invalid',
  EISDIR: 'is-directory',
  ELOOP: 'loop',
  // There is no word for too many open files.
  EMFILE: 'quota',
  EMLINK: 'too-many-links',
  ENAMETOOLONG: 'name-too-long',
  ENFILE: 'quota',
  ENODEV: 'no-device',
  ENOENT: 'no-entry',
  ENOMEM: 'insufficient-memory',
  ENOSPC: 'insufficient-space',
  ENOTCAPABLE: 'not-permitted',
  ENOTDIR: 'not-directory',
  ENOTEMPTY: 'not-empty',
  ENOTSUP: 'unsupported',
  EOVERFLOW: 'overflow',
  EPERM: 'not-permitted',
  EROFS: 'read-only',
  ESPIPE: 'invalid-seek',
  ETXTBSY: 'text-file-busy',
  EXDEV: 'cross-device',
}

/** What it has no word for is an error of the disk. */
export const codeName = (code: string): string => NAMES[code] ?? 'io'

/** Why an operation on a stream of a file went wrong. */
export class FileIoError extends IoError {
  readonly code: string

  constructor(code: string) {
    super()
    this.code = code
  }

  override toDebugString(): string {
    return this.code
  }
}

/** Bytes that are read at once. */
const WINDOW = 64n << 10n

/** A file that is read from a place on. */
export class FileReader extends InputStream {
  readonly #file: OpenFile
  #at: number

  constructor(file: OpenFile, at: number) {
    super(new Uint8Array())
    this.#file = file
    this.#at = at
  }

  override read(most: bigint): Uint8Array {
    lifting.reset()
    const bytes = new Uint8Array(Number(most < WINDOW ? most : WINDOW))
    const count = attempt(() => this.#file.read(bytes, this.#at))
    if (count === 0 && bytes.length > 0) throw { tag: 'closed' }
    this.#at += count
    return bytes.subarray(0, count)
  }
}

/** A file that is written from a place on, or at its end. */
export function writing(file: OpenFile, from: number | undefined): OutputStream {
  let at = from
  const write = (bytes: Uint8Array): void => {
    const end = attempt(() => file.write(bytes, at ?? Number(file.stat().size)))
    if (at !== undefined) at = end
  }
  return new OutputStream({ write })
}

function attempt<T>(work: () => T): T {
  try {
    return work()
  } catch (error) {
    const code = fileCode(error)
    throw code === undefined ? error : { tag: 'last-operation-failed', val: new FileIoError(codeName(code)) }
  }
}
