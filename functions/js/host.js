/**
 * What a function may reach beside its event, each when `allow` of the function names it. All of it answers at once: the
 * function waits, and others run meanwhile. What is not imported is not asked for.
 */

import * as calling from 'headgate:function/call@0.1.0'
import * as messaging from 'headgate:function/messaging@0.1.0'
import * as settings from 'wasi:config/store@0.2.0-rc.1'
import * as atomics from 'wasi:keyvalue/atomics@0.2.0-draft2'
import * as stores from 'wasi:keyvalue/store@0.2.0-draft2'

/** What the host answered with in place of a value. `code` is its case, or that of the function or route that was asked. */
export class HostError extends Error {
  constructor(doing, given) {
    const { tag, val } = given?.payload ?? given ?? {}
    super(
      `${doing}: ${[tag, val?.message ?? val].filter((part) => typeof part === 'string').join(': ') || String(given)}`,
    )
    this.name = 'HostError'
    this.code = val?.code ?? tag
  }
}

function told(doing, work) {
  try {
    return work()
  } catch (error) {
    throw new HostError(doing, error)
  }
}

/** A value of `allow: { config: ... }`; undefined when there is none of that name. */
export const config = (name) => told(`config "${name}"`, () => settings.get(name)) ?? undefined

const encoder = /* @__PURE__ */ new TextEncoder()
const decoder = /* @__PURE__ */ new TextDecoder()
// QuickJS has numbers for 64 bits, StarlingMonkey bigints.
const wide = globalThis.__cqjs === undefined ? BigInt : Number

/** The store of that name, of `allow: { kv: [...] }`. Its values are bytes; texts and JSON are written as UTF-8. */
export function store(name) {
  const bucket = told(`store "${name}"`, () => stores.open(name))
  const on = (what, key, work) => told(`store "${name}": ${what} "${key}"`, work)
  const bytes = (key) => {
    const value = on('get', key, () => bucket.get(key)) ?? undefined
    return value && Uint8Array.from(value)
  }
  const text = (key) => {
    const value = bytes(key)
    return value && decoder.decode(value)
  }
  const json = (key) => {
    const value = text(key)
    return value === undefined ? undefined : JSON.parse(value)
  }
  return {
    bytes,
    text,
    json,
    set: (key, value) => on('set', key, () => bucket.set(key, bytesOf(value))),
    has: (key) => on('has', key, () => bucket.exists(key)),
    delete: (key) => on('delete', key, () => bucket.delete(key)),
    increment: (key, by = 1) => Number(on('increment', key, () => atomics.increment(bucket, key, wide(by)))),
    keys: () => keysOf(bucket, name),
  }
}

function bytesOf(value) {
  if (value instanceof Uint8Array) return value
  return encoder.encode(typeof value === 'string' ? value : JSON.stringify(value))
}

function keysOf(bucket, name) {
  const all = []
  for (let cursor; ; ) {
    const page = told(`store "${name}": keys`, () => bucket.listKeys(cursor))
    all.push(...page.keys)
    cursor = page.cursor ?? undefined
    if (cursor === undefined) return all
  }
}

/** Publishes to a topic of `allow: { messaging: { publish: [...] } }`; returns once it is on disk, if a route takes it. */
export function publish(topic, value, datacontenttype) {
  told(`publish to "${topic}"`, () => messaging.publish(messageOf(topic, value, datacontenttype)))
}

/** Asks the route that takes a topic of `allow: { messaging: { request: [...] } }`, and returns its answer. */
export const request = (topic, value, { timeoutMs } = {}) =>
  told(`request to "${topic}"`, () =>
    answerOf(messaging.request(messageOf(topic, value), timeoutMs === undefined ? undefined : wide(timeoutMs))),
  )

/** Calls another function of `allow: { call: [...] }` with parameters, and returns its reply. */
export const call = (name, parameters) =>
  told(`call of "${name}"`, () => answerOf(calling.call(name, JSON.stringify(parameters ?? null))))

const messageOf = (topic, value, datacontenttype) => ({ topic, ...contentOf(value, datacontenttype) })

function contentOf(value, datacontenttype) {
  if (value instanceof Uint8Array) return { data: { tag: 'binary', val: value }, datacontenttype }
  if (typeof value === 'string')
    return { data: { tag: 'text', val: value }, datacontenttype: datacontenttype ?? 'text/plain' }
  return { data: { tag: 'text', val: JSON.stringify(value) }, datacontenttype: datacontenttype ?? 'application/json' }
}

/** As `dataOf` has it of an event. */
const answerOf = ({ data, datacontenttype }) =>
  data.tag === 'text' && /json/.test(datacontenttype ?? '') ? JSON.parse(data.val) : data.val
