/** What one call may do to the disk: each bound is one of ../limits.ts. */

import { FILE_BYTES, MADE_FILES, OPEN_FILES, WRITTEN_BYTES } from '../limits.ts'
import { FileError } from './file-error.ts'

export class FileBudget {
  #open = 0
  #bytes = 0
  #made = 0

  /** Throws EMFILE when as many are open as may be. */
  open(): void {
    if (this.#open >= OPEN_FILES) throw new FileError('EMFILE')
    this.#open++
  }

  close(): void {
    this.#open--
  }

  /** Throws EDQUOT when it made as many files and folders as it may. */
  make(): void {
    if (++this.#made > MADE_FILES) throw new FileError('EDQUOT')
  }

  /** Throws EFBIG or EDQUOT for bytes at a place of a file where they may not be. */
  write(bytes: number, at: number): void {
    this.size(at + bytes)
    this.#bytes += bytes
    if (this.#bytes > WRITTEN_BYTES) throw new FileError('EDQUOT')
  }

  /** Throws EFBIG for a size that no file may have. */
  size(bytes: number): void {
    if (bytes > FILE_BYTES) throw new FileError('EFBIG')
  }

  reset(): void {
    this.#open = this.#bytes = this.#made = 0
  }
}
