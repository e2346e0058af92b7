/** The host of a wasip1 program: standard streams, arguments, environment, clocks, random numbers; nothing else. */

import { Files } from '../files/files.ts'
import { RANDOM_BYTES, RESULT_BYTES } from '../limits.ts'
import { LiftError } from './budget.ts'
import { ERRNO } from './errno.ts'
import { ExitError } from './exit.ts'
import { Files1 } from './files1.ts'
import type { Outside } from './index.ts'
import { polled } from './poll1.ts'
import { outsideMemory, ProgramMemory } from './program-memory.ts'
import { LIVE, type Senses } from './senses.ts'
import { type Drain, Lines } from './streams.ts'

const FD = { stdin: 0, stdout: 1, stderr: 2 } as const
const CHARACTER_DEVICE = 2
const RIGHTS = { read: 1n << 1n, write: 1n << 6n, poll: 1n << 27n }
const CLOCK = { realtime: 0, monotonic: 1 } as const
/** The resolution of both clocks, in nanoseconds. */
const RESOLUTION = 1_000n

type Call = (...args: readonly (number & bigint)[]) => number

/** The host's side of one run of a program. */
export class Preview1 {
  readonly memory = new ProgramMemory()
  readonly #outside: Outside
  readonly #senses: Senses
  readonly #stdout: Drain
  readonly #stderr: Lines
  readonly #lines: Lines
  readonly #files: Files
  readonly #files1: Files1
  #stdin: Uint8Array | undefined

  constructor(given: Outside) {
    this.#outside = given
    this.#senses = given.senses ?? LIVE
    this.#lines = new Lines((line) => given.log('info', line))
    this.#stderr = new Lines((line) => given.log('warn', line))
    this.#stdout = given.stdout ?? this.#lines
    this.#files = new Files(given.grants?.dirs ?? [], given.senses)
    this.#files1 = new Files1(this.#files, this.memory, given.denied)
  }

  /** The function that a program imports under this name; one that is denied when there is none. */
  imported(name: string): WebAssembly.ExportValue {
    const call = (this.gives(name) && this.#calls[name]) || this.#denial(name)
    const files = this.#files1.has(name)
    const guarded = (...args: (number & bigint)[]) => {
      try {
        return (files ? this.#files1.call(name, args) : undefined) ?? call(...args)
      } catch (error) {
        // Of a DataView; that of a stack that ran out is about something else.
        if (error instanceof RangeError && /bounds/i.test(error.message)) throw outsideMemory()
        throw error
      }
    }
    return guarded as WebAssembly.ExportValue
  }

  /** Whether a program may use the function of this name. */
  gives(name: string): boolean {
    return Object.hasOwn(this.#calls, name)
  }

  /** Passes on what was written without a newline, and closes files. */
  flush(): void {
    this.#lines.end()
    this.#stderr.end()
    this.#files.close()
  }

  readonly #calls: Readonly<Record<string, Call>> = {
    args_sizes_get: (count, size) => this.#sizes(this.#outside.args ?? [], count, size),
    args_get: (list, bytes) => this.#texts(this.#outside.args ?? [], list, bytes),
    environ_sizes_get: (count, size) => this.#sizes(this.#environment(), count, size),
    environ_get: (list, bytes) => this.#texts(this.#environment(), list, bytes),
    clock_res_get: (clock, at) => this.#clock(clock, at, () => RESOLUTION),
    clock_time_get: (clock, _precision, at) => this.#clock(clock, at, (which) => this.#now(which)),
    random_get: (at, length) => this.#random(at, length),
    fd_read: (fd, list, count, read) => this.#read(fd, list, count, read),
    fd_write: (fd, list, count, written) => this.#write(fd, list, count, written),
    fd_close: (fd) => this.#of(fd),
    fd_seek: (fd) => this.#of(fd, ERRNO.spipe),
    fd_tell: (fd) => this.#of(fd, ERRNO.spipe),
    fd_sync: (fd) => this.#of(fd),
    fd_datasync: (fd) => this.#of(fd),
    fd_fdstat_set_flags: (fd) => this.#of(fd),
    fd_fdstat_get: (fd, at) => this.#status(fd, at),
    fd_filestat_get: (fd, at) => this.#fileStatus(fd, at),
    // The standard streams are no folders.
    fd_prestat_get: () => ERRNO.badf,
    fd_prestat_dir_name: () => ERRNO.badf,
    poll_oneoff: (subscriptions, events, count, ready) =>
      polled(this.memory, { subscriptions, events, count, ready }, this.#senses),
    sched_yield: () => ERRNO.success,
    proc_exit: (status) => {
      throw new ExitError(status >>> 0)
    },
  }

  #denial(name: string): Call {
    return () => {
      this.#outside.denied(`wasi_snapshot_preview1#${name}`)
      return name.startsWith('path_') || name.startsWith('sock_') ? ERRNO.notcapable : ERRNO.nosys
    }
  }

  #environment(): readonly string[] {
    return Object.entries(this.#outside.env).map(([name, value]) => `${name}=${value}`)
  }

  #sizes(texts: readonly string[], count: number, size: number): number {
    this.memory.setU32(count, texts.length)
    this.memory.setU32(
      size,
      texts.reduce((sum, text) => sum + Buffer.byteLength(text) + 1, 0),
    )
    return ERRNO.success
  }

  #texts(texts: readonly string[], list: number, bytes: number): number {
    let at = bytes >>> 0
    for (const [index, text] of texts.entries()) {
      const encoded = Buffer.from(`${text}\0`)
      this.memory.setU32((list >>> 0) + 4 * index, at)
      this.memory.bytes(at, encoded.length).set(encoded)
      at += encoded.length
    }
    return ERRNO.success
  }

  #clock(clock: number, at: number, value: (clock: number) => bigint): number {
    if (clock !== CLOCK.realtime && clock !== CLOCK.monotonic) return ERRNO.inval
    this.memory.setU64(at, value(clock))
    return ERRNO.success
  }

  /** Nanoseconds, of the clock of the machine or of one that nobody sets. */
  #now(clock: number): bigint {
    if (clock === CLOCK.realtime) return BigInt(this.#senses.wall()) * 1_000_000n
    return BigInt(Math.round(this.#senses.steady() * 1e6))
  }

  #random(at: number, length: number): number {
    if (length >>> 0 > RANDOM_BYTES) throw new LiftError(`it asked for ${length >>> 0} random bytes at once`)
    this.memory.bytes(at, length).set(this.#senses.random(length >>> 0))
    return ERRNO.success
  }

  #read(fd: number, list: number, count: number, read: number): number {
    if (fd !== FD.stdin) return ERRNO.badf
    this.#stdin ??= this.#outside.stdin?.() ?? new Uint8Array()
    let total = 0
    for (const range of this.memory.ranges(list, count)) {
      const part = this.#stdin.subarray(0, range.length)
      range.set(part)
      this.#stdin = this.#stdin.subarray(part.length)
      total += part.length
      if (this.#stdin.length === 0) break
    }
    this.memory.setU32(read, total)
    return ERRNO.success
  }

  #write(fd: number, list: number, count: number, written: number): number {
    if (fd !== FD.stdout && fd !== FD.stderr) return ERRNO.badf
    let total = 0
    for (const range of this.memory.ranges(list, count)) {
      // The range is the guest's, who writes into it again.
      // What is too long is not copied as a whole first.
      if (fd === FD.stdout) this.#stdout.write(range.slice(0, RESULT_BYTES + 1))
      else this.#stderr.write(range)
      total += range.length
    }
    this.memory.setU32(written, total)
    return ERRNO.success
  }

  /** The standard streams are there, and no other. */
  #of(fd: number, errno: number = ERRNO.success): number {
    return fd >>> 0 > FD.stderr ? ERRNO.badf : errno
  }

  #status(fd: number, at: number): number {
    if (fd >>> 0 > FD.stderr) return ERRNO.badf
    this.memory.bytes(at, 24).fill(0)
    this.memory.view.setUint8(at >>> 0, CHARACTER_DEVICE)
    this.memory.setU64(at + 8, (fd === FD.stdin ? RIGHTS.read : RIGHTS.write) | RIGHTS.poll)
    return ERRNO.success
  }

  #fileStatus(fd: number, at: number): number {
    if (fd >>> 0 > FD.stderr) return ERRNO.badf
    this.memory.bytes(at, 64).fill(0)
    this.memory.view.setUint8((at >>> 0) + 16, CHARACTER_DEVICE)
    return ERRNO.success
  }
}
