/** Takes the notifications that MinIO posts, and answers each once its events are on disk. */

import { createHash, timingSafeEqual } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Context, type Emit, GatewayError, type Source, toGatewayError } from '#connector'
import type { StorageConfig, WebhookConfig } from './config.ts'
import { isWanted, readNotification } from './normalize.ts'

/** A notification tells of one request; those of deletes by the thousand are of this order. */
const MOST_BYTES = 4 * 2 ** 20
const REQUEST_MS = 30_000
/** MinIO opens one connection for each notification under way. */
const CONNECTIONS = 1_024

interface Answer {
  readonly status: number
  readonly retryAfterMs?: number | undefined
}

export class WebhookSource implements Source {
  address?: string
  readonly #config: StorageConfig
  readonly #webhook: WebhookConfig
  readonly #context: Context
  readonly #owner: string
  readonly #server: Server
  #emit: Emit | undefined
  #inFlight = 0

  constructor(config: StorageConfig, webhook: WebhookConfig, context: Context) {
    this.#config = config
    this.#webhook = webhook
    this.#context = context
    this.#owner = `${context.name} (storage)`
    this.#server = createServer(
      { requestTimeout: REQUEST_MS },
      (request, response) => void this.#answer(request, response),
    )
    this.#server.maxConnections = CONNECTIONS
  }

  /** Rejects with ADDRESS_IN_USE that names the place. */
  async start(emit: Emit): Promise<void> {
    this.#emit = emit
    const { host, port } = this.#webhook.listen
    try {
      this.#server.listen({ host, port })
      await once(this.#server, 'listening')
      const { address, port: bound } = this.#server.address() as AddressInfo
      this.address = `${address.includes(':') ? `[${address}]` : address}:${bound}`
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause)
      const doing = `${this.#owner}: listening on ${host}:${port}`
      throw new GatewayError('ADDRESS_IN_USE', `${doing}: ${why}; change webhook.listen`, { cause })
    }
  }

  async stop(): Promise<void> {
    this.#emit = undefined
    if (!this.#server.listening) return
    const closed = once(this.#server, 'close')
    this.#server.close()
    this.#server.closeIdleConnections()
    await closed
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { retryAfterMs, status } = await this.#take(request).catch((): Answer => ({ status: 400 }))
    const headers = retryAfterMs === undefined ? {} : { 'retry-after': String(Math.ceil(retryAfterMs / 1_000)) }
    response.writeHead(status, { connection: this.#emit ? 'keep-alive' : 'close', ...headers }).end()
  }

  async #take(request: IncomingMessage): Promise<Answer> {
    const emit = this.#emit
    if (!this.#isKnown(request.headers.authorization)) return { status: 401 }
    // MinIO asks with HEAD whether somebody is there.
    if (request.method === 'HEAD' || request.method === 'GET') return { status: 200 }
    if (request.method !== 'POST') return { status: 405 }
    const body = await read(request)
    if (body === undefined) return { status: 413 }
    const changes = readNotification(body)
    if (changes === undefined) return { status: 400 }
    const refusal = this.#context.credit.refusal()
    if (emit === undefined || refusal || this.#inFlight >= this.#context.maxInFlight)
      return { status: 503, retryAfterMs: refusal?.retryAfterMs ?? 1_000 }
    this.#inFlight += 1
    try {
      for (const change of changes.filter((one) => isWanted(one, this.#config)))
        await emit(change.event, { made: true })
      return { status: 200 }
    } catch (thrown) {
      return { status: 503, retryAfterMs: toGatewayError(thrown).retryAfterMs ?? 1_000 }
    } finally {
      this.#inFlight -= 1
    }
  }

  /** A token of one word is sent as a bearer's, one of two as it stands. */
  #isKnown(given = ''): boolean {
    const { token } = this.#webhook
    const wanted = token.includes(' ') ? token : `Bearer ${token}`
    return timingSafeEqual(digest(given), digest(wanted))
  }
}

const digest = (value: string): Buffer => createHash('sha256').update(value).digest()

/** Resolves with the text, or undefined when it is too long. */
async function read(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length
    // Read to its end, or the sender would not hear the answer.
    if (length <= MOST_BYTES) chunks.push(chunk)
  }
  return length > MOST_BYTES ? undefined : Buffer.concat(chunks).toString()
}
