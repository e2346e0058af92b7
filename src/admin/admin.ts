/** The admin listener: who may ask, what is answered, and how errors read. */

import { type FastifyInstance, fastify } from 'fastify'
import { GatewayError } from '../errors.ts'
import type { AdminConfig } from './config.ts'
import { guard, isLoopback } from './guard.ts'
import type { AdminParts } from './parts.ts'
import { Problem, problemBody, toProblem } from './problem.ts'
import { addDeadLetters, addProbes, addQuestions } from './routes.ts'

/** A request may take this long to arrive, and be this large: an event with its data, or a list of ids. */
const REQUEST_MS = 10_000
const BODY_BYTES = 4 * 2 ** 20

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
  const app = build(isLoopback(host), parts)
  let bound = port
  return {
    async start(signal) {
      signal.throwIfAborted()
      await app.listen({ host, port }).catch((error: unknown) => {
        throw cannotListen(error, written(host, port))
      })
      const address = app.server.address()
      if (typeof address === 'object' && address !== null) bound = address.port
    },
    stop: () => app.close(),
    get address() {
      return written(host, bound)
    },
  }
}

function build(loopback: boolean, parts: AdminParts): FastifyInstance {
  const app = fastify({
    requestTimeout: REQUEST_MS,
    bodyLimit: BODY_BYTES,
    forceCloseConnections: true,
    exposeHeadRoutes: false,
    routerOptions: { maxParamLength: 4_096 },
  })
  // One parser for all: what a body is, is said by the path and not by its content type.
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
  app.addHook('onRequest', async ({ headers, method }) => guard(method, headers, loopback))
  app.setNotFoundHandler(({ method, url }) => {
    throw new Problem(404, 'NOT_FOUND', `nothing answers ${method} ${url.split('?')[0]}`)
  })
  app.setErrorHandler((error, request, reply) => {
    const problem = toProblem(error)
    if (problem.status >= 500) parts.log.error({ err: error, path: request.url }, 'admin: a request went wrong')
    return reply
      .code(problem.status)
      .type('application/problem+json')
      .send(Buffer.from(problemBody(problem)))
  })
  addProbes(app, parts)
  addQuestions(app, parts)
  addDeadLetters(app, parts)
  return app
}

const written = (host: string, port: number): string => (host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`)

function cannotListen(error: unknown, place: string): unknown {
  if (!(error instanceof Error) || !('code' in error) || error.code !== 'EADDRINUSE') return error
  const message = `admin (http): listening on ${place}: another program listens there; stop that program, or change admin.listen in the configuration`
  return new GatewayError('ADDRESS_IN_USE', message, { cause: error })
}
