/** What fetch resolves to: it is there as a whole, and is read once. */

import { IncomingBody } from 'wasi:http/types@0.2.0'
import { Headers } from './headers.js'
import { wide } from './loop.js'
import { TextDecoder } from './text.js'

const PART_BYTES = 65_536

export class Response {
  bodyUsed = false
  #bytes

  constructor(bytes, { headers, status = 200, url = '' } = {}) {
    this.#bytes = bytes
    this.headers = new Headers(headers)
    this.status = status
    this.url = url
    this.ok = status >= 200 && status < 300
  }

  async bytes() {
    if (this.bodyUsed) throw new TypeError('the body was read before')
    this.bodyUsed = true
    return this.#bytes
  }

  async arrayBuffer() {
    return (await this.bytes()).buffer
  }

  async text() {
    return new TextDecoder().decode(await this.bytes())
  }

  async json() {
    return JSON.parse(await this.text())
  }
}

/** Takes all of a response out of the interface, and gives back what it was held by. */
export function taken(incoming, url) {
  const decoder = new TextDecoder()
  const fields = incoming.headers()
  const headers = fields.entries().map(([name, value]) => [name, decoder.decode(Uint8Array.from(value))])
  fields[Symbol.dispose]()
  const status = incoming.status()
  const body = incoming.consume()
  const stream = body.stream()
  const bytes = whole(partsOf(stream))
  stream[Symbol.dispose]()
  IncomingBody.finish(body)[Symbol.dispose]()
  incoming[Symbol.dispose]()
  return new Response(bytes, { headers, status, url })
}

/** What is read past its end is an error. */
function partsOf(stream) {
  const parts = []
  try {
    for (;;) parts.push(Uint8Array.from(stream.blockingRead(wide(PART_BYTES))))
  } catch (error) {
    if ((error?.payload ?? error)?.tag !== 'closed') throw new TypeError('reading the body: it broke off')
    return parts
  }
}

function whole(parts) {
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}
