/** `wasi:http/outgoing-handler`: sends what a guest asks for where it is allowed to; the response comes later, as a whole. */

import { type Grants, type HostGrant, wanting } from '../grants.ts'
import { HostError, type IncomingHttp, type OutgoingHttp } from '../host.ts'
import type { Port } from '../port.ts'
import { lifting } from './budget.ts'
import type { OutgoingRequest } from './http.ts'
import type { Outside } from './index.ts'
import { FutureIncomingResponse } from './responses.ts'

const WHAT = 'wasi:http/outgoing-handler#handle'
const DENIED = { tag: 'HTTP-request-denied' }
const AUTHORITY = /^(\[[0-9a-fA-F:.]+\]|[^:@/?#[\]\s]+)(?::(\d{1,5}))?$/
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/

type Target = Pick<OutgoingHttp, 'host' | 'method' | 'path' | 'port' | 'scheme'>

/** Makes `handle` for one guest. */
export function outgoing({ denied, grants, log, port }: Outside) {
  const handle = (request: OutgoingRequest): FutureIncomingResponse => {
    lifting.reset()
    const target = targetOf(request)
    const { host, method, port: at, scheme } = target
    const grant = grants?.http.to.find((one) => allows(one, target))
    if (!port || !grants || !grant) {
      const usual = at === PORTS[scheme]
      denied(
        WHAT,
        wanting.http({ host, ...(usual ? {} : { port: at }), ...(method === 'GET' ? {} : { methods: [method] }) }),
      )
      throw DENIED
    }
    if (port.requests >= grants.http.requests) {
      denied(WHAT, wanting.httpLimit('requests', String(port.requests + 1)))
      throw DENIED
    }
    port.requests++
    return new FutureIncomingResponse(port, sent(request, target, grant, { denied, grants, log, port }))
  }
  return { 'wasi:http/outgoing-handler': { handle } }
}

type Parts = Pick<Outside, 'denied' | 'log'> & {
  readonly grants: Grants
  readonly port: Port
}

/** Sends it once its body is whole: what a guest writes after it was handed over is part of it. */
async function sent(
  request: OutgoingRequest,
  target: Target,
  { private: inner }: HostGrant,
  { denied, grants, log, port }: Parts,
): Promise<IncomingHttp> {
  const { content, fields } = request
  const headers = fields.entries().map(([name, value]) => [name, Buffer.from(value).toString('latin1')] as const)
  if (content && !content.finished) {
    const whole = await new Promise<boolean>((resolve) => {
      content.ended = resolve
    })
    if (!whole) throw new HostError('HTTP-protocol-error', 'the body was not finished')
  }
  const body = content?.kept.take() ?? new Uint8Array()
  const { requestBytes, responseBytes, timeoutMs } = grants.http
  if (body.length > requestBytes) {
    denied(WHAT, wanting.httpLimit('request_size', `${body.length}B`))
    throw new HostError('HTTP-request-body-size', 'the body is too long')
  }
  try {
    return await port.start('http.send', { ...target, headers, body, private: inner, responseBytes, timeoutMs })
  } catch (error) {
    if (error instanceof HostError) tell(error, target, responseBytes, { denied, log })
    throw error
  }
}

/** What the gateway refused, and would not if it were allowed. */
function tell(
  { kind, message }: HostError,
  { host }: Target,
  responseBytes: number,
  { denied, log }: Pick<Outside, 'denied' | 'log'>,
): void {
  if (kind === 'HTTP-request-denied') log('warn', `denied ${WHAT}: ${message}`)
  if (kind === 'destination-IP-prohibited') denied(WHAT, wanting.http({ host, private: true }))
  if (kind === 'HTTP-response-body-size') denied(WHAT, wanting.httpLimit('response_size', `${2 * responseBytes}B`))
}

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
  if (name === '' || port < 1 || port > 65_535 || !/^\/[\x21-\x7e]*$/.test(path))
    throw { tag: 'HTTP-request-URI-invalid' }
  return {
    host: name
      .replace(/^\[|\]$/g, '')
      .replace(/\.$/, '')
      .toLowerCase(),
    method,
    path,
    port,
    scheme,
  }
}

/** Whether a grant takes a request. */
function allows(grant: HostGrant, { host, method, port, scheme }: Target): boolean {
  const named =
    grant.host === '*' || (grant.host.startsWith('*.') ? host.endsWith(grant.host.slice(1)) : grant.host === host)
  const there = (grant.scheme ?? scheme) === scheme && (grant.port ?? PORTS[scheme]) === port
  return named && there && (grant.methods?.includes(method) ?? true)
}
