/** `wasi:http/outgoing-handler`: sends what a guest asks for where it is allowed to; the response comes later, as a whole. */

import { type Grants, type HostGrant, hostOf, MOST_REQUESTS, wanting } from '../grants.ts'
import { HostError, type IncomingHttp, type OutgoingHttp } from '../host.ts'
import type { Port } from '../port.ts'
import { lifting } from './budget.ts'
import type { OutgoingRequest } from './http.ts'
import type { Outside } from './index.ts'
import { FutureIncomingResponse } from './responses.ts'

const WHAT = 'wasi:http/outgoing-handler#handle'
const DENIED = { tag: 'HTTP-request-denied' }
const AUTHORITY = /^(\[[^\]]*\]|[^:[\]]+)(?::(\d{1,5}))?$/
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/

type Target = Pick<OutgoingHttp, 'host' | 'method' | 'path' | 'port' | 'scheme'>

/** Makes `handle` for one guest. */
export function outgoing({ denied, grants, log, port }: Outside) {
  const handle = (request: OutgoingRequest): FutureIncomingResponse => {
    lifting.reset()
    // It would wait for what never comes.
    if (port && !port.turn) throw { tag: 'internal-error', val: 'a warm-up call reaches nothing' }
    const target = targetOf(request)
    const allowing = grants?.http.to.filter((one) => allows(one, target)) ?? []
    if (!port || !grants || allowing.length === 0) {
      denied(WHAT, wanting.http(lineOf(target)))
      throw DENIED
    }
    if (port.requests >= grants.http.requests) {
      denied(WHAT, wanting.httpLimit('requests', raised(port.requests), grants.http.to))
      throw DENIED
    }
    port.requests++
    // One that allows a private address allows it, whichever of them stands first.
    const inner = allowing.some((one) => one.private)
    return new FutureIncomingResponse(port, sent(request, target, inner, { denied, grants, log, port }))
  }
  return { 'wasi:http/outgoing-handler': { handle } }
}

/** What a grant of this request alone is. */
const lineOf = ({ host, method, port, scheme }: Target) => ({
  host,
  ...(port === PORTS[scheme] ? {} : { port }),
  // Another method cannot be named: all are allowed then.
  ...(method === 'GET' || !/^[A-Z]+$/.test(method) ? {} : { methods: [method] }),
})

type Parts = Pick<Outside, 'denied' | 'log'> & {
  readonly grants: Grants
  readonly port: Port
}

async function sent(request: OutgoingRequest, target: Target, inner: boolean, parts: Parts): Promise<IncomingHttp> {
  try {
    return await sentWhole(request, target, inner, parts)
  } finally {
    request.release()
  }
}

/** Sends it once its body is whole: what a guest writes after it was handed over is part of it. */
async function sentWhole(
  { content, fields }: OutgoingRequest,
  target: Target,
  inner: boolean,
  { denied, grants, log, port }: Parts,
): Promise<IncomingHttp> {
  const headers = fields.entries().map(([name, value]) => [name, Buffer.from(value).toString('latin1')] as const)
  if (content && !content.finished) {
    const { turn } = port
    const whole = await new Promise<boolean>((resolve) => {
      content.ended = resolve
    })
    // What the next call finishes would be one of its requests, and not counted as such.
    if (!whole || port.turn !== turn) throw new HostError('HTTP-protocol-error', 'the body was not finished')
  }
  const body = content?.kept.take() ?? new Uint8Array()
  const { requestBytes, responseBytes, timeoutMs } = grants.http
  if (body.length > requestBytes) {
    denied(WHAT, wanting.httpLimit('request_size', sizeText(body.length), grants.http.to))
    throw new HostError('HTTP-request-body-size', 'the body is too long')
  }
  try {
    return await port.start('http.send', { ...target, headers, body, private: inner, responseBytes, timeoutMs })
  } catch (error) {
    if (error instanceof HostError) tell(error, target, grants.http, { denied, log })
    throw error
  }
}

/** What the gateway refused, and would not if it were allowed. */
function tell(
  { code, kind, message }: HostError,
  target: Target,
  { responseBytes, timeoutMs, to }: Grants['http'],
  { denied, log }: Pick<Outside, 'denied' | 'log'>,
): void {
  if (kind === 'HTTP-request-denied') log('warn', `denied ${WHAT}: ${message}`)
  if (kind === 'destination-IP-prohibited') denied(WHAT, wanting.http({ ...lineOf(target), private: true }))
  if (kind === 'HTTP-response-body-size')
    denied(WHAT, wanting.httpLimit('response_size', sizeText(2 * responseBytes), to))
  if (code === 'timeout') denied(WHAT, wanting.httpLimit('timeout', `${2 * timeoutMs}ms`, to))
}

/** Twice as many, unless there are as many as there may be. */
const raised = (requests: number): number =>
  requests < MOST_REQUESTS ? Math.min(MOST_REQUESTS, 2 * requests) : requests + 1

const sizeText = (bytes: number): string => `${Math.ceil(bytes / 1_024)}KiB`

const PORTS = { http: 80, https: 443 } as const

/** Throws a code of the interface for what is no request. */
function targetOf(request: OutgoingRequest): Target {
  const { tag, val } = request.method()
  const method = (tag === 'other' ? String(val) : tag).toUpperCase()
  const [, name = '', digits] = AUTHORITY.exec(request.authority() ?? '') ?? []
  const scheme = request.scheme()?.tag === 'HTTP' ? 'http' : 'https'
  const path = request.pathWithQuery() ?? '/'
  const port = digits === undefined ? PORTS[scheme] : Number(digits)
  if (!TOKEN.test(method) || method === 'CONNECT') throw { tag: 'HTTP-request-method-invalid' }
  // As it is dialled: 0x7f.1 is 127.0.0.1, and what is compared with what is allowed is no other host than that.
  const host = hostOf(name)
  if (host === undefined || port < 1 || port > 65_535 || !/^\/[\x21-\x7e]*$/.test(path))
    throw { tag: 'HTTP-request-URI-invalid' }
  return { host, method, path, port, scheme }
}

/** Whether a grant takes a request. */
function allows(grant: HostGrant, { host, method, port, scheme }: Target): boolean {
  const named =
    grant.host === '*' || (grant.host.startsWith('*.') ? host.endsWith(grant.host.slice(1)) : grant.host === host)
  const there = (grant.scheme ?? scheme) === scheme && (grant.port ?? PORTS[scheme]) === port
  return named && there && (grant.methods?.includes(method) ?? true)
}
