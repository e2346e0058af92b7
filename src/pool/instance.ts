/** One running copy of a function inside a worker, whatever interface it speaks. */

import type { CloudEvent } from '../event/index.ts'
import { evaluateKept } from './compiled.ts'
import type { CoreCapture } from './exports.ts'
import type { Grants } from './grants.ts'
import type { Interface } from './interface.ts'
import type { Lifted } from './lift.ts'
import type { CallContext } from './lower.ts'
import type { Entry, RecordRule, Reuse } from './pool.ts'
import type { Port } from './port.ts'
import type { Reel } from './tape.ts'
import { LiftDecoder, liftList, liftSlice } from './wasi/budget.ts'
import type { Denied } from './wasi/denial.ts'
import type { Level } from './wasi/index.ts'
import type { Draft } from './wasi/keyvalue.ts'

/** A function as the workers get it: transpiled and compiled once, in the main thread. */
export interface FunctionCode {
  readonly name: string
  readonly version: string
  readonly entry?: Entry | undefined
  readonly env: Readonly<Record<string, string>>
  readonly grants: Grants
  readonly timeoutMs: number
  readonly memoryBytes: number
  readonly reuse?: Reuse | undefined
  readonly output?: 'outcome' | undefined
  readonly speaks: Interface
  /** Of its file, in hexadecimal. */
  readonly sha256: string
  readonly record?: RecordRule | undefined
  /** Whether it waits for what it asks of the gateway while others run: each of its calls has an instance then. */
  readonly suspends: boolean
  readonly draft?: Draft | undefined
  /** What jco made of the component: the body of a function that returns `instantiate`. UTF-8, shared by all workers. */
  readonly source: Uint8Array
  /** Where what V8 makes of the source is kept; undefined when nowhere. */
  readonly compiled?: string | undefined
  /** The core modules by the names that the source asks for. */
  readonly modules: ReadonlyMap<string, WebAssembly.Module>
}

/** What jco generates with `instantiation: 'sync'`. */
export type Instantiate = (
  module: (name: string) => WebAssembly.Module | undefined,
  imports: Readonly<Record<string, object>>,
  instantiateCore: CoreCapture['instantiate'],
) => unknown

/** What is to be known of a guest while it runs. */
export interface Notes {
  readonly log: (level: Level, text: string) => void
  readonly denied: Denied
  /** Makes the senses of one copy; it has those of the world, and nothing is recorded, when absent. */
  readonly reel?: () => Reel
  /** Its way out, if it may wait. */
  readonly port?: Port
}

/** A function started, with room for one call at a time. */
export interface Instance {
  /** Bytes of linear memory. */
  readonly bytes: number
  /** True when it has lived long enough. */
  readonly worn: boolean
  /** True when `renew` spares the next call some work. */
  readonly spent: boolean
  /** Of the copy that ran last. */
  readonly reel: Reel
  renew(): void
  /**
   * Runs one call, and hands what the guest returned to `take` while it is valid. Whatever this throws, the instance
   * is in no state to be called again.
   */
  call(event: CloudEvent, context: CallContext, take: (lifted: Lifted) => void): void
}

/** A function started that may wait in the middle of its one call. */
export interface SuspendingInstance {
  readonly bytes: number
  readonly worn: boolean
  /** Runs one call, as `call` of an `Instance` does. Resolves when it has ended, and never when it was dropped. */
  wait(event: CloudEvent, context: CallContext, take: (lifted: Lifted) => void): Promise<void>
  /** Its call is dropped: gives back what that holds of the host. */
  drop(): void
}

/** Evaluates what jco generated: it copies what a guest passes under a budget. */
export function evaluate(code: FunctionCode): Instantiate {
  const source = `(function(liftSlice,liftList,TextDecoder){${new TextDecoder().decode(code.source)}\n})`
  // Not by the name of the function: what is kept is of the component, which may have several.
  const made = evaluateKept(source, 'headgate-function', code.compiled) as (...given: unknown[]) => Instantiate
  return made(liftSlice, liftList, LiftDecoder)
}
