/** The contract of replies: each call gets its answer, on its topic and to the HTTP caller that waits for it. */

import type { ErrorType } from '../errors.ts'
import { CALL_EXTENSIONS, type CloudEvent, extension } from '../event/index.ts'

export interface Reply {
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

/** The topic that a call is answered on. */
export const replyTopic = (event: CloudEvent, callId: string): string =>
  extension(event, CALL_EXTENSIONS.replyTo) ?? `replies/${callId}`

export interface ReplyPublisher {
  /**
   * Answers the call that `event` is. Resolves once the broker holds the reply, sessions that are away included. A
   * reply may be published twice; `callId` lets callers tell.
   */
  publish(reply: Reply, event: CloudEvent): Promise<void>
  /**
   * The call `event`, and whoever waits for `callId`, get the reply of `first` when it comes: they repeat it. Kept in
   * memory alone: after a crash the caller has to ask again.
   */
  follow(callId: string, first: string, event: CloudEvent): void
}
