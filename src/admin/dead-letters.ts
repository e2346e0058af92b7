/** The paths of dead letters: looked at, made due again, sent anew, or removed. */

import type { DeadLetter } from '../journal/journal.ts'
import type { App } from './app.ts'
import { readBody } from './body.ts'
import { ofGroup, readGroups } from './groups.ts'
import { readChange, readFilter, readPage, readResend } from './letters.ts'
import type { AdminParts } from './parts.ts'
import { Problem } from './problem.ts'
import { recordingOf, recordingView } from './recordings.ts'
import { redriveTo, redriveToNewest, resend } from './resend.ts'
import { groupView, letterDetail, letterView } from './views.ts'

/** What was given up on. */
export function addDeadLetters(app: App, parts: AdminParts): void {
  const { journal, log } = parts
  app.get('/admin/dead-letters', async (c) => {
    const { letters, next } = await readPage(journal, once(c.req.queries()))
    return c.json({ items: letters.map(letterView), ...(next !== undefined && { next }) })
  })
  app.get('/admin/dead-letters/groups', async (c) => {
    const { groups, others } = await readGroups(journal, readFilter(once(c.req.queries())))
    return c.json({ groups: groups.map(groupView), others })
  })
  app.get('/admin/dead-letters/:id{.+}', async (c) => {
    const letter = await findLetter(journal, c.req.param('id'))
    return c.json({ ...letterDetail(letter), ...recordingView(await journal.recording(letter.id)) })
  })
  app.get('/admin/recordings/:key{.+}', async (c) => c.json(await recordingOf(c.req.param('key'), journal)))
  app.post('/admin/dead-letters/redrive', async (c) => {
    const { filter: asked, group, to } = readChange(await readBody(c.env.incoming))
    const filter = await ofGroup(journal, asked, group)
    const { moved, stayed } =
      to === undefined ? await redriveToNewest(filter, parts) : { moved: await redriveTo(filter, to, parts), stayed: 0 }
    const count = moved.length + stayed
    log.info({ filter: asked, group, to, count }, 'admin: dead letters were redriven')
    return c.json({ count, ...(moved.length > 0 && { moved }) })
  })
  app.post('/admin/dead-letters/drop', async (c) => {
    const { filter, group, to } = readChange(await readBody(c.env.incoming))
    if (to !== undefined) throw new Problem(400, 'REQUEST_INVALID', 'to: what is dropped goes nowhere')
    const count = await journal.drop(await ofGroup(journal, filter, group))
    log.warn({ filter, group, count }, 'admin: dead letters were dropped')
    return c.json({ count })
  })
  app.post('/admin/dead-letters/resend', async (c) => {
    const { data, id, ...how } = readResend(await readBody(c.env.incoming))
    const sent = await resend(await findLetter(journal, id), data, how, parts)
    log.info({ ...sent, ...how }, 'admin: a dead letter was sent with other data')
    return c.json(sent)
  })
}

/** What is given twice stays a list, which no schema takes: neither of the two was meant alone. */
const once = (query: Record<string, string[]>): object =>
  Object.fromEntries(Object.entries(query).map(([name, values]) => [name, values.length === 1 ? values[0] : values]))

async function findLetter(journal: AdminParts['journal'], id: string): Promise<DeadLetter> {
  for await (const letter of journal.deadLetters({ ids: [id] })) return letter
  throw new Problem(
    404,
    'DEAD_LETTER_UNKNOWN',
    `no dead letter has the id "${id}": it was redriven or dropped, or never was`,
  )
}
