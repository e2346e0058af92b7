/** What a broken call is called: the errors that come out of a guest, as codes, messages and fingerprints. */

import type { Fault } from './answer.ts'
import { LiftError } from './wasi/budget.ts'
import { ExitError } from './wasi/exit.ts'

/** A frame of a stack inside WebAssembly: `at name (wasm://wasm/hash:wasm-function[12]:0x1f3)`. */
const FRAME = /(?:at ([^\s(]+) \()?wasm:\/\/[^\s)]*:wasm-function\[(\d+)\]:(0x[0-9a-f]+)/g
/** What languages print when memory runs out and they give up. */
const NO_MEMORY = /out of memory|memory allocation of \d+ bytes failed|cannot allocate memory/i

/** Tells whether a line says that memory ran out. */
export const complains = (line: string): boolean => NO_MEMORY.test(line)

/** What Rust writes below the words of a panic: it says nothing of this one, and would stand where those are looked for. */
const ADVICE = /^note: run with `RUST_BACKTRACE=/

/** Whether a line may say what a call ended of. */
export const tells = (line: string): boolean => !ADVICE.test(line)

/** Share of the cap in use at which an unexplained trap counts as running out. */
const NEARLY_FULL = 0.8

/** What is known about the guest that threw. */
export interface Circumstances {
  /** The function's name. */
  readonly name: string
  readonly bytes: number
  readonly capBytes: number
  /** The last line it wrote in this call. */
  readonly lastLine: string
  /** True when a line of this call says that memory ran out. */
  readonly complained: boolean
}

/** Returns the error of a call that ended in a trap. */
export function faultOf(thrown: unknown, guest: Circumstances): Fault {
  const message = thrown instanceof Error ? thrown.message : String(thrown)
  const site = siteOf(thrown)
  const of = (what: string) => `${guest.name} (function): running: ${what}`
  if (thrown instanceof ExitError)
    return {
      code: 'FUNCTION_TRAPPED',
      message: of(`it ${message}; return instead`),
      fingerprint: `exit:${thrown.status}`,
    }
  if (thrown instanceof LiftError) return { code: 'FUNCTION_TRAPPED', message: of(message), fingerprint: 'result' }
  if (isStackOverflow(thrown))
    return {
      code: 'FUNCTION_TRAPPED',
      message: of('stack overflow; it calls itself too deep'),
      fingerprint: 'stack-overflow',
    }
  if (isOutOfMemory(message, guest))
    return {
      code: 'FUNCTION_OUT_OF_MEMORY',
      message: of(`out of memory: ${mib(guest.bytes)} of ${mib(guest.capBytes)} in use; raise memory`),
      fingerprint: `memory@${site}`,
    }
  const last = guest.lastLine === '' ? '' : `; its last line was ${JSON.stringify(guest.lastLine.slice(0, 200))}`
  return {
    code: 'FUNCTION_TRAPPED',
    message: of(`it trapped: ${message} at ${site}${last}`),
    fingerprint: `${message}@${site}`,
  }
}

/** Returns the error of an instance that could not be made. */
export function startFaultOf(thrown: unknown, guest: Circumstances): Fault {
  if (thrown instanceof RangeError && /memory/i.test(thrown.message))
    return {
      code: 'OVERLOADED',
      message: `${guest.name} (function): making an instance: no address space; each linear memory reserves 8 GiB, lower pool.max or raise ulimit -v`,
      retryAfterMs: 1_000,
    }
  return faultOf(thrown, guest)
}

/** Names the innermost function of the guest on the stack; stable for as long as the file is the same. */
const siteOf = (thrown: unknown): string => framesOf(thrown)[0]?.slice(0, SITE) ?? 'its host'

/** Characters of a function's name and place. */
const SITE = 200

/** The functions of the guest on the stack, the innermost first. */
export const framesOf = (thrown: unknown): readonly string[] =>
  [...((thrown instanceof Error && thrown.stack) || '').matchAll(FRAME)].map(
    ([, name, index, offset]) => `${name ?? `wasm-function[${index}]`}:${offset}`,
  )

const isStackOverflow = (thrown: unknown): boolean => thrown instanceof RangeError && /call stack/i.test(thrown.message)

const isOutOfMemory = (message: string, guest: Circumstances): boolean =>
  guest.complained || NO_MEMORY.test(message) || guest.bytes >= NEARLY_FULL * guest.capBytes

const mib = (bytes: number): string => `${Math.round(bytes / 2 ** 18) / 4} MiB`
