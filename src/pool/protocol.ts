/** What the main thread and a worker say to each other beside calls and answers. */

import type { Fault } from './answer.ts'
import type { Denials } from './grants.ts'
import type { FunctionCode } from './instance.ts'
import type { Level } from './wasi/index.ts'

/** What a worker is started with. */
export interface ThreadData {
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
  /** A call ends that was denied something: how often, by what is lacking, and what was told of it. Before its answer. */
  | {
      readonly kind: 'denied'
      readonly fn: number
      readonly slot: number
      readonly callId: string
      readonly times: Denials
      readonly told: readonly string[]
    }
