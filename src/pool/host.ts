/** The contract of what functions reach while they run: the services behind the interfaces of their host. */

import { type CloudEvent, extension } from '../event/event.ts'
import type { FunctionPool } from './pool.ts'

/** On whose behalf something is asked. */
export interface Caller {
  /** With its version. */
  readonly function: string
  readonly callId: string
  /** 1 on the first. */
  readonly attempt: number
  /** What it handles. */
  readonly event: CloudEvent
  /** Milliseconds since the epoch: nobody waits for an answer after that. */
  readonly deadline: number
  /** Aborted when nobody waits any more, also before that. */
  readonly signal: AbortSignal
  /** What was asked on behalf of the same call before. */
  readonly asked: number
}

/** What goes wrong in the terms of the interface: `kind` is a case of its error, where it has several. */
export class HostError extends Error {
  override readonly name = 'HostError'
  readonly kind: string
  /** Of an answer that is an error. */
  readonly code: string | undefined

  constructor(
    kind: string,
    message: string,
    { code, cause }: { readonly code?: string | undefined; readonly cause?: unknown } = {},
  ) {
    super(message, cause === undefined ? undefined : { cause })
    this.kind = kind
    this.code = code
  }
}

/** Counts the functions that wait for each other: an extension of the events they are called with. */
export const DEPTH = 'calldepth'

/** How many functions wait for what handles this event. */
export const depthOf = (event: CloudEvent): number => Math.max(0, Number(extension(event, DEPTH) ?? 0) || 0)

/** Pairs of keys and values, by name. What is acknowledged is kept, as far as the store behind it does. */
export interface KeyValueStore {
  /** In the order of the keys; undefined where there is nothing. */
  get(keys: readonly string[]): Promise<readonly (Uint8Array | undefined)[]>
  has(key: string): Promise<boolean>
  /** Sets values, and removes keys that have none: all or nothing. Rejects with a HostError when a limit is passed. */
  write(changes: readonly Change[]): Promise<void>
  /** Some keys, and where to go on when there are more. */
  keys(cursor: string | undefined): Promise<KeyPage>
  /** Adds to the number that a key holds as decimal text, 0 where there is none, and returns the sum. */
  increment(key: string, by: bigint): Promise<bigint>
  /** Sets a value if what is there is still what was; false when it is not. */
  swap(key: string, was: Uint8Array | undefined, value: Uint8Array): Promise<boolean>
}

export type Change = readonly [key: string, value: Uint8Array | undefined]

export interface KeyPage {
  readonly keys: readonly string[]
  readonly cursor?: string
}

/** A request to a host that is allowed by its name. */
export interface OutgoingHttp {
  readonly method: string
  readonly scheme: 'http' | 'https'
  /** Without a port; an IPv6 address without brackets. */
  readonly host: string
  readonly port: number
  /** With the query. */
  readonly path: string
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly body: Uint8Array
  /** Whether it may be at a private, loopback or link-local address. */
  readonly private: boolean
  readonly responseBytes: number
  readonly timeoutMs: number
}

export interface IncomingHttp {
  readonly status: number
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly body: Uint8Array
}

export interface Message {
  readonly topic: string
  readonly data: Uint8Array
  readonly datacontenttype?: string | undefined
}

/** What somebody answered. */
export interface Answered {
  readonly data: Uint8Array
  readonly datacontenttype?: string | undefined
  readonly status?: number | undefined
}

/** What the gateway does for functions. All of it rejects with a HostError, and soon after `signal` is aborted. */
export interface Host {
  /** Rejects with `no-such-store` where there is none of that name. */
  store(name: string): Promise<KeyValueStore>
  /** Makes one request, no redirect followed. `kind` is a code of wasi:http; `private` for an address that is refused. */
  send(request: OutgoingHttp, caller: Caller): Promise<IncomingHttp>
  /** Resolves once the message is accepted and the broker has it. */
  publish(message: Message, caller: Caller): Promise<void>
  /** Resolves with the reply of the route that takes it. */
  request(message: Message, caller: Caller, timeoutMs: number | undefined): Promise<Answered>
  /** Runs another function, JSON parameters. */
  call(name: string, parameters: string, caller: Caller, pool: Pick<FunctionPool, 'invoke'>): Promise<Answered>
}
