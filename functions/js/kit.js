/** The author's kit for functions in JavaScript: write `define((event, context) => answer)`, throw what you like. */

import * as log from 'headgate:function/log@0.1.0'

export { call, config, HostError, publish, request, store } from './host.js'

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
 * Wraps a function that gets `(event, context)` and returns `{ reply?, events? }`, at once or by a promise. Whatever it
 * throws becomes a failure: an uncaught exception would trap, and cost the instance.
 */
export function define(work) {
  let calls = 0
  return (event, context) => {
    if (calls++ === 0) seed()
    const failed = (error) => {
      throw failureOf(error, context)
    }
    try {
      const answer = work(event, { ...context, deadlineMs: Number(context.deadlineMs) })
      // Of an asynchronous function: the build has it waited for, and what it comes to is answered.
      if (typeof answer?.then === 'function') return answer.then(responseOf).catch(failed)
      return responseOf(answer)
    } catch (error) {
      return failed(error)
    }
  }
}

/** What is no response would trap on its way out, where nothing catches it. */
function responseOf(answer) {
  const { reply, events = [] } = answer ?? {}
  if (reply !== undefined && !isBody(reply?.data)) throw new TypeError('reply is no payload; make one with json()')
  for (const { data, id, source, type } of events)
    if (![id, source, type].every((each) => typeof each === 'string') || (data !== undefined && !isBody(data)))
      throw new TypeError('events has what is no event; make one with emit()')
  return { reply, events: events.map((event) => ({ extensions: [], ...event })) }
}

const isBody = (body) =>
  body?.tag === 'text' ? typeof body.val === 'string' : body?.tag === 'binary' && body.val instanceof Uint8Array

function failureOf(error, { deadlineMs }) {
  if (error instanceof Rejected)
    return { tag: 'reject', val: { kind: error.kind, code: error.code, message: error.message } }
  const message = messageOf(error)
  const afterMs = error instanceof TryAgain && error.afterMs >= 0 ? Math.ceil(error.afterMs) : undefined
  // An engine takes 64 bits as it gives them: StarlingMonkey as a bigint, QuickJS as a number, and traps on a bigint.
  const sameKind = afterMs !== undefined && typeof deadlineMs === 'bigint' ? BigInt(afterMs) : afterMs
  return { tag: 'retry', val: { message: error instanceof TryAgain ? error.message : message, afterMs: sameKind } }
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
