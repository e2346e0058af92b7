/** What the path refuses for good of a source that can tell nobody: a dead letter, with its bytes and the reason, over kill -9. */

import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { type Gateway, headgate, repository, runGateway, scratch, until } from './gateway.ts'

const folder = scratch()
const files = join(folder.path, 'in')
const BYTES = Buffer.from([0xff, 0x00, 0x7b])
let gateway: Gateway

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

afterAll(async () => {
  gateway?.child.kill('SIGKILL')
  await gateway?.ended
  folder.remove()
})

const run = (routes: string) => runGateway(config(routes), join(folder.path, 'data'))
const letters = (...args: readonly string[]) => headgate(['dead-letters', ...args, ...gateway.admin])
const items = async () => JSON.parse((await letters('list', '--json')).out).items
const why = async (id: string) => (await headgate(['why', id, ...gateway.admin])).out

test('is listed, told of, and there after kill -9; redriven once that is put right, it is delivered', async () => {
  mkdirSync(files)
  gateway = await run('{}')
  for (const name of ['a', 'b']) writeFileSync(join(files, name), BYTES)
  await until('both are dead letters', 30_000, async () => (await items()).length === 2)
  const refused = 'REPLY_TOPIC_REFUSED: broker (mqtt): publishing on "answers/#"'
  const { out } = await letters('list')
  expect(out.match(/\(offer\) -> routes/g)).toHaveLength(2)
  expect(out).toContain(refused)
  expect(await why('a')).toContain(`(offer) -> routes  dead after 1 attempt`)
  expect(await why('a')).toContain(refused)
  gateway.child.kill('SIGKILL')
  await gateway.ended
  gateway = await run('{ work: { from: files, to: echo } }')
  const held = await items()
  expect(held.map(({ event }: { event: object }) => event)).toMatchObject([
    { id: expect.stringMatching(/^[ab]\/refused$/), refusedid: expect.stringMatching(/^[ab]$/) },
    { source: '/storage/files', type: 'headgate.storage.created' },
  ])
  const shown = JSON.parse((await letters('show', held[0].id, '--json')).out)
  expect(Buffer.from(shown.event.data_base64, 'base64')).toEqual(BYTES)
  expect((await letters('redrive', '--all')).code).toBe(0)
  for (const id of ['a', 'b'])
    await until(`${id} is delivered`, 30_000, async () => /work -> echo +done in 1 attempt/.test(await why(id)))
  // They were acknowledged: the files are not told of again.
  expect(await items()).toEqual([])
})
