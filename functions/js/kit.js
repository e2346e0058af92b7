/** The author's kit for functions in JavaScript: write `define((event, context) => answer)`, throw what you like. */

import * as log from 'headgate:function/log@0.1.0'

/** Refuses the event: dead letter at once. `kind` is validation, business, system or timeout. */
export class Rejected extends Error {
  constructor(kind, code, message) {
    super(message)
    this.kind = kind
    this.code = code
  }
}

/** Asks for another attempt, not before `afterMs`. */
export class TryAgain extends Error {
  constructor(message, afterMs) {
    super(message)
    this.afterMs = afterMs
  }
}

/** The gateway's log. */
export const logger = {
  debug: (message) => log.log('debug', String(message)),
  info: (message) => log.log('info', String(message)),
  warn: (message) => log.log('warn', String(message)),
  error: (message) => log.log('error', String(message)),
}

/** The event's data as a value: parsed when it is JSON, text when it is text, bytes otherwise. */
export function dataOf(event) {
  if (event.data === undefined || event.data === null) return undefined
  if (event.data.tag === 'binary') return event.data.val
  if (!/json/.test(event.datacontenttype ?? 'application/json')) return event.data.val
  try {
    return JSON.parse(event.data.val)
  } catch (error) {
    throw new Rejected('validation', 'NOT_JSON', `the data is not JSON: ${error.message}`)
  }
}

/** The items of a batch, and its name; undefined for anything else. */
export function batchOf(context) {
  const given = context.parameters === undefined ? undefined : JSON.parse(context.parameters)
  return Array.isArray(given?.items) && typeof given.batch_id === 'string' ? given : undefined
}

/** Answers with JSON. */
export const json = (value, status) => ({
  data: { tag: 'text', val: JSON.stringify(value) },
  datacontenttype: 'application/json',
  status,
})

/** An event to emit, with JSON data; `id` must be stable across attempts of the same event. */
export const emit = (source, type, id, value) => ({
  id,
  source,
  type,
  extensions: [],
  datacontenttype: 'application/json',
  data: { tag: 'text', val: JSON.stringify(value) },
})

/**
 * Wraps a function that gets `(event, context)` and returns `{ reply?, events? }`. Whatever it throws becomes a
 * failure: an uncaught exception would trap, and cost the instance.
 */
export function define(work) {
  let calls = 0
  return (event, context) => {
    if (calls++ === 0) seed()
    try {
      const { reply, events = [] } = work(event, context) ?? {}
      return { reply, events }
    } catch (error) {
      throw failureOf(error)
    }
  }
}

function failureOf(error) {
  if (error instanceof Rejected)
    return { tag: 'reject', val: { kind: error.kind, code: error.code, message: error.message } }
  const message = messageOf(error)
  const afterMs = error instanceof TryAgain && error.afterMs !== undefined ? BigInt(error.afterMs) : undefined
  return { tag: 'retry', val: { message: error instanceof TryAgain ? error.message : message, afterMs } }
}

/** What an interface answered with in place of a value is the payload of an error. */
function messageOf(error) {
  if (!(error instanceof Error)) return String(error)
  const { payload } = error
  if (payload === undefined) return `${error.name}: ${error.message}`
  return typeof payload === 'string' ? payload : JSON.stringify(payload)
}

/** Engines whose state is a snapshot start every instance with the same Math.random: this makes it differ. */
function seed() {
  let state = (Date.now() ^ 0x9e3779b9) >>> 0
  const native = Math.random
  for (let round = state % 97; round > 0; round--) native()
  Math.random = () => {
    // mulberry32
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
