/** What the main thread and a worker say to each other beside calls and answers. */

import type { MessagePort } from 'node:worker_threads'
import type { Fault } from './answer.ts'
import type { Denials } from './grants.ts'
import type { FunctionCode } from './instance.ts'
import type { Lack } from './pool.ts'
import type { Level } from './wasi/index.ts'

/** What a worker is started with. */
export interface ThreadData {
  /** Where it tells: of the port that a worker has by itself the main thread cannot read when it wants to. */
  readonly port: MessagePort
  readonly control: SharedArrayBuffer
  readonly functions: readonly FunctionCode[]
}

/** Asks a worker to have this many instances of a function. */
export interface Hold {
  readonly fn: number
  readonly count: number
  /** Whether the function is to be called once, when it never was in this worker: also when none is to stay. */
  readonly warm: boolean
}

/** What a worker tells. */
export type Report =
  | { readonly kind: 'ready' }
  /** How many instances of a function it has now, their bytes, and how many it made since the last report. */
  | {
      readonly kind: 'instances'
      readonly fn: number
      readonly count: number
      readonly bytes: number
      readonly made: number
    }
  /** A `Hold` is done, in the order they were asked; with the reason when it could not be. */
  | { readonly kind: 'held'; readonly fn: number; readonly fault?: Fault }
  /** A function wrote a line. */
  | {
      readonly kind: 'line'
      readonly fn: number
      readonly callId: string
      readonly level: Level
      readonly message: string
    }
  /** A call ends of which it is kept what it was given. Before its answer. */
  | { readonly kind: 'recording'; readonly slot: number; readonly recording: Uint8Array }
  /**
   * A call was denied something: how often since it was last told, by what is lacking, and what was not told before. Told
   * at once, as the call may be ended any time; what was told already is counted when it ends by itself.
   */
  | {
      readonly kind: 'denied'
      readonly fn: number
      readonly slot: number
      readonly callId: string
      readonly times: Denials
      readonly lack?: Lack
    }
