/** What the admin listener answers: who may ask, the paths, and how errors read. */

import type { HttpBindings } from '@hono/node-server'
import { Hono } from 'hono'
import { addDeadLetters } from './dead-letters.ts'
import { addDeploy } from './deploy.ts'
import { guard } from './guard.ts'
import type { AdminParts } from './parts.ts'
import { answerOf, Problem, toProblem } from './problem.ts'
import { addReplay } from './replay.ts'
import { addRollouts } from './rollouts.ts'
import { addProbes, addQuestions } from './routes.ts'
import { addSinks } from './sinks.ts'
import { addSources } from './sources.ts'

/** Each request has Node's own two objects with it: a body and `tail` are streams of Node. */
export type App = Hono<{ Bindings: HttpBindings }>

/** Not the Hono of hono/tiny or hono/quick: its router also takes a path with a slash behind it, and at rest saves nothing. */
export function createApp(loopback: boolean, parts: AdminParts): App {
  const app: App = new Hono({ getPath: (_, options) => pathOf(options?.env?.incoming.url) })
  app.use(async ({ env: { incoming } }, next) => {
    const { headers, method = '' } = incoming
    guard(method, headers, loopback)
    // Hono would run the handler of GET for it, and a tail for nobody.
    if (method === 'HEAD') throw unknownPath(incoming)
    await next()
  })
  app.notFound(({ env }) => answerOf(unknownPath(env.incoming)))
  app.onError((error, { env }) => {
    const problem = toProblem(error)
    if (problem.status >= 500) parts.log.error({ err: error, path: env.incoming.url }, 'admin: a request went wrong')
    return answerOf(problem)
  })
  addProbes(app, parts)
  addQuestions(app, parts)
  addDeadLetters(app, parts)
  addReplay(app, parts)
  addSinks(app, parts)
  addSources(app, parts)
  addRollouts(app, parts)
  addDeploy(app, parts)
  return app
}

const unknownPath = ({ method, url }: HttpBindings['incoming']): Problem =>
  new Problem(404, 'NOT_FOUND', `nothing answers ${method} ${pathOf(url)}`)

/** The path as it came, without the host of an absolute URL. `URL` would resolve `..`, which may be the id of an event. */
const pathOf = (url = '/'): string => url.replace(/^https?:\/\/[^/?#]*|[?#].*$/gis, '') || '/'
