/** The admin listener: a server that listens, bounds how slowly it may be spoken to, and closes at once. */

import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { getRequestListener } from '@hono/node-server'
import { GatewayError } from '../errors.ts'
import { createApp } from './app.ts'
import type { AdminConfig } from './config.ts'
import { isLoopback } from './guard.ts'
import type { AdminParts } from './parts.ts'
import { answerOf, toProblem } from './problem.ts'

/** A request may take this long to arrive; how often connections are looked at for it. Node looks every 30 s unasked. */
const REQUEST_MS = 10_000
const CHECK_MS = 1_000
/** Longer than the minute that proxies keep idle connections: closed by us first, one may just have been given a request. */
const KEEP_ALIVE_MS = 72_000

export interface Admin {
  /** Resolves once the listener takes requests. Rejects with ADDRESS_IN_USE. */
  start(signal: AbortSignal): Promise<void>
  /** Closes every connection, those of `tail` included. Safe to call twice. */
  stop(): Promise<void>
  /** `host:port` once started, with the port that was taken; else as configured. */
  readonly address: string
}

export function createAdmin(config: AdminConfig, parts: AdminParts): Admin {
  const { host, port } = config.listen
  const server = makeServer(isLoopback(host), parts)
  let bound = port
  return {
    async start(signal) {
      signal.throwIfAborted()
      server.listen({ host, port })
      await once(server, 'listening').catch((error: unknown) => {
        throw cannotListen(error, written(host, port))
      })
      const address = server.address()
      if (typeof address === 'object' && address !== null) bound = address.port
    },
    stop: () => stop(server),
    get address() {
      return written(host, bound)
    },
  }
}

function makeServer(loopback: boolean, parts: AdminParts): Server {
  const answer = getRequestListener(createApp(loopback, parts).fetch, {
    // The process may be another's, whose Request and Response stay what they were.
    overrideGlobalObjects: false,
    // HTTP/1.0 sends no Host, and a URL needs one; the guard still sees that there was none.
    hostname: 'localhost',
    errorHandler: (error) => answerOf(toProblem(error)),
  })
  return createServer(
    {
      requestTimeout: REQUEST_MS,
      headersTimeout: REQUEST_MS,
      connectionsCheckingInterval: CHECK_MS,
      keepAliveTimeout: KEEP_ALIVE_MS,
    },
    (incoming, outgoing) => void answer(incoming, outgoing),
  )
}

/** Also of a server that never listened, or listens no more: the callback comes then too. */
function stop(server: Server): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  server.close(() => resolve())
  server.closeAllConnections()
  return promise
}

const written = (host: string, port: number): string => (host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`)

function cannotListen(error: unknown, place: string): unknown {
  if (!(error instanceof Error) || !('code' in error) || error.code !== 'EADDRINUSE') return error
  const message = `admin (http): listening on ${place}: another program listens there; stop that program, or change admin.listen in the configuration`
  return new GatewayError('ADDRESS_IN_USE', message, { cause: error })
}
