/** What the path refuses for good of a source that can tell nobody: a dead letter, with its bytes and the reason, over kill -9. */

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { sharedByTests } from '../../services/tries.ts'
import { type Gateway, headgate, repository, runGateway, type Scratch, scratch, until } from './gateway.ts'

let folder: Scratch
let files: string
const BYTES = Buffer.from([0xff, 0x00, 0x7b])
let gateway: Gateway
/** Whether a route takes them by now. */
let mended: boolean

/** Files are calls here, whose answer can be published nowhere: without a route that takes them each is refused for good. */
const config = (routes: string): string =>
  folder.file(
    'refused.yaml',
    `log: { level: warn }
sources:
  files:
    storage: { directory: ${files}, fetch: true, stable: 0s }
    as: { id: subject, replyto: '"answers/#"' }
functions:
  echo: ${join(repository, 'functions/echo/echo.wasm')}
routes: ${routes}
`,
  )

sharedByTests(async () => {
  folder = scratch()
  files = folder.fresh('in')
  gateway = await run('{}')
  for (const name of ['a', 'b', 'c']) writeFileSync(join(files, name), BYTES)
  await until('all are dead letters', 30_000, async () => (await items()).length === 3)
  mended = false
  return async () => {
    await gateway[Symbol.asyncDispose]()
    folder.remove()
  }
})

const run = (routes: string) => runGateway(config(routes), join(folder.path, 'data'))

/** Ends the gateway, and starts it with a route that takes them. */
async function mend(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
  if (mended) return
  gateway.child.kill(signal)
  await gateway.ended
  gateway = await run('{ work: { from: files, to: echo } }')
  mended = true
}

const letters = (...args: readonly string[]) => headgate(['dead-letters', ...args, ...gateway.admin])
const items = async () => JSON.parse((await letters('list', '--json')).out).items
const why = async (id: string) => (await headgate(['why', id, ...gateway.admin])).out

const refused = 'REPLY_TOPIC_REFUSED: broker (mqtt): publishing on "answers/#"'
const letterOf = async (id: string) => (await items()).find(({ event }: Item) => event.refusedid === id)
interface Item {
  readonly event: { readonly refusedid: string }
}

test('is listed, told of, and there after kill -9', async () => {
  const { out } = await letters('list')
  expect(out.match(/\(offer\) -> routes/g)).toHaveLength(3)
  expect(out).toContain(refused)
  expect(await why('a')).toContain(`(offer) -> routes  dead after 1 attempt`)
  expect(await why('a')).toContain(refused)
  await mend('SIGKILL')
  const held = await items()
  const event = { source: '/storage/files', type: 'headgate.storage.created' }
  const kept = { id: expect.stringMatching(/^[abc]\/refused$/), refusedid: expect.stringMatching(/^[abc]$/) }
  expect(held.map((item: Item) => item.event)).toMatchObject(Array(3).fill({ ...event, ...kept }))
  const shown = JSON.parse((await letters('show', held[0].id, '--json')).out)
  expect(Buffer.from(shown.event.data_base64, 'base64')).toEqual(BYTES)
})

test('sent with other data it is an event of the path, which names it as its cause; it stays as it was', async () => {
  await mend()
  const { id } = await letterOf('a')
  const sent = await letters('resend', id, '--data', 'put right', '--content-type', 'text/plain', '--json')
  expect(sent).toMatchObject({ code: 0, err: '' })
  const { callId, eventId } = JSON.parse(sent.out)
  expect(eventId).toMatch(/^a\/resend\/[0-9a-f-]+$/)
  await until('it is delivered', 30_000, async () => /work -> echo +done in 1 attempt/.test(await why(eventId)))
  const { chain, event } = JSON.parse((await headgate(['why', eventId, '--json', ...gateway.admin])).out)
  expect(event).toMatchObject({ data: 'put right', datacontenttype: 'text/plain', causationid: 'a/refused' })
  expect(event).not.toHaveProperty('refusedid')
  expect(event).not.toHaveProperty('replyto')
  // The letter, what was offered in its place, and the event that came of that.
  expect(chain.map((link: { id: string }) => link.id)).toEqual(['a/refused', `${eventId}/refused`, eventId])
  expect(await why(callId)).toContain('(offer) -> routes  done in 1 attempt')
  expect(await letterOf('a')).toMatchObject({ id, event: { id: 'a/refused' } })
  expect(await letters('resend', id, '--data', 'x', '--to', 'echo')).toMatchObject({
    code: 1,
    err: expect.stringContaining('"echo" is no target of the route "(offer)": it has "routes"'),
  })
})

test('dropped it is gone', async () => {
  await mend()
  const { id } = await letterOf('b')
  expect((await letters('drop', '--id', id, '--yes')).out).toBe('1 dead letter removed\n')
  expect(await letterOf('b')).toBeUndefined()
  expect(await why('b')).toContain('none of its deliveries is left')
})

test('redriven, with care and without, it is delivered as it was', async () => {
  await mend()
  const { id } = await letterOf('a')
  expect(await letters('redrive', '--id', id, '--careful')).toMatchObject({ code: 0, err: '' })
  expect((await letters('redrive', '--all')).code).toBe(0)
  for (const id of ['a', 'c']) {
    await until(`${id} is delivered`, 30_000, async () => /work -> echo +done in 1 attempt/.test(await why(id)))
    const { event } = JSON.parse((await headgate(['why', id, '--json', ...gateway.admin])).out)
    expect(Buffer.from(event.data_base64, 'base64')).toEqual(BYTES)
  }
  // They were acknowledged: the files are not told of again.
  expect(await items()).toEqual([])
})
