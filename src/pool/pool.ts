/** The contract of the function pool: warm Wasm instances behind one call. */

import type { GatewayError } from '../errors.ts'
import type { CloudEvent, EventDraft } from '../event/index.ts'
import type { Allow } from './allow-options.ts'
import type { Denials, Grants } from './grants.ts'

export type { Denials, DirGrant, Grants, HostGrant } from './grants.ts'

/** One call of a function. */
export interface Call {
  /** `name@version`, or `name` for the newest version. */
  readonly function: string
  readonly event: CloudEvent
  /** The event encoded, where that is at hand: it is not encoded again then. Of another event it is ignored. */
  readonly draft?: EventDraft | undefined
  readonly callId: string
  /** 1 on the first attempt. */
  readonly attempt: number
  /** Milliseconds since the epoch; the instance is ended then. */
  readonly deadline: number
  /** JSON, for direct calls. */
  readonly parameters?: string
  /** The pool enters here what it knows of the call, also of one that fails. */
  readonly spent?: Spent
}

/** Where a call ran, and for how long: entered as it becomes known, the last when it ran more than once. */
export interface Spent {
  /** Milliseconds until an instance had it, and on the way there and back. */
  queueMs?: number | undefined
  /** Milliseconds inside the instance. */
  runMs?: number | undefined
  /** The thread that ran it: a number from 1 on. */
  worker?: number | undefined
  cold?: boolean | undefined
  /** What its instance had of linear memory when it ended; entered where there is a number already. */
  memoryBytes?: number
  /** What the call was given while it ran, as `encodeRecording` writes it; of a call that failed, unless told otherwise. */
  recording?: Uint8Array | undefined
  /** What it was denied, also of a call that did not end by itself. */
  denied?: readonly Lack[] | undefined
}

/** One thing that a call was denied. */
export interface Lack {
  /** With the line of YAML that would allow it. */
  readonly message: string
  /** The value in that line, where there is one. */
  readonly allow?: Allow
}

/** Of which calls it is kept what they were given while they ran, and how many bytes of that at most. */
export interface RecordRule {
  readonly when: 'failure' | 'always' | 'never'
  readonly bytes: number
}

/** What a function answered. */
export interface Result {
  readonly reply?: { readonly data: Uint8Array; readonly datacontenttype?: string; readonly status?: number }
  /** Events that go back to match. */
  readonly events: readonly CloudEvent[]
  /** What became of each item of a batch, in their order, when the function says so. */
  readonly items?: readonly ItemOutcome[]
  /** Milliseconds inside the instance. */
  readonly runMs: number
  /** True when the call had to wait for an instance to be made. */
  readonly cold: boolean
}

/** What became of one item of a batch: its answer, JSON, or why it has none. */
export type ItemOutcome =
  | { readonly data: Uint8Array; readonly datacontenttype: string }
  | { readonly error: GatewayError }

/** A call that a function must answer before it gets any other. */
export interface Probe {
  readonly event: CloudEvent
  /** What it must answer, as a value where that is JSON; anything when absent. */
  readonly reply?: unknown
  readonly timeoutMs: number
}

/** Calls that an instance lives for: each draws its own of this range. */
export interface Reuse {
  readonly least: number
  readonly most: number
}

/** When a function needs more instances than `min`. */
export interface WarmHint {
  /** As `Slots` takes it. */
  readonly schedule: string
  readonly timezone: string
  /** Instances from each slot of the schedule on. */
  readonly min: number
  /** How long they are kept at least; `idleMs` when absent. */
  readonly forMs?: number
}

/** Where a function stands in the configuration, for those who are to change it. */
export interface Entry {
  /** Its key under `functions`. */
  readonly key: string
  /** Its file, where the entry is that alone, or there is none: it has no room for options then. */
  readonly wasm?: string
}

/** A function as configured. */
export interface FunctionSpec {
  readonly name: string
  readonly version?: string
  /** Under its name when absent. */
  readonly entry?: Entry
  /** Path of the file, absolute. */
  readonly wasm: string
  readonly min: number
  readonly max: number
  readonly idleMs: number
  /** As long as they are sound when absent. 1 is a fresh instance for each call. */
  readonly reuse?: Reuse
  readonly warm?: readonly WarmHint[]
  readonly timeoutMs: number
  /** Bytes that each linear memory may grow to. */
  readonly memoryBytes: number
  readonly env: Readonly<Record<string, string>>
  /** What it may reach beyond that; nothing when absent. */
  readonly grants?: Grants
  /** Calls that fail, up to RECORD_BYTES, when absent. */
  readonly record?: RecordRule
  readonly probe?: Probe
  /** Its answers are `{ success, data, error, metadata }`; a reply as it stands when absent. */
  readonly output?: 'outcome'
  /** What it may ask for that no version before it did, such as `wasi:sockets`. */
  readonly approve?: readonly string[]
}

/** Where a line that a function wrote goes: the gateway's log. */
export type FunctionLog = (line: {
  readonly function: string
  readonly callId: string
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  readonly message: string
}) => void

/** One thing that a call of a function was denied. */
export interface Denial extends Lack {
  readonly function: string
  readonly callId: string
}

/** Is told what functions are denied. */
export type FunctionDenied = (denial: Denial) => void

export interface FunctionStats {
  readonly function: string
  readonly version?: string
  readonly instances: number
  /** Calls running or on their way to an instance. */
  readonly busy: number
  /** Calls that wait for room. */
  readonly queued: number
  readonly max: number
  readonly memoryBytes: number
  readonly memoryLimitBytes: number
  readonly coldStarts: number
  /** Whether nothing of it begins for now: most of its calls break, and others are called. */
  readonly resting: boolean
  /** Times that a call asked its host for what it was not given, by what is lacking. */
  readonly denied: Denials
}

export interface FunctionPool extends AsyncDisposable {
  /**
   * Runs a call on a warm instance, waiting in a bounded queue when all are busy.
   *
   * Rejects with `OVERLOADED` when the queue is full, `FUNCTION_TRAPPED`, `FUNCTION_TIMED_OUT`,
   * `FUNCTION_OUT_OF_MEMORY`, `FUNCTION_RETRY` (after `retryAfterMs`) or `FUNCTION_REJECTED`; `FUNCTION_UNKNOWN` when
   * there is none of that name; with the reason of `signal` when that is aborted: before the call began it is simply
   * not made, after that its instance is discarded.
   */
  invoke(call: Call, signal: AbortSignal): Promise<Result>
  /** Calls that could begin or queue now without being refused. */
  free(name: string): number
  /** Resolves when the function has its `min` instances warm and one has run; rejects with why not. */
  ready(name: string): Promise<void>
  stats(): readonly FunctionStats[]
}
