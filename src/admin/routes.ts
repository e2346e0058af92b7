/** The paths of the admin listener: health, metrics, and the control API under /admin. */

import type { FastifyInstance, FastifyReply } from 'fastify'
import { parseJsonEvent } from '../event/index.ts'
import type { DeadLetter, EventRecord } from '../journal/journal.ts'
import { readChange, readPage } from './letters.ts'
import type { AdminParts } from './parts.ts'
import { Problem } from './problem.ts'
import { tail } from './tail.ts'
import { letterDetail, letterView, recordView } from './views.ts'

const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8'
const LINES_TYPE = 'application/x-ndjson; charset=utf-8'

/** For load balancers and scrapers. */
export function addProbes(app: FastifyInstance, { health, metrics }: AdminParts): void {
  app.get('/health', (_, reply) => {
    const alive = health.alive()
    return reply.code(alive ? 200 : 503).send({ status: alive ? 'ok' : 'failed' })
  })
  app.get('/ready', async (_, reply) => {
    const checks = await health.ready()
    const ready = health.alive() && checks.every(({ ok }) => ok)
    return reply.code(ready ? 200 : 503).send({ ready, checks })
  })
  app.get('/metrics', async (_, reply) => reply.type(METRICS_TYPE).send(await metrics.render()))
}

/** What runs, what is on its way, and why it went where it went. */
export function addQuestions(app: FastifyInstance, parts: AdminParts): void {
  const { config, explain, functions, journal, predicate, subscribe } = parts
  app.get('/admin/config', (_, reply) => reply.type('application/yaml; charset=utf-8').send(config()))
  app.get('/admin/stats', () => ({
    uptimeSeconds: Math.round(process.uptime()),
    journal: journal.stats(),
    functions: functions(),
  }))
  app.get<{ Params: { '*': string } }>('/admin/events/*', async ({ params }) => {
    const record = await findEvent(parts, params['*'])
    return recordView(record, explain(record.event, record.origin))
  })
  app.post<{ Body: Buffer; Querystring: { source?: string; address?: string } }>(
    '/admin/explain',
    ({ body, query }) => {
      const origin = { source: query.source ?? 'http', address: query.address ?? 'POST /events' }
      return { origin, verdicts: explain(parseJsonEvent(body), origin) }
    },
  )
  app.get<{ Querystring: { when?: string } }>('/admin/tail', ({ query }, reply) => {
    const when = query.when === undefined ? undefined : predicate(query.when)
    // The head goes out at once: whoever tails knows that he is heard before anything happens.
    return sendLines(reply, tail(subscribe, when, Date.now))
  })
}

/** What was given up on: looked at, made due again, or removed. */
export function addDeadLetters(app: FastifyInstance, { journal, log }: AdminParts): void {
  app.get('/admin/dead-letters', async ({ query }) => {
    const { letters, next } = await readPage(journal, query)
    return { items: letters.map(letterView), ...(next !== undefined && { next }) }
  })
  app.get<{ Params: { '*': string } }>('/admin/dead-letters/*', async ({ params }) => {
    return letterDetail(await findLetter({ journal }, params['*']))
  })
  app.post<{ Body: Buffer }>('/admin/dead-letters/redrive', async ({ body }) => {
    const filter = readChange(body)
    const count = await journal.redrive(filter)
    log.info({ filter, count }, 'admin: dead letters were redriven')
    return { count }
  })
  app.post<{ Body: Buffer }>('/admin/dead-letters/drop', async ({ body }) => {
    const filter = readChange(body)
    const count = await journal.drop(filter)
    log.warn({ filter, count }, 'admin: dead letters were dropped')
    return { count }
  })
}

async function findEvent({ journal }: AdminParts, key: string): Promise<EventRecord> {
  const record = (await journal.find({ callId: key })) ?? (await journal.find({ eventId: key }))
  if (record) return record
  const why =
    'it was never accepted, no route took it, it is older than the journal retains, or it was not journaled: ' +
    'neither are publishes at QoS 0, nor calls whose caller waits'
  throw new Problem(404, 'EVENT_UNKNOWN', `no event has "${key}" as its id or callId: ${why}`)
}

async function findLetter({ journal }: Pick<AdminParts, 'journal'>, id: string): Promise<DeadLetter> {
  for await (const letter of journal.deadLetters({ ids: [id] })) return letter
  throw new Problem(
    404,
    'DEAD_LETTER_UNKNOWN',
    `no dead letter has the id "${id}": it was redriven or dropped, or never was`,
  )
}

function sendLines(reply: FastifyReply, lines: ReturnType<typeof tail>): FastifyReply {
  reply.hijack()
  reply.raw.writeHead(200, { 'content-type': LINES_TYPE, 'cache-control': 'no-store' })
  reply.raw.flushHeaders()
  reply.raw.once('close', () => lines.destroy())
  lines.pipe(reply.raw)
  return reply
}
