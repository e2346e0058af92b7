/** The files of a wasip1 program: what goes wrong is a number to it, and what is refused is told. */

import { FileRefusal, fileCode } from '../files/file-error.ts'
import type { Files } from '../files/files.ts'
import type { Denied } from './denial.ts'
import { Descriptors, FIRST } from './descriptors1.ts'
import { ERRNO, errnoOf } from './errno.ts'
import { type Call, fdCalls } from './fd1.ts'
import { pathCalls } from './path1.ts'
import type { ProgramMemory } from './program-memory.ts'

export class Files1 {
  readonly #files: Files
  readonly #memory: ProgramMemory
  readonly #denied: Denied
  #calls: Readonly<Record<string, Call>> | undefined

  constructor(files: Files, memory: ProgramMemory, denied: Denied) {
    this.#files = files
    this.#memory = memory
    this.#denied = denied
  }

  /** Whether there is a function of this name that files have. */
  has(name: string): boolean {
    return /^(fd|path)_/.test(name)
  }

  /** Runs a function of the interface; undefined when it is about the standard streams, or there is none of this name. */
  call(name: string, args: readonly (number & bigint)[]): number | undefined {
    if (name.startsWith('fd_') && (args[0] ?? 0) >>> 0 < FIRST) return undefined
    this.#calls ??= this.#make()
    const call = Object.hasOwn(this.#calls, name) ? this.#calls[name] : undefined
    if (!call) return undefined
    try {
      call(...args)
      return ERRNO.success
    } catch (error) {
      if (error instanceof FileRefusal) this.#denied(`wasi_snapshot_preview1#${name}`, error.wanted)
      const code = fileCode(error)
      if (code === undefined) throw error
      return errnoOf(code)
    }
  }

  #make(): Readonly<Record<string, Call>> {
    const open = new Descriptors(this.#files)
    return { ...fdCalls(open, this.#memory), ...pathCalls(open, this.#memory) }
  }
}
