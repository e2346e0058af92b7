/** The body of a request, read from Node's own stream and bounded. */

import type { IncomingMessage } from 'node:http'
import { Problem } from './problem.ts'

/** As large as an event with its data, or a list of ids. */
const BODY_BYTES = 4 * 2 ** 20

/** Resolves to the whole body. Rejects with a Problem as soon as it is too large, and when it is cut off. */
export async function readBody(incoming: IncomingMessage, most = BODY_BYTES): Promise<Buffer> {
  if (Number(incoming.headers['content-length'] ?? 0) > most) throw tooLarge()
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of chunksOf(incoming)) {
    bytes += chunk.length
    if (bytes > most) throw tooLarge()
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

async function* chunksOf(incoming: IncomingMessage): AsyncGenerator<Buffer> {
  try {
    // Not destroyed when no more is wanted: the answer goes out on the same socket.
    yield* incoming.iterator({ destroyOnReturn: false })
  } catch {
    throw new Problem(400, 'REQUEST_INVALID', 'the body was cut off')
  }
}

const tooLarge = (): Problem => new Problem(413, 'REQUEST_INVALID', 'Request body is too large')
