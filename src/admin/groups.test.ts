/** Dead letters in groups, and as new events: what belongs together, what is sent, what stays. */

import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { DeadLetter } from '../journal/journal.ts'
import { groupOf, shapeOf } from './groups.ts'
import { Bench, error, event, letter } from './harness.ts'

let bench: Bench
beforeEach(async () => {
  bench = await Bench.open()
})
afterEach(() => bench[Symbol.asyncDispose]())

const json = async (response: Response): Promise<unknown> => response.json()

describe('a group', () => {
  test.each([
    ['order "7" of 2026-01-31 is gone', 'order "8, \\"x\\"" of 2026-02-01 is gone'],
    ['waited 1200 ms for 019c2f9e-6a52-7cc1', 'waited 30 ms for 019c2f9e-ffff-7cc1'],
  ])('has one shape of message: %s', (one, other) => {
    expect(shapeOf(one)).toBe(shapeOf(other))
    expect(groupOf('sync', { ...error, message: one })).toBe(groupOf('sync', { ...error, message: other }))
  })

  test('is of one code, one target and one place, whatever the message there', () => {
    const base = { ...error, fingerprint: 'unreachable@run' }
    const group = groupOf('sync', base)
    expect(groupOf('sync', { ...base, message: 'other words' })).toBe(group)
    const others = [
      groupOf('sync@2', base),
      groupOf('sync', { ...base, code: 'FUNCTION_TIMEOUT' }),
      groupOf('sync', { ...base, digest: 'of another build' }),
      groupOf('sync', { ...base, detailCode: 'NO_STOCK' }),
      groupOf('sync', { ...base, fingerprint: 'unreachable@stop' }),
      groupOf('sync', { ...error, message: 'words' }),
    ]
    expect(new Set([group, ...others]).size).toBe(7)
  })
})

describe('over the admin listener', () => {
  const other: DeadLetter['error'] = { ...error, message: 'no stock of "a"' }
  beforeEach(() => {
    bench.letters.all = [letter(1, 1_000), { ...letter(2, 2_000), error: other }, { ...letter(3, 3_000, 'more') }]
  })

  test('groups are counted, the largest first, with their times, routes and an example', async () => {
    expect(await json(await bench.get('/admin/dead-letters/groups'))).toEqual({
      groups: [
        {
          group: groupOf('sync', error),
          code: error.code,
          to: 'sync',
          routes: ['orders', 'more'],
          site: error.message,
          count: 2,
          firstAt: '1970-01-01T00:00:00.500Z',
          lastAt: '1970-01-01T00:00:03.000Z',
          example: 'd/1',
        },
        expect.objectContaining({ group: groupOf('sync', other), site: 'no stock of "…"', count: 1, example: 'd/2' }),
      ],
      others: 0,
    })
    expect(await json(await bench.get('/admin/dead-letters/groups?route=more'))).toMatchObject({
      groups: [{ count: 1, example: 'd/3' }],
    })
  })

  test('each letter says its group, and a list takes one', async () => {
    const group = groupOf('sync', other)
    expect(await json(await bench.get(`/admin/dead-letters?group=${group}`))).toEqual({
      items: [expect.objectContaining({ id: 'd/2', group })],
    })
  })

  test.each(['redrive', 'drop'])('%s takes a group', async (what) => {
    await bench.post(`/admin/dead-letters/${what}`, { filter: { group: groupOf('sync', error) } })
    expect(bench.letters.taken).toEqual([[what, { ids: ['d/1', 'd/3'] }]])
  })

  test('a redrive to another target makes new events, once, and takes the letters away', async () => {
    const ask = () => bench.post('/admin/dead-letters/redrive', { filter: { route: 'orders' }, to: 'sync@2' })
    const done = (await json(await ask())) as { count: number; moved: object[] }
    expect(done).toMatchObject({ count: 2, moved: [{ id: 'd/1', eventId: 'e1/redrive/d/1' }, { id: 'd/2' }] })
    expect(bench.letters.taken).toEqual([['drop', { ids: ['d/1', 'd/2'] }]])
    const [entry] = bench.appended
    expect(entry).toMatchObject({
      routes: [{ route: 'orders', to: 'sync@2' }],
      event: { id: 'e1/redrive/d/1', extensions: { region: 'eu', causationid: 'e1', correlationid: 'e1' } },
    })
    // The letters are still there, as after a crash before the drop.
    await ask()
    expect(bench.appended).toHaveLength(2)
  })

  test('to the newest: what stays is due before anything moves, so that what dies again at once is no other letter', async () => {
    const of = (n: number, to: string) => ({ ...letter(n, n, 'sizes'), to })
    bench.letters.all = [of(4, 'resize@2'), of(5, 'resize@3'), of(6, 'resize@2')]
    const ask = bench.post('/admin/dead-letters/redrive', { filter: { route: 'sizes' } })
    expect(await json(await ask)).toMatchObject({ count: 4, moved: [{ id: 'd/4' }, { id: 'd/6' }] })
    expect(bench.letters.taken).toEqual([
      ['redrive', { route: 'sizes', ids: ['d/5'] }],
      ['drop', { ids: ['d/4', 'd/6'] }],
    ])
    expect(bench.appended.map(({ routes }) => routes[0]?.to)).toEqual(['resize@3', 'resize@3'])
  })

  test('a target that a route does not have is refused before anything has moved', async () => {
    const refused = await bench.post('/admin/dead-letters/redrive', { filter: { since: '1d' }, to: 'sync@2' })
    expect([refused.status, await json(refused)]).toMatchObject([200, { count: 0 }])
    const some = await bench.post('/admin/dead-letters/redrive', {
      filter: { since: '1970-01-01T00:00:00Z' },
      to: 'sync@2',
    })
    expect([some.status, await json(some)]).toMatchObject([
      400,
      { code: 'TARGET_UNKNOWN', detail: expect.stringContaining('no such route') },
    ])
    const none = await bench.post('/admin/dead-letters/redrive', { filter: { route: 'orders' }, to: 'sink' })
    expect(await json(none)).toMatchObject({ detail: expect.stringContaining('it has "sync", "sync@2"') })
    expect([bench.appended, bench.letters.taken]).toEqual([[], []])
    expect((await bench.post('/admin/dead-letters/drop', { filter: { route: 'orders' }, to: 'sync' })).status).toBe(400)
  })

  test('a letter is sent with other data as an event that it is the cause of, and stays', async () => {
    const data = Buffer.from('{"amount":4}')
    const body = { id: 'd/1', data: data.toString('base64') }
    const sent = await json(await bench.post('/admin/dead-letters/resend', body))
    expect(sent).toMatchObject({ id: 'd/1', eventId: expect.stringMatching(/^e1\/resend\/./) })
    const [entry] = bench.appended
    expect(entry?.routes).toEqual([{ route: 'orders', to: 'sync', answers: true }])
    expect(Buffer.from(entry?.event.data ?? []).toString()).toBe(data.toString())
    expect(entry?.event).toMatchObject({ type: event.type, extensions: { causationid: 'e1' } })
    expect(bench.letters.taken).toEqual([])
    const wrong = await bench.post('/admin/dead-letters/resend', { ...body, data: Buffer.from('{').toString('base64') })
    expect([wrong.status, await json(wrong)]).toMatchObject([400, { detail: expect.stringContaining('not JSON') }])
    const text = { ...body, data: Buffer.from('{').toString('base64'), contentType: 'text/plain', to: 'sync@2' }
    expect((await bench.post('/admin/dead-letters/resend', text)).status).toBe(200)
    expect(bench.appended[1]).toMatchObject({ event: { datacontenttype: 'text/plain' }, routes: [{ to: 'sync@2' }] })
    expect((await bench.post('/admin/dead-letters/resend', { ...body, id: 'd/9' })).status).toBe(404)
  })
})
