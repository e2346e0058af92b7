/** The error table and the one error class: what an error means to an event, to its caller and to the operator. */

/** What an error means to an at-least-once system: try again, give the event up, or stop accepting. */
export type Disposition = 'retry' | 'reject' | 'fatal'

/** What an error means to a caller. */
export type ErrorType = 'ValidationError' | 'BusinessLogicError' | 'SystemError' | 'TimeoutError'

interface ErrorSpec {
  readonly disposition: Disposition
  readonly type: ErrorType
  readonly summary: string
}

/** Every code there is. Each is thrown somewhere and stands in the generated reference; no other is. */
export const ERRORS = {
  CONFIG_INVALID: {
    disposition: 'fatal',
    type: 'ValidationError',
    summary: 'The configuration has mistakes; each is listed with its place.',
  },
  ADDRESS_IN_USE: {
    disposition: 'fatal',
    type: 'SystemError',
    summary: 'A port that the gateway listens on is taken.',
  },
  JOURNAL_CORRUPT: {
    disposition: 'fatal',
    type: 'SystemError',
    summary: 'The journal holds bytes that are not what was written.',
  },
  JOURNAL_NEWER: {
    disposition: 'fatal',
    type: 'SystemError',
    summary: 'The journal was written by a newer version of Headgate.',
  },
  JOURNAL_LOCKED: { disposition: 'fatal', type: 'SystemError', summary: 'Another process has the journal open.' },
  JOURNAL_IO: {
    disposition: 'fatal',
    type: 'SystemError',
    summary:
      'The disk refused to keep what was written; nothing more is acknowledged. The gateway ends, with 74, or by SIGABRT when a write failed inside LMDB; started again, it has lost nothing.',
  },
  JOURNAL_FULL: {
    disposition: 'retry',
    type: 'SystemError',
    summary: 'The journal has no room; sources pause until deliveries settle or space is freed.',
  },
  OVERLOADED: {
    disposition: 'retry',
    type: 'SystemError',
    summary: 'No free capacity; try again after the time given.',
  },
  STOPPING: { disposition: 'retry', type: 'SystemError', summary: 'The gateway is stopping and takes nothing new.' },
  EVENT_INVALID: {
    disposition: 'reject',
    type: 'ValidationError',
    summary: 'An event or envelope breaks a rule of its format.',
  },
  EVENT_TOO_LARGE: {
    disposition: 'reject',
    type: 'ValidationError',
    summary:
      'An event is larger than all that the journal may hold, alone or beside the one that it came of; raise journal.max_size, or send less.',
  },
  EVENT_LOOP: {
    disposition: 'reject',
    type: 'SystemError',
    summary: 'An event went through functions more often than the hop limit allows.',
  },
  REPLY_TOPIC_REFUSED: {
    disposition: 'reject',
    type: 'ValidationError',
    summary: 'The caller named a reply topic that it may not use.',
  },
  BROKER_FULL: {
    disposition: 'reject',
    type: 'SystemError',
    summary: 'The broker keeps as many retained messages as it may.',
  },
  NO_ROUTE: { disposition: 'reject', type: 'ValidationError', summary: 'A call was made that no route takes.' },
  FUNCTION_UNKNOWN: {
    disposition: 'reject',
    type: 'ValidationError',
    summary: 'A call names a function that is not configured.',
  },
  FUNCTION_INVALID: {
    disposition: 'reject',
    type: 'SystemError',
    summary: 'A file is not a function that the gateway can run.',
  },
  FUNCTION_UNAPPROVED: {
    disposition: 'fatal',
    type: 'ValidationError',
    summary: 'A version of a function asks for more than those before it, and nobody approved that.',
  },
  FUNCTION_UNHEALTHY: {
    disposition: 'fatal',
    type: 'SystemError',
    summary: 'A function did not pass the probe of its configuration; it gets no other call.',
  },
  FUNCTION_TRAPPED: {
    disposition: 'retry',
    type: 'SystemError',
    summary: 'A function trapped, panicked or threw; its instance is discarded.',
  },
  FUNCTION_TIMED_OUT: {
    disposition: 'retry',
    type: 'TimeoutError',
    summary: 'A function ran past its timeout and was ended.',
  },
  FUNCTION_OUT_OF_MEMORY: {
    disposition: 'retry',
    type: 'SystemError',
    summary: 'A function wanted more memory than its cap.',
  },
  FUNCTION_RETRY: { disposition: 'retry', type: 'SystemError', summary: 'A function asked to be tried again.' },
  FUNCTION_REJECTED: {
    disposition: 'reject',
    type: 'BusinessLogicError',
    summary: 'A function refused the event; it names the kind, code and message.',
  },
  SINK_UNAVAILABLE: {
    disposition: 'retry',
    type: 'SystemError',
    summary: 'The target of a delivery could not be reached or asked to wait.',
  },
  SINK_REJECTED: {
    disposition: 'reject',
    type: 'BusinessLogicError',
    summary: 'The target of a delivery refused the event for good.',
  },
  SINK_GONE: {
    disposition: 'reject',
    type: 'BusinessLogicError',
    summary:
      'The target of a delivery is gone for good: what a route has for it waits until the sink changes or is resumed; what cannot wait is refused.',
  },
  TRANSFORM_FAILED: {
    disposition: 'reject',
    type: 'ValidationError',
    summary: 'A transform of a route cannot be evaluated on the event or the answer, or gives what is none.',
  },
  TRANSFORM_TIMED_OUT: {
    disposition: 'retry',
    type: 'TimeoutError',
    summary: 'A transform of a route ran for longer than it may, and was ended.',
  },
  SOURCE_UNAVAILABLE: { disposition: 'retry', type: 'SystemError', summary: 'A source could not reach its upstream.' },
  SLOT_LOST: {
    disposition: 'retry',
    type: 'SystemError',
    summary: 'The replication slot of a Postgres source is gone: what changed since it was read last cannot be read.',
  },
  CALL_TIMED_OUT: {
    disposition: 'reject',
    type: 'TimeoutError',
    summary: 'The deadline of a call passed before there was an answer.',
  },
  CALL_TOO_DEEP: {
    disposition: 'reject',
    type: 'SystemError',
    summary: 'Functions called each other deeper than they may: each waits for the next.',
  },
  CALL_CANCELLED: {
    disposition: 'reject',
    type: 'BusinessLogicError',
    summary: 'The caller went away before the work had begun.',
  },
  INTERNAL: {
    disposition: 'retry',
    type: 'SystemError',
    summary: 'Something that should not happen happened; the log has the stack.',
  },
} as const satisfies Record<string, ErrorSpec>

export type ErrorCode = keyof typeof ERRORS

export interface ErrorOptions {
  readonly cause?: unknown
  /** Not before this many milliseconds: the other side asked for it. */
  readonly retryAfterMs?: number
  /** Overrides the table's type, when the thrower knows better (a function names its own kind). */
  readonly type?: ErrorType
  /** The function's own code, shown to callers in place of ours. */
  readonly detailCode?: string
  /** Where it happened, stable across occurrences: groups dead letters (a trap site, an upstream status). */
  readonly fingerprint?: string
  /** An instance was made for the call that ended with it, which waited for that. */
  readonly cold?: boolean
}

/** The one error of the gateway. Messages read `<name> (<type>): <doing>: <what is wrong>[; <what to do>]`. */
export class GatewayError extends Error {
  override readonly name = 'GatewayError'
  readonly code: ErrorCode
  readonly retryAfterMs: number | undefined
  readonly type: ErrorType
  readonly detailCode: string | undefined
  readonly fingerprint: string | undefined
  readonly cold: boolean | undefined

  constructor(code: ErrorCode, message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.retryAfterMs = options.retryAfterMs
    this.type = options.type ?? ERRORS[code].type
    this.detailCode = options.detailCode
    this.fingerprint = options.fingerprint
    this.cold = options.cold
  }

  get disposition(): Disposition {
    return ERRORS[this.code].disposition
  }
}

/** Returns any thrown value as a GatewayError; what is not one becomes INTERNAL and keeps its cause. */
export function toGatewayError(thrown: unknown): GatewayError {
  if (thrown instanceof GatewayError) return thrown
  return new GatewayError('INTERNAL', thrown instanceof Error ? thrown.message : String(thrown), { cause: thrown })
}
