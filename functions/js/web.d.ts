/** What the build gives a function of what browsers have, as far as it goes: functions/README.md, "What JavaScript has". */

/** Sends a request to where `allow: { http: [...] }` lets it. No redirect is followed. */
declare function fetch(target: string, options?: FetchOptions): Promise<FetchResponse>

interface FetchOptions {
  readonly method?: string
  readonly headers?: Headers | Readonly<Record<string, string>> | Iterable<readonly [name: string, value: string]>
  readonly body?: string | Uint8Array | ArrayBuffer | null
  readonly signal?: AbortSignal | null
}

/** It is there as a whole, and read once. */
interface FetchResponse {
  readonly status: number
  readonly ok: boolean
  readonly url: string
  readonly headers: Headers
  readonly bodyUsed: boolean
  text(): Promise<string>
  json(): Promise<unknown>
  bytes(): Promise<Uint8Array>
  arrayBuffer(): Promise<ArrayBuffer>
}

declare class Headers implements Iterable<[string, string]> {
  constructor(given?: Headers | Readonly<Record<string, string>> | Iterable<readonly [name: string, value: string]>)
  get(name: string): string | null
  getSetCookie(): string[]
  has(name: string): boolean
  set(name: string, value: string): void
  append(name: string, value: string): void
  delete(name: string): void
  forEach(tell: (value: string, name: string, headers: Headers) => void): void
  entries(): IterableIterator<[string, string]>
  keys(): IterableIterator<string>
  values(): IterableIterator<string>
  [Symbol.iterator](): IterableIterator<[string, string]>
}

declare class AbortSignal {
  static timeout(ms: number): AbortSignal
  static abort(reason?: unknown): AbortSignal
  readonly aborted: boolean
  readonly reason: unknown
  throwIfAborted(): void
  addEventListener(type: 'abort', listener: () => void): void
  removeEventListener(type: 'abort', listener: () => void): void
}

declare class AbortController {
  readonly signal: AbortSignal
  abort(reason?: unknown): void
}

declare function setTimeout<T extends unknown[]>(work: (...given: T) => void, ms?: number, ...given: T): number
declare function clearTimeout(id: number | undefined): void

/** Into the gateway's log. */
declare const console: Readonly<Record<'debug' | 'log' | 'info' | 'warn' | 'error', (...values: unknown[]) => void>>

/** UTF-8 alone. */
declare class TextEncoder {
  readonly encoding: 'utf-8'
  encode(text?: string): Uint8Array
}

declare class TextDecoder {
  constructor(label?: string, options?: { readonly fatal?: boolean; readonly ignoreBOM?: boolean })
  readonly encoding: 'utf-8'
  decode(bytes?: Uint8Array | ArrayBuffer): string
}
