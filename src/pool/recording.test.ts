/** Recordings come back as they were, whatever was given, and are not read where somebody else wrote them. */

import { expect, test } from 'vitest'
import { NO_GRANTS } from './grants.ts'
import { brief, decodeRecording, encodeRecording, type Input, pack, type Recording, unpack } from './recording.ts'

const recording = (inputs: readonly Input[]): Recording => ({
  function: 'f',
  version: '2',
  sha256: 'abc',
  callId: 'c',
  attempt: 3,
  deadlineMs: 1.5,
  memoryBytes: 1,
  timeoutMs: 2,
  grants: NO_GRANTS,
  earlier: 0,
  warmUps: 1,
  start: [],
  inputs,
  cut: false,
})

const values = [
  0,
  -0.5,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  2n ** 80n,
  'text',
  '',
  true,
  null,
  undefined,
  [],
  ['bytes', 'AA=='],
  [[1], [undefined, [2n]]],
  {},
  { list: ['nothing'], __proto__: null, answer: undefined },
  new Uint8Array([0, 255]),
  { keys: [new Uint8Array(), undefined] },
]

test.each(values)('%o is given again', (value) => {
  expect(unpack(JSON.parse(JSON.stringify(pack(value))))).toEqual(value)
})

test('inputs come back in order with what was asked and given, or thrown, and the event', () => {
  const inputs = values.map((gave) => ({ name: 'n', asked: [gave], gave }))
  const threw = { name: 't', asked: undefined, threw: Object.assign(new Error('gone'), { code: 'ENOENT' }) }
  const event = new Uint8Array([1, 2, 3])
  const back = decodeRecording(encodeRecording(recording([...inputs, threw]), event))
  expect(back?.event && [...back.event]).toEqual([1, 2, 3])
  expect(back?.recording).toEqual(recording([...inputs, { ...threw, threw: { message: 'gone', code: 'ENOENT' } }]))
  expect(decodeRecording(encodeRecording(recording([]), undefined))?.event).toBeUndefined()
})

test('what was not answered comes back without an answer', () => {
  const open = { ...recording([{ name: 'kv.get', asked: 1 }]), ended: true }
  const back = decodeRecording(encodeRecording(open, undefined))?.recording
  expect(back).toStrictEqual(open)
})

test('what another version wrote, or only in part, is not read', () => {
  const bytes = encodeRecording(recording([]), undefined)
  const newer = Uint8Array.from(bytes)
  newer[0] = 2
  for (const other of [newer, bytes.subarray(0, 7), bytes.subarray(0, -1), new Uint8Array()])
    expect(decodeRecording(other)).toBeUndefined()
})

test('of what is long, and of headers, the digest is kept: it tells one from another', () => {
  const long = (text: string) => brief({ body: Buffer.from(text.repeat(2_000)), list: [text.repeat(2_000)], at: 1 })
  expect(long('a')).toEqual(long('a'))
  expect(long('a')).not.toEqual(long('b'))
  expect(JSON.stringify(pack(long('a'))).length).toBeLessThan(400)
  const request = (token: string) => brief({ path: '/', headers: [['authorization', token]] })
  expect(JSON.stringify(request('secret'))).not.toContain('secret')
  expect(request('secret')).toEqual(request('secret'))
  expect(request('secret')).not.toEqual(request('other'))
})
