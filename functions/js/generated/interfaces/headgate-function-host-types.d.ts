declare module 'headgate:function/host-types@0.1.0' {
  export interface Problem {
    /**
     * As in the reply of a call, such as NO_ROUTE or the function's own.
     */
    code: string,
    message: string,
  }
  export type Error = ErrorDenied | ErrorTimeout | ErrorFailed | ErrorUnavailable;
  /**
   * `allow` does not name it.
   */
  export interface ErrorDenied {
    tag: 'denied',
  }
  /**
   * No answer within the time, which is the caller's own at most.
   */
  export interface ErrorTimeout {
    tag: 'timeout',
  }
  /**
   * It answered with an error.
   */
  export interface ErrorFailed {
    tag: 'failed',
    val: Problem,
  }
  /**
   * It was not taken: no room, or the gateway is stopping.
   */
  export interface ErrorUnavailable {
    tag: 'unavailable',
    val: string,
  }
}
