/** Dead letters over the admin listener: pages of them, and changes that name what they take. */

import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { NO_GRANTS } from '../pool/grants.ts'
import { encodeRecording } from '../pool/recording.ts'
import { Bench, error, letter } from './harness.ts'

let bench: Bench
beforeEach(async () => {
  bench = await Bench.open()
})
afterEach(() => bench[Symbol.asyncDispose]())

describe('dead letters', () => {
  test('come in pages that cost what they show, also when many died at once or the last one is gone', async () => {
    bench.letters.all = [1, 2, 3, 4, 5, 6, 7].map((n) => letter(n, n < 3 ? 100 : n < 6 ? 200 : 300))
    const seen: string[] = []
    let after = ''
    do {
      bench.letters.read = 0
      const response = await bench.get(`/admin/dead-letters?limit=2${after && `&after=${encodeURIComponent(after)}`}`)
      const page = (await response.json()) as { items: { id: string }[]; next?: string }
      seen.push(...page.items.map(({ id }) => id))
      expect(bench.letters.read).toBeLessThanOrEqual(6)
      after = page.next ?? ''
    } while (after)
    expect(seen).toEqual(['d/1', 'd/2', 'd/3', 'd/4', 'd/5', 'd/6', 'd/7'])
    const gone = (await (await bench.get('/admin/dead-letters?after=200:d%2Fgone')).json()) as {
      items: { id: string }[]
    }
    expect(gone.items.map(({ id }) => id)).toEqual(['d/3', 'd/4', 'd/5', 'd/6', 'd/7'])
  })

  test('are filtered, and listed without their data', async () => {
    bench.letters.all = [letter(1, 100), letter(2, 200, 'other')]
    const page = (await (
      await bench.get('/admin/dead-letters?route=other&since=1970-01-01T00:00:00.150Z')
    ).json()) as object
    expect(page).toEqual({
      items: [expect.objectContaining({ id: 'd/2', attempts: 6, error, lastAt: '1970-01-01T00:00:00.200Z' })],
    })
    expect(page).toMatchObject({ items: [{ event: { id: 'e2', region: 'eu', bytes: 12 } }] })
    expect(JSON.stringify(page)).not.toContain('amount')
    expect(await (await bench.get('/admin/dead-letters?since=1h')).json()).toEqual({ items: [] })
  })

  test('are shown whole one at a time', async () => {
    bench.letters.all = [letter(1, 100)]
    expect(await (await bench.get('/admin/dead-letters/d/1')).json()).toMatchObject({
      id: 'd/1',
      event: { data: { amount: 3 } },
    })
    expect((await bench.get('/admin/dead-letters/d/9')).status).toBe(404)
  })

  test('say what was recorded of their last attempt, and give all of it to whoever asks', async () => {
    bench.letters.all = [letter(1, 100), letter(2, 200)]
    const grants = { ...NO_GRANTS, kv: ['things'] }
    const of = { function: 'f', version: '2', sha256: 'abc', callId: 'c1', attempt: 6, deadlineMs: 9, memoryBytes: 1 }
    const inputs = [{ name: 'wall clock', gave: 7 }]
    const recorded = { earlier: 41, warmUps: 1, start: [], inputs, cut: false }
    const stored = encodeRecording({ ...of, timeoutMs: 10, grants, ...recorded }, undefined)
    bench.letters.recordings.set('d/1', stored)
    const shown = { function: 'f@2', sha256: 'abc', inputs: 1, bytes: stored.length, earlier: 41, cut: false }
    expect(await (await bench.get('/admin/dead-letters/d/1')).json()).toMatchObject({ id: 'd/1', recording: shown })
    expect(await (await bench.get('/admin/dead-letters/d/2')).json()).not.toHaveProperty('recording')
  })

  test.each(['redrive', 'drop'])('%s takes a filter, never none', async (what) => {
    const done = await bench.post(`/admin/dead-letters/${what}`, { filter: { route: 'orders', ids: ['d/1'] } })
    expect([done.status, await done.json()]).toEqual([200, { count: 2 }])
    expect(bench.letters.taken).toEqual([[what, { route: 'orders', ids: ['d/1'] }]])
    for (const body of [{ filter: {} }, {}, { filter: { ids: [] } }, { filter: { rout: 'x' } }, [], 'x', null]) {
      const refused = await bench.post(`/admin/dead-letters/${what}`, body)
      expect(refused.status, JSON.stringify(body)).toBe(400)
    }
    expect(bench.letters.taken).toHaveLength(1)
  })

  test.each(['limit=0', 'limit=x', 'since=yesterday', 'after=x', 'rout=x'])('refuses ?%s', async (query) => {
    const response = await bench.get(`/admin/dead-letters?${query}`)
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({ code: 'REQUEST_INVALID', detail: expect.stringMatching(/./) })
  })
})
