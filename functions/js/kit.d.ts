/** The types of the author's kit. Those of the interface are generated from functions/wit. */

/// <reference path="./generated/full.d.ts" />

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

/** Wraps a function: whatever it throws becomes a failure. */
export declare function define(
  work: (event: Event, context: Context) => Answer,
): (event: Event, context: Context) => Response
