/** The types of the author's kit. Those of the interface are generated from functions/wit. */

/// <reference path="./generated/full.d.ts" />
/// <reference path="./web.d.ts" />

export type Event = import('headgate:function/types@0.1.0').Event
/** What engines give as 64 bits, a bigint or a number, is a number here. */
export type Context = Omit<ContextOf64Bits, 'deadlineMs'> & { readonly deadlineMs: number }
type ContextOf64Bits = import('headgate:function/types@0.1.0').Context
export type Payload = import('headgate:function/types@0.1.0').Payload
export type Response = import('headgate:function/types@0.1.0').Response
export type FaultKind = import('headgate:function/types@0.1.0').FaultKind

/** Refuses the event: dead letter at once. */
export declare class Rejected extends Error {
  constructor(kind: FaultKind, code: string, message: string)
  readonly kind: FaultKind
  readonly code: string
}

/** Asks for another attempt, not before `afterMs`. */
export declare class TryAgain extends Error {
  constructor(message: string, afterMs?: number)
  readonly afterMs: number | undefined
}

/** The gateway's log. */
export declare const logger: Readonly<Record<'debug' | 'info' | 'warn' | 'error', (message: unknown) => void>>

/** The event's data as a value: parsed when it is JSON, text when it is text, bytes otherwise. Nothing checks that it is a T. */
export declare function dataOf<T = unknown>(event: Event): T | undefined

/** The items of a batch, and its name; undefined for anything else. */
export declare function batchOf<T = unknown>(
  context: Context,
): { readonly items: readonly T[]; readonly batch_id: string } | undefined

/** Answers with JSON. */
export declare function json(value: unknown, status?: number): Payload

/** An event to emit, with JSON data; `id` must be stable across attempts of the same event. */
export declare function emit(source: string, type: string, id: string, value: unknown): Event

/** What a function returns; nothing is no reply. */
export type Answer = Partial<Response> | undefined

/** Wraps a function, asynchronous or not: whatever it throws becomes a failure. */
export declare function define(
  work: (event: Event, context: Context) => Answer | PromiseLike<Answer>,
): (event: Event, context: Context) => Response

/** What the host answered with in place of a value; `code` is such as `access-denied`, or that of whom was asked. */
export declare class HostError extends Error {
  readonly code: string | undefined
}

/** A value of `allow: { config: ... }`; undefined when there is none of that name. */
export declare function config(name: string): string | undefined

/** The store of that name, of `allow: { kv: [...] }`: it outlives the function, and all of its instances share it. */
export declare function store(name: string): Store

export interface Store {
  /** Undefined when there is none of that key, and so of `text` and `json`. */
  readonly bytes: (key: string) => Uint8Array | undefined
  readonly text: (key: string) => string | undefined
  /** Nothing checks that it is a T. */
  readonly json: <T = unknown>(key: string) => T | undefined
  /** Bytes and texts as they are, anything else as JSON. Once it returns the value is on disk. */
  readonly set: (key: string, value: unknown) => void
  readonly has: (key: string) => boolean
  readonly delete: (key: string) => void
  /** Adds to a decimal number, in one step for whoever else does, and returns the sum. */
  readonly increment: (key: string, by?: number) => number
  readonly keys: () => string[]
}

/** Publishes bytes, a text or JSON to a topic of `allow: { messaging: { publish: [...] } }`. */
export declare function publish(topic: string, value: unknown, datacontenttype?: string): void

/** Asks the route that takes a topic of `allow: { messaging: { request: [...] } }`, and returns its answer. */
export declare function request<T = unknown>(
  topic: string,
  value: unknown,
  options?: { readonly timeoutMs?: number },
): T

/** Calls another function, of `allow: { call: [...] }`, and returns its reply. */
export declare function call<T = unknown>(name: string, parameters?: unknown): T
