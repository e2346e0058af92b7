/** Requests that functions send: to a resolved address that is checked and dialled, no redirect followed, all of it bounded. */

import { lookup as resolve } from 'node:dns'
import type { LookupFunction } from 'node:net'
import type { Agent, Dispatcher } from 'undici'
import { AddressRefused, Deadline, loadDial, Reach, unlessAborted } from '../connector/index.ts'
import { type Caller, HostError, type IncomingHttp, type OutgoingHttp } from '../pool/host.ts'

/** Connections open at once, to each origin. */
const CONNECTIONS = 64
/** Hosts at private addresses whose connections are kept; the oldest is let go first. */
const MOST_AGENTS = 64
/** Headers that frame a message, or say whom it is for: a host that is allowed is not another one behind the same address. */
const OWN =
  /^(?:host|connection|content-length|expect|keep-alive|proxy-.*|te|trailer|transfer-encoding|upgrade|http2-settings)$/i

export class Outgoing {
  readonly #lookup: LookupFunction
  /** By the host that may be at any address; of all others, under no name. */
  readonly #agents = new Map<string, Promise<Agent>>()

  /** `lookup` resolves host names; the system's unless told. */
  constructor(lookup: LookupFunction = resolve as LookupFunction) {
    this.#lookup = lookup
  }

  /** Resolves with the whole response. Rejects with a HostError whose `kind` is a code of wasi:http. */
  async send(request: OutgoingHttp, { deadline, signal }: Caller): Promise<IncomingHttp> {
    const left = deadline - Date.now()
    const own = request.timeoutMs < left
    const limit = new Deadline(Math.max(0, own ? request.timeoutMs : left), signal)
    try {
      const agent = await this.#agent(request.private ? request.host : '')
      return await unlessAborted(limit.signal, exchange(agent, request, limit.signal))
    } catch (error) {
      if (!limit.passed) throw errorOf(error)
      // Whose limit it was: that of the request, or that of the whole call.
      throw new HostError('HTTP-response-timeout', 'no whole response in time', own ? { code: 'timeout' } : {})
    } finally {
      limit.end()
    }
  }

  /** Ends every connection and what is under way on it. */
  async close(): Promise<void> {
    const agents = [...this.#agents.values()]
    this.#agents.clear()
    await Promise.all(agents.map(async (agent) => (await agent).destroy()))
  }

  #agent(host: string): Promise<Agent> {
    const known = this.#agents.get(host)
    if (known !== undefined) return known
    const reach = new Reach(host === '' ? [] : [host], 'write "private: true" beside its host if that is meant')
    const opened = loadDial().then(({ openAgent }) =>
      openAgent({ reach, lookup: this.#lookup, connections: CONNECTIONS, timeoutMs: 0 }),
    )
    this.#agents.set(host, opened)
    for (const [oldest, agent] of this.#agents) {
      if (this.#agents.size <= MOST_AGENTS) break
      this.#agents.delete(oldest)
      void agent.then((one) => one.close())
    }
    return opened
  }
}

async function exchange(agent: Agent, request: OutgoingHttp, signal: AbortSignal): Promise<IncomingHttp> {
  const { body, headers, host, method, path, port, scheme } = request
  const name = host.includes(':') ? `[${host}]` : host
  const sent = headers.filter(([each]) => !OWN.test(each)).flat()
  const answer = await agent.request({
    origin: `${scheme}://${name}:${port}`,
    path,
    method,
    headers: sent,
    ...(body.length > 0 && { body }),
    signal,
  } as Dispatcher.RequestOptions)
  return {
    status: answer.statusCode,
    headers: Object.entries(answer.headers).flatMap(([each, value]) =>
      [value ?? []].flat().map((one) => [each, one] as const),
    ),
    body: await readAll(answer.body, request.responseBytes),
  }
}

async function readAll(body: Dispatcher.ResponseData['body'], most: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  let length = 0
  for await (const part of body as AsyncIterable<Uint8Array>) {
    length += part.length
    // Leaving the loop ends the connection.
    if (length > most) throw new HostError('HTTP-response-body-size', `the body has more than ${most} bytes`)
    parts.push(part)
  }
  return Uint8Array.from(Buffer.concat(parts))
}

/** What systems and undici call it -> what wasi:http calls it. */
const CODES: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection-refused',
  ECONNRESET: 'connection-terminated',
  EPIPE: 'connection-terminated',
  ETIMEDOUT: 'connection-timeout',
  EHOSTUNREACH: 'destination-unavailable',
  ENETUNREACH: 'destination-unavailable',
  ENOTFOUND: 'destination-not-found',
  EAI_AGAIN: 'DNS-timeout',
  UND_ERR_SOCKET: 'connection-terminated',
  UND_ERR_CONNECT_TIMEOUT: 'connection-timeout',
  UND_ERR_HEADERS_OVERFLOW: 'HTTP-response-header-section-size',
  CERT_HAS_EXPIRED: 'TLS-certificate-error',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'TLS-certificate-error',
  SELF_SIGNED_CERT_IN_CHAIN: 'TLS-certificate-error',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'TLS-certificate-error',
  ERR_TLS_CERT_ALTNAME_INVALID: 'TLS-certificate-error',
}

function errorOf(thrown: unknown): HostError {
  if (thrown instanceof HostError) return thrown
  if (thrown instanceof AddressRefused) return new HostError('destination-IP-prohibited', thrown.message)
  const { code = '', message }: NodeJS.ErrnoException = thrown instanceof Error ? thrown : new Error(String(thrown))
  const kind = CODES[code] ?? (code.startsWith('HPE_') ? 'HTTP-protocol-error' : 'internal-error')
  return new HostError(kind, message, { cause: thrown })
}
