/** The paths of the admin listener: health, metrics, and the control API under /admin. */

import type { ServerResponse } from 'node:http'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import { parseJsonEvent, refusedId } from '../event/index.ts'
import type { EventRecord } from '../journal/journal.ts'
import type { App } from './app.ts'
import { readBody } from './body.ts'
import type { AdminParts } from './parts.ts'
import { historyOf, refusalOf, sumOf } from './past.ts'
import { Problem } from './problem.ts'
import { tail } from './tail.ts'
import { refusalView } from './views.ts'

const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8'
const CONFIG_TYPE = 'application/yaml; charset=utf-8'
const LINES_TYPE = 'application/x-ndjson; charset=utf-8'

/** For load balancers and scrapers. */
export function addProbes(app: App, { health, metrics }: AdminParts): void {
  app.get('/health', (c) => {
    const alive = health.alive()
    return c.json({ status: alive ? 'ok' : 'failed' }, alive ? 200 : 503)
  })
  app.get('/ready', async (c) => {
    const checks = await health.ready()
    const ready = health.alive() && checks.every(({ ok }) => ok)
    return c.json({ ready, checks }, ready ? 200 : 503)
  })
  app.get('/metrics', async (c) => c.body(await metrics.render(), 200, { 'content-type': METRICS_TYPE }))
}

/** What runs, what is on its way, and why it went where it went. */
export function addQuestions(app: App, parts: AdminParts): void {
  const { config, explain, functions, journal, predicate, subscribe } = parts
  app.get('/admin/config', (c) => c.body(config(), 200, { 'content-type': CONFIG_TYPE }))
  app.get('/admin/stats', (c) =>
    c.json({ uptimeSeconds: Math.round(process.uptime()), journal: journal.stats(), functions: functions() }),
  )
  app.get('/admin/events/:key{.+}', async (c) => {
    return c.json(await historyOf(await findEvent(parts, c.req.param('key')), parts))
  })
  app.get('/admin/refused', (c) => {
    const refused = parts.refusals.find(c.req.query('about'))
    return c.json({ items: refused.slice(0, MOST_REFUSED).map(refusalView), more: refused.length > MOST_REFUSED })
  })
  app.post('/admin/explain', async (c) => {
    const event = parseJsonEvent(await readBody(c.env.incoming))
    const origin = { source: c.req.query('source') ?? 'http', address: c.req.query('address') ?? 'POST /events' }
    return c.json({ origin, verdicts: explain(event, origin) })
  })
  app.get('/admin/tail', ({ env, req }) => {
    const expression = req.query('when')
    const when = expression === undefined ? undefined : predicate(expression)
    sendLines(env.outgoing, tail(subscribe, when, Date.now))
    return RESPONSE_ALREADY_SENT
  })
}

/** What is told of those that were not accepted, in one answer. */
const MOST_REFUSED = 100

async function findEvent(parts: AdminParts, key: string): Promise<EventRecord> {
  const { journal, refusals } = parts
  const record =
    (await journal.find({ callId: key })) ??
    (await journal.find({ eventId: key })) ??
    (await journal.find({ eventId: refusedId(key) })) ??
    (await ofLetter(journal, key))
  if (record) return record
  const refused = refusals.find(key)
  if (refused.length > 0) {
    const why = `the journal does not hold "${key}": ${sumOf(refused)}`
    const told = await Promise.all(refused.slice(0, MOST_REFUSED).map((each) => refusalOf(each, parts)))
    throw new Problem(404, 'EVENT_UNKNOWN', why, { refused: told })
  }
  const why =
    'it never came in, it is older than the journal retains, or it was not journaled: ' +
    'neither are publishes at QoS 0, nor calls whose caller waits. Of what is refused, or taken by no route, the last ' +
    'thousand are remembered until the next start'
  throw new Problem(404, 'EVENT_UNKNOWN', `no event has "${key}" as its id or callId: ${why}`)
}

/** The event of a dead letter: its id is what a list of them shows. */
async function ofLetter(journal: AdminParts['journal'], id: string): Promise<EventRecord | undefined> {
  for await (const { callId } of journal.deadLetters({ ids: [id] })) return journal.find({ callId })
  return undefined
}

/** The head goes out at once: whoever tails knows that he is heard before anything happens. */
function sendLines(outgoing: ServerResponse, lines: ReturnType<typeof tail>): void {
  outgoing.writeHead(200, { 'content-type': LINES_TYPE, 'cache-control': 'no-store' })
  outgoing.flushHeaders()
  outgoing.once('close', () => lines.destroy())
  lines.pipe(outgoing)
}
