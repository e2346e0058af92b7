/** Reads request bodies, never more than is allowed. */

import type { IncomingMessage } from 'node:http'
import type { Exchange } from './exchange.ts'
import { HttpProblem } from './problem.ts'

const EMPTY = Buffer.alloc(0)
/** How long what nobody reads may go on arriving, so that the caller sees the answer and not a reset connection. */
const LINGER_MS = 1_000

/**
 * Resolves with the whole body; a caller that asked whether to send it is told to. Rejects with 413 when it is larger than
 * `limit`, with 415 when it is compressed, and when the connection breaks.
 */
export function readBody({ request, response }: Exchange, limit: number): Promise<Buffer> {
  const announced = request.headers['content-length']
  if (Number(announced ?? 0) > limit) return Promise.reject(tooLarge(limit, `${announced} bytes were announced`))
  if (announced === undefined && request.headers['transfer-encoding'] === undefined) return Promise.resolve(EMPTY)
  const coding = request.headers['content-encoding'] ?? 'identity'
  if (coding.toLowerCase() !== 'identity') return Promise.reject(encoded(coding))
  if (request.headers.expect !== undefined) response.writeContinue()
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>()
  const chunks: Buffer[] = []
  let length = 0
  const onData = (chunk: Buffer): void => {
    length += chunk.length
    if (length > limit) {
      request.off('data', onData)
      reject(tooLarge(limit, `more than ${limit} bytes came`))
    } else chunks.push(chunk)
  }
  request.on('data', onData)
  request.once('end', () => resolve(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks, length)))
  // After `end` or a refusal these change nothing.
  request.once('error', reject)
  return promise
}

/** Lets go of a body that is not wanted: what still comes is dropped, up to `limit`, then the connection is. */
export function discardBody(request: IncomingMessage, limit: number): void {
  if (request.complete || request.destroyed) return
  let length = 0
  const cut = (): void => void request.socket.destroy()
  const timer = setTimeout(cut, LINGER_MS)
  request.on('data', (chunk: Buffer) => {
    length += chunk.length
    if (length > limit) cut()
  })
  request.once('close', () => clearTimeout(timer))
}

/** Nothing is inflated here: a kilobyte may be a gigabyte. Passed on as it is, it would be data that nobody can read. */
const encoded = (coding: string): HttpProblem =>
  new HttpProblem(415, 'EVENT_INVALID', `content-encoding ${coding} is not read here; send the body as it is`, {
    'accept-encoding': 'identity',
  })

const tooLarge = (limit: number, seen: string): HttpProblem =>
  new HttpProblem(413, 'EVENT_INVALID', `${seen}, and a body may have ${limit}; send less, or raise http.body_limit`)
