/** The listener: node:http with every limit set, and answers to requests too broken to become one. */

import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { GatewayError } from '#connector'
import type { HttpConfig } from './config.ts'
import { HttpProblem, problemBody } from './problem.ts'

/** How often connections are looked at for being too slow; Node's default of 30 s would make a timeout of 10 s one of 40. */
const CHECK_MS = 1_000

/**
 * Makes the server; it does not listen yet. Not Fastify: bare, it spends 23.5 us of CPU on a 1.2 KiB POST where bare
 * node:http spends 17.2 (Node 26, 64 connections, median of nine interleaved rounds), and five fixed paths need no router.
 */
export function makeServer(config: HttpConfig, listener: RequestListener): Server {
  const server = createServer(
    {
      headersTimeout: Math.min(config.header_timeout, config.body_timeout),
      requestTimeout: config.body_timeout,
      keepAliveTimeout: config.keep_alive,
      connectionsCheckingInterval: Math.min(CHECK_MS, config.header_timeout, config.body_timeout),
      maxHeaderSize: config.header_limit,
      noDelay: true,
    },
    listener,
  )
  // Not answered with 100 by Node: first comes whether the body is wanted.
  server.on('checkContinue', listener)
  server.maxConnections = config.max_connections
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => answerBroken(error, socket, config))
  return server
}

/** Resolves once the server accepts connections, to where. Rejects with ADDRESS_IN_USE that names the place. */
export function listen(server: Server, { listen: { host, port } }: HttpConfig, name: string): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const place = written(host, port)
  server.once('error', (error: NodeJS.ErrnoException) => reject(listenError(error, place, name)))
  server.listen({ host, port }, () => {
    const { address, port: bound } = server.address() as AddressInfo
    resolve(written(address, bound))
  })
  return promise
}

const written = (host: string, port: number): string => (host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`)

function listenError(error: NodeJS.ErrnoException, place: string, name: string): GatewayError {
  const doing = `${name} (http): listening on ${place}`
  const hint = 'stop that program, or change http.listen in the configuration'
  if (error.code === 'EADDRINUSE')
    return new GatewayError('ADDRESS_IN_USE', `${doing}: another program listens there; ${hint}`, { cause: error })
  const why =
    { EACCES: 'this user may not; take a port from 1024 on', EADDRNOTAVAIL: 'this machine has no such address' }[
      error.code ?? ''
    ] ?? error.message
  return new GatewayError('CONFIG_INVALID', `${doing}: ${why}; change http.listen in the configuration`, {
    cause: error,
  })
}

/** Written to the socket itself: what came is no request that could be answered. */
function answerBroken(error: NodeJS.ErrnoException, socket: Duplex, config: HttpConfig): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy()
  const problem = brokenProblem(error, config)
  const body = problemBody(problem)
  socket.end(
    `HTTP/1.1 ${problem.status} ${problem.status === 408 ? 'Request Timeout' : 'Bad Request'}\r\n` +
      `content-type: application/problem+json\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
    () => socket.destroy(),
  )
}

function brokenProblem({ code }: NodeJS.ErrnoException, config: HttpConfig): HttpProblem {
  switch (code) {
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new HttpProblem(
        408,
        'EVENT_INVALID',
        `the request did not arrive in time; a head may take ${config.header_timeout} ms (http.header_timeout), a whole request ${config.body_timeout} ms (http.body_timeout)`,
      )
    case 'HPE_HEADER_OVERFLOW':
      return new HttpProblem(
        431,
        'EVENT_INVALID',
        `the head of the request is larger than ${config.header_limit} bytes (http.header_limit)`,
      )
    default:
      return new HttpProblem(
        400,
        'EVENT_INVALID',
        `this is no HTTP/1.1 request, or one that was cut off (${code ?? 'unreadable'})`,
      )
  }
}
