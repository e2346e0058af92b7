/** The author's kit for functions in JavaScript: catches every throw and maps it, and seeds Math.random. */

/** Refuses the event: it is dead-lettered at once and the caller gets `kind`, `code` and `message`. */
export class Rejection extends Error {
  constructor(kind, code, message) {
    super(message)
    this.failure = { tag: 'reject', val: { kind, code, message } }
  }
}

/** Asks for another attempt, not before `afterMs`. */
export class Retry extends Error {
  constructor(message, afterMs) {
    super(message)
    this.failure = { tag: 'retry', val: { message, afterMs: afterMs === undefined ? undefined : BigInt(afterMs) } }
  }
}
