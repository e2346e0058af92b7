/** What becomes of a delivery whose children have no room: for now, for good, one by one, in a batch, of a fallback. */

import { describe, expect, test } from 'vitest'
import { GatewayError } from '../errors.ts'
import type { CloudEvent } from '../event/index.ts'
import type { Accept } from './accept.ts'
import { emitChildren } from './children.ts'
import { JournalCredit } from './credit.ts'

const LIMIT = 100_000
const full = new GatewayError('JOURNAL_FULL', 'journal: no room')
const eventOf = (id: string, bytes: number): CloudEvent => ({
  specversion: '1.0',
  id,
  source: '/s',
  type: 't',
  data: new Uint8Array(bytes),
})

/** Emits children of these sizes; the journal has no room for those named. */
async function emit(
  own: number,
  sizes: readonly number[],
  unkept: readonly number[],
  unmatched: readonly number[] = [],
) {
  const used = { pending: 0, bytes: LIMIT - 1_000 }
  const room = new JournalCredit({ appends: 1, pending: 1, bytes: LIMIT }, () => used)
  const accept: Accept = async ({ id }) => {
    if (unkept.includes(Number(id))) throw full
    return { callId: id, duplicate: false, routes: unmatched.includes(Number(id)) ? [] : ['r'] }
  }
  const origin = { source: 'function', address: 'f' }
  const children = sizes.map((bytes, index) => ({ event: eventOf(`${index}`, bytes), origin }))
  return emitChildren(children, eventOf('parent', own), 'd1', { accept, room }).catch((error: unknown) => error)
}

describe('children for which there is no room', () => {
  test('are waited for as long as there could be', async () => {
    expect(await emit(40_000, [40_000], [0])).toBe(full)
    expect(await emit(10_000, [20_000, 20_000, 20_000], [2])).toBe(full)
  })

  test('are given up when there never could be, be it that only all of them together are too many', async () => {
    const forGood = { code: 'EVENT_TOO_LARGE', disposition: 'reject', cause: full }
    const refused = await emit(60_000, [60_000], [0])
    expect(refused).toMatchObject(forGood)
    expect(refused).toMatchObject({
      message:
        'journal: keeping what came of "parent": the event does not fit into the journal beside it, were nothing else in there; raise journal.max_size, or send less',
    })
    const three = await emit(30_000, [30_000, 30_000, 30_000], [2])
    expect(three).toMatchObject({ ...forGood, message: expect.stringContaining('the 3 events do not fit') })
  })

  test('need none where no route takes them', async () => {
    expect(await emit(30_000, [60_000, 30_000], [1], [0])).toBe(full)
  })

  test('are as they were where nothing is held of what they came of', async () => {
    const accept: Accept = () => Promise.reject(full)
    const children = [{ event: eventOf('0', 1), origin: { source: 'function', address: 'f' } }]
    await expect(emitChildren(children, eventOf('parent', 1), 'd1', { accept })).rejects.toBe(full)
  })

  test('another refusal is told as it is', async () => {
    const invalid = new GatewayError('EVENT_INVALID', 'no type')
    const room = { couldHold: () => false, hasRoomFor: () => false }
    const accept: Accept = () => Promise.reject(invalid)
    const children = [{ event: eventOf('0', 1), origin: { source: 'function', address: 'f' } }]
    await expect(emitChildren(children, eventOf('parent', 1), 'd1', { accept, room })).rejects.toBe(invalid)
  })
})
