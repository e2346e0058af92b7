declare module 'headgate:function/types@0.1.0' {
  /**
   * Text where the bytes are text (by their content type, and valid UTF-8), bytes otherwise.
   */
  export type Body = BodyText | BodyBinary;
  export interface BodyText {
    tag: 'text',
    val: string,
  }
  export interface BodyBinary {
    tag: 'binary',
    val: Uint8Array,
  }
  /**
   * A CloudEvent 1.0.
   */
  export interface Event {
    id: string,
    source: string,
    type: string,
    subject?: string,
    time?: string,
    datacontenttype?: string,
    dataschema?: string,
    extensions: Array<[string, string]>,
    data?: Body,
  }
  export interface User {
    id: string,
    email?: string,
    roles: Array<string>,
    groups: Array<string>,
  }
  /**
   * What the gateway knows about this attempt.
   */
  export interface Context {
    callId: string,
    'function': string,
    version: string,
    attempt: number,
    /**
     * Left at the start of the attempt.
     */
    deadlineMs: bigint,
    /**
     * From a validated token.
     */
    user?: User,
    /**
     * JSON, for direct calls.
     */
    parameters?: string,
  }
  export interface Payload {
    data: Body,
    datacontenttype?: string,
    /**
     * In HTTP's terms.
     */
    status?: number,
  }
  export interface Response {
    /**
     * Answered to the caller.
     */
    reply?: Payload,
    /**
     * Go back to match.
     */
    events: Array<Event>,
  }
  export interface Retry {
    message: string,
    afterMs?: bigint,
  }
  /**
   * # Variants
   *
   * ## `"validation"`
   *
   * ## `"business"`
   *
   * ## `"system"`
   *
   * ## `"timeout"`
   */
  export type FaultKind = 'validation' | 'business' | 'system' | 'timeout';
  export interface Fault {
    kind: FaultKind,
    code: string,
    message: string,
  }
  /**
   * The one way to fail; every source maps it the same way.
   */
  export type Failure = FailureRetry | FailureReject;
  /**
   * Try again, not before after-ms.
   */
  export interface FailureRetry {
    tag: 'retry',
    val: Retry,
  }
  /**
   * Dead letter at once.
   */
  export interface FailureReject {
    tag: 'reject',
    val: Fault,
  }
}
