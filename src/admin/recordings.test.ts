/** Recordings over the admin listener: found by their delivery or its event, with the event that was called with. */

import { afterEach, beforeEach, expect, test } from 'vitest'
import * as z from 'zod'
import { decodeEvent, encodeEvent } from '../event/codec.ts'
import { NO_GRANTS } from '../pool/grants.ts'
import { encodeRecording } from '../pool/recording.ts'
import { Bench, error, event } from './harness.ts'

let bench: Bench
beforeEach(async () => {
  bench = await Bench.open()
})
afterEach(() => bench[Symbol.asyncDispose]())

const recorded = (called?: Uint8Array) => {
  const of = { function: 'f', version: '2', sha256: 'abc', callId: 'c1', attempt: 6, deadlineMs: 9, memoryBytes: 1 }
  const given = { earlier: 41, warmUps: 1, start: [], inputs: [{ name: 'wall clock', gave: 7 }], cut: false }
  return encodeRecording({ ...of, timeoutMs: 10, grants: NO_GRANTS, ...given }, called)
}

const whole = z.object({ id: z.string(), status: z.string(), recording: z.string(), event: z.string() }).loose()
const ask = async (key: string) => whole.parse(await (await bench.get(`/admin/recordings/${key}`)).json())

test('are found by the delivery, or its event; without an event of its own it is that of the delivery', async () => {
  bench.letters.recordings.set('d2', recorded())
  for (const key of ['d2', 'c1', encodeURIComponent(event.id)]) {
    const found = await ask(key)
    expect(found).toMatchObject({ id: 'd2', route: 'copy', to: 'queue', status: 'due', error })
    expect(Buffer.from(found.recording, 'base64')).toEqual(Buffer.from(recorded()))
    expect(decodeEvent(Buffer.from(found.event, 'base64'))).toMatchObject({ id: event.id, type: 'order.created' })
  }
})

test('have the event that the function was called with, which a transform may have made', async () => {
  bench.letters.recordings.set('d2', recorded(encodeEvent({ ...event, id: 'other' })))
  expect(decodeEvent(Buffer.from((await ask('d2')).event, 'base64')).id).toBe('other')
})

test('of what succeeded have no error; of several of one event one is to be named', async () => {
  bench.letters.recordings.set('d1', recorded())
  expect(await ask('d1')).toMatchObject({ status: 'done' })
  expect(await ask('d1')).not.toHaveProperty('error')
  bench.letters.recordings.set('d2', recorded())
  const several = await bench.get('/admin/recordings/c1')
  expect([several.status, await several.json()]).toEqual([
    409,
    expect.objectContaining({ code: 'RECORDING_AMBIGUOUS', detail: expect.stringContaining('d1 (sync), d2 (queue)') }),
  ])
})

test('that are not there are said not to be', async () => {
  const none = await bench.get('/admin/recordings/d2')
  expect([none.status, await none.json()]).toEqual([404, expect.objectContaining({ code: 'RECORDING_UNKNOWN' })])
})
