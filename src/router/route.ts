/** A route as the gateway runs it: plain data, every default filled in by the configuration's schema. */

/** Where a route takes events from. */
export type From =
  /** Every event of a named source (or of `call`, `function`, `http`: POST /events), at any address or at one. */
  | { readonly kind: 'source'; readonly source: string; readonly address?: string }
  /** An MQTT topic filter, with + and #. */
  | { readonly kind: 'mqtt'; readonly filter: string }
  /** An HTTP method (or *) and a path pattern: `:name` is a segment, a * at the end is any rest. */
  | { readonly kind: 'http'; readonly method: string; readonly path: string }
  /** Every event, wherever it came in. */
  | { readonly kind: 'any' }

/**
 * Where a route sends events to. `text` names the lane: the target as written, and a function by its version, if it has
 * one, also where that was not written.
 */
export type Target =
  | { readonly kind: 'function'; readonly text: string; readonly name: string; readonly version?: string }
  | { readonly kind: 'sink'; readonly text: string; readonly name: string }
  | { readonly kind: 'mqtt'; readonly text: string; readonly topic: string; readonly mode: 'binary' | 'structured' }

/** Attributes by name, each with the text that it is, begins with, or ends with. */
export type FilterAttributes = Readonly<Record<string, string>>

/** A filter of the CloudEvents Subscriptions API, 3.2.4: one dialect, and what it holds. */
export type Filter =
  | { readonly exact: FilterAttributes }
  | { readonly prefix: FilterAttributes }
  | { readonly suffix: FilterAttributes }
  | { readonly all: readonly Filter[] }
  | { readonly any: readonly Filter[] }
  | { readonly not: Filter }
  /** CESQL 1.0. */
  | { readonly sql: string }

/** How often and how far apart a delivery is tried again. Counts re-tries: `max` 5 is six attempts in all. */
export interface RetryPolicy {
  readonly max: number
  readonly backoff: 'exponential' | 'linear' | 'constant'
  readonly delayMs: number
  readonly capMs: number
  readonly jitter: 'full' | 'none'
  /** No attempt begins later than this after the event was accepted. */
  readonly maxAgeMs?: number
  /** Error codes and types that are not tried again. */
  readonly except: readonly string[]
}

/** When, and how many at once, deliveries of a route are made: all of it counts on the journal's timer. */
export interface Controls {
  /** No attempt begins earlier than this after the event was accepted. */
  readonly delayMs?: number
  /** Deliveries of one target under way at once that have the same value of `key`, a CEL expression. */
  readonly concurrency?: { readonly limit: number; readonly key: string }
  /** Of the events of one value of `key`, a CEL expression, only the last is delivered; without a key, of all. */
  readonly debounce?: { readonly key?: string; readonly waitMs: number; readonly maxWaitMs?: number }
  /** Events of one value of `key`, a CEL expression, are taken once in `windowMs`. */
  readonly dedupe?: { readonly key: string; readonly windowMs: number }
  /** Up to `max` events, for which the first waits `waitMs`, are delivered with one invocation. */
  readonly batch?: { readonly max: number; readonly waitMs: number }
  /** After `failures` failed attempts in a row a target rests for `openMs`; then one delivery tries whether it works. */
  readonly breaker?: { readonly failures: number; readonly openMs: number }
  /** Attempts that may begin in any `perMs`: of one target, and of one value of `key`, a CEL expression, if there is one. */
  readonly rate?: { readonly limit: number; readonly perMs: number; readonly key?: string }
}

/** What becomes of an event before its targets get it, and of an answer before the caller does: one of them at least. */
export interface Transforms {
  readonly event?: string
  readonly reply?: string
}

/** What tells whether the newest of a route's weighted versions is as good as it has to be. */
export interface Canary {
  /** The share of its calls that must succeed, above 0 and up to 1. */
  readonly successRate: number
  /** What 99 of 100 calls may take. */
  readonly p99Ms?: number
  /** Calls that decide. */
  readonly minCalls: number
  readonly autoPromote: boolean
  readonly autoRollback: boolean
}

export interface Route {
  readonly name: string
  readonly from: readonly From[]
  /** CEL over attributes, extensions, `data`, `topic`. */
  readonly when?: string
  /** All of them must pass, beside `when`. */
  readonly filters?: readonly Filter[]
  /** Asked only for events that no route without it takes. */
  readonly default?: true
  readonly to: readonly Target[]
  /** One for each target, in the order of `to`: one target gets an event, chosen by its key. Absent: all get it. */
  readonly weights?: readonly number[]
  /** Of a route whose targets are versions of one function. */
  readonly canary?: Canary
  /** Targets that get nothing new: earlier versions, with which deliveries began. Known once the route is to run. */
  readonly versions?: readonly Target[]
  readonly retry: RetryPolicy
  readonly deadLetter?: Target
  /** Gets what is given up before it is a dead letter. */
  readonly fallback?: Target
  /** CEL; deliveries with the same value go one at a time, in order. */
  readonly orderBy?: string
  /** Deliveries of one target under way at once. */
  readonly concurrency: number
  /** Of one attempt. */
  readonly timeoutMs: number
  /** `auto`: direct for a waiting HTTP call, durable for everything else. */
  readonly delivery: 'auto' | 'durable' | 'direct'
  /** JSONata. Absent where there is none: such a route is asked this one thing. */
  readonly transforms?: Transforms
  /** Absent where there is none: such a route is asked this one thing. A route that has any is never run directly. */
  readonly controls?: Controls
}

/** The lane that offers again what the path refused for good: no route of a configuration has such a name. */
export const OFFERS = { route: '(offer)', to: 'routes' } as const
