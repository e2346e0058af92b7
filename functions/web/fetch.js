/** fetch, by `wasi:http`: to where `allow: { http: ... }` of the function lets it. */

import { handle } from 'wasi:http/outgoing-handler@0.2.0'
import { Fields, OutgoingBody, OutgoingRequest } from 'wasi:http/types@0.2.0'
import { poll } from 'wasi:io/poll@0.2.0'
import { Headers } from './headers.js'
import { ready } from './loop.js'
import { taken } from './response.js'
import { TextEncoder } from './text.js'

const URL_PARTS = /^(https?):\/\/([^/?#@]+)([^#]*)/i
/** Of WASI a stream takes no more at once. */
const PART_BYTES = 4096

export async function fetch(target, { method = 'GET', headers, body, signal } = {}) {
  signal?.throwIfAborted()
  const url = String(target)
  const [bytes, type] = contentOf(body)
  const given = new Headers(headers)
  if (type && !given.has('content-type')) given.set('content-type', type)
  const request = requestOf(url, String(method), given)
  const answer = sent(request, bytes, url)
  try {
    await first(ready(answer.subscribe(), poll), signal)
    const { tag, val } = answer.get().val
    if (tag === 'err') throw failed(val, url)
    return taken(val, url)
  } finally {
    answer[Symbol.dispose]()
  }
}

/** Rejects with its reason when the signal comes first. */
const first = (there, signal) =>
  signal === undefined || signal === null
    ? there
    : Promise.race([there, new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))])

function requestOf(url, method, headers) {
  const [, scheme, authority, rest] = URL_PARTS.exec(url) ?? []
  if (authority === undefined) throw new TypeError(`fetching "${url}": it is no URL of http or https`)
  const path = rest.startsWith('/') ? rest : `/${rest}`
  const encoder = new TextEncoder()
  const request = new OutgoingRequest(
    Fields.fromList([...headers].map(([name, value]) => [name, encoder.encode(value)])),
  )
  request.setMethod(methodOf(method))
  request.setScheme({ tag: scheme.toUpperCase() })
  request.setAuthority(authority)
  request.setPathWithQuery(path.replace(/[^\x21-\x7e]+/g, encodeURIComponent))
  return request
}

const METHODS = new Set(['get', 'head', 'post', 'put', 'delete', 'connect', 'options', 'trace', 'patch'])
const methodOf = (method) =>
  METHODS.has(method.toLowerCase()) ? { tag: method.toLowerCase() } : { tag: 'other', val: method }

/** Hands it over, and then its body. */
function sent(request, bytes, url) {
  const body = request.body()
  const answer = asked(request, body, url)
  if (bytes.length > 0) {
    const stream = body.write()
    for (let at = 0; at < bytes.length; at += PART_BYTES)
      stream.blockingWriteAndFlush(bytes.subarray(at, at + PART_BYTES))
    stream[Symbol.dispose]()
  }
  OutgoingBody.finish(body, undefined)
  return answer
}

function asked(request, body, url) {
  try {
    return handle(request, undefined)
  } catch (error) {
    body[Symbol.dispose]()
    throw failed(error.payload ?? error, url)
  }
}

/** As engines have it, a TypeError; its code is that of wasi:http, such as `connection-refused`. */
function failed({ tag, val }, url) {
  const why = typeof val === 'string' ? `${tag}: ${val}` : String(tag)
  return Object.assign(new TypeError(`fetching "${url}": ${why}`), { code: tag })
}

function contentOf(body) {
  if (body === undefined || body === null) return [new Uint8Array(), undefined]
  if (typeof body === 'string') return [new TextEncoder().encode(body), 'text/plain;charset=UTF-8']
  if (ArrayBuffer.isView(body)) return [new Uint8Array(body.buffer, body.byteOffset, body.byteLength), undefined]
  if (body instanceof ArrayBuffer) return [new Uint8Array(body), undefined]
  throw new TypeError('a body is a text or bytes; JSON.stringify makes a text of anything else')
}
