/** What a connector may ask about calls and about the gateway's health. */

import type { ErrorType } from '../errors.ts'

/** The final answer of a call. */
export interface CallReply {
  readonly callId: string
  readonly status: 'ok' | 'error'
  readonly data?: Uint8Array
  readonly datacontenttype?: string
  /** The status a function chose, in HTTP's terms. */
  readonly httpStatus?: number
  /** An instance was made for the call, which waited for that; of an error, as far as the function itself ended with it. */
  readonly cold?: true
  readonly error?: {
    readonly type: ErrorType
    readonly code: string
    readonly message: string
    readonly retryAfterMs?: number
  }
}

export interface CallState {
  readonly callId: string
  /** `pending` until there is a reply, `done` or `dead` with it. */
  readonly state: 'pending' | 'done' | 'dead'
  readonly acceptedAt: string
  readonly attempts: number
  readonly reply?: CallReply
}

export interface CallPort {
  /**
   * Waits for the reply of a call that is about to be emitted; ask before emitting. Rejects with the reason of
   * `signal`, and forgets the wait, when that is aborted.
   */
  reply(callId: string, signal: AbortSignal): Promise<CallReply>
  /** What is known of a call, or undefined when the journal holds none of that name. */
  find(callId: string): Promise<CallState | undefined>
  /** The caller went away: work that has not begun is not done. */
  cancel(callId: string): void
  /** Names of the functions that may be called by name, `<service>/<name>` for those of a service. */
  functions(): readonly string[]
}

/** One thing that must work for the gateway to be ready. */
export interface Check {
  readonly name: string
  readonly ok: boolean
  /** When not ok: what is wrong and what to do. */
  readonly detail?: string
}

export interface HealthPort {
  /** True while the process can do its work at all. */
  alive(): boolean
  /** Each check; the gateway is ready when all are ok. */
  ready(): Promise<readonly Check[]>
}
