/** What a call was given is read from outside as it stands, whatever it was, and never that of another call. */

import { expect, test } from 'vitest'
import { FIRST_SEAT } from './control.ts'
import { readTape, SharedTape, TapeMemory } from './shared-tape.ts'
import { Tape } from './tape.ts'

/** A tape whose calls in a slot are read by somebody else. */
function shared(slot: number, limit = 10_000) {
  const lender = new TapeMemory()
  const memory = new TapeMemory()
  const lent = lender.lend(slot, limit)
  if (lent) memory.take(lent)
  const writer = new SharedTape(memory)
  const read = (of = slot) => {
    const held = lender.of(of)
    return held && readTape(held, of)
  }
  return { lender, writer, tape: new Tape(limit, writer), read }
}

const failing = (tape: Tape) => {
  try {
    tape.ask('file.read', { at: 1 }, () => {
      throw Object.assign(new Error('gone'), { code: 'EIO' })
    })
  } catch {}
}

test('is what the tape would keep itself, in the middle of the call', async () => {
  const { tape, writer, read } = shared(3)
  tape.random(2)
  tape.ask('config.get', 'a', () => undefined)
  writer.open(3, 12.5)
  tape.begin()
  expect(read()).toMatchObject({ deadlineMs: 12.5, recorded: { inputs: [], cut: false, earlier: 0 } })
  tape.wall()
  tape.steady()
  const bytes = new Uint8Array([0, 255])
  await tape.askLater('kv.get', { store: 's', keys: ['k'] }, async () => ({ answer: [bytes, undefined] }))
  failing(tape)
  tape.random(5)
  const { recorded } = read() ?? {}
  const { start, inputs, ...own } = tape.recorded() ?? { start: [], inputs: [] }
  expect(recorded).toMatchObject(own)
  expect(recorded?.start).toEqual(start)
  const threw = { message: 'gone', code: 'EIO' }
  expect(recorded?.inputs).toEqual(inputs.map((input) => ('threw' in input ? { ...input, threw } : input)))
  expect(recorded?.inputs).toHaveLength(5)
})

test('what was not answered stands in its place without an answer, which comes there later', async () => {
  const { tape, writer, read } = shared(FIRST_SEAT)
  writer.open(FIRST_SEAT, 1)
  tape.begin()
  const answer = Promise.withResolvers<string>()
  const asking = tape.askLater('http.send', 1, () => answer.promise)
  tape.wall()
  expect(read()?.recorded.inputs).toEqual([{ name: 'http.send', asked: 1 }, expect.anything()])
  answer.resolve('told')
  await asking
  expect(read()?.recorded.inputs[0]).toEqual({ name: 'http.send', asked: 1, gave: 'told' })
  writer.close()
  tape.wall()
  expect(read()?.recorded.inputs).toHaveLength(2)
})

test('is nothing before the call has begun, in another slot, or of the call before', () => {
  const { tape, writer, read } = shared(3)
  expect(read()).toBeUndefined()
  writer.open(3, 1)
  tape.begin()
  tape.wall()
  expect(read()?.recorded.inputs).toHaveLength(1)
  expect(read(4)).toBeUndefined()
  expect(read(FIRST_SEAT)).toBeUndefined()
  writer.open(4, 1)
  expect(read()).toBeUndefined()
  expect(read(4)).toBeUndefined()
  tape.begin()
  expect(read(4)).toMatchObject({ recorded: { inputs: [], earlier: 1 } })
})

test('ends where the limit of the tape does, or that of its memory', () => {
  const { tape, writer, read } = shared(0, 200)
  writer.open(0, 1)
  tape.begin()
  for (let n = 0; n < 100; n++) tape.wall()
  const { recorded } = read() ?? {}
  expect(recorded).toMatchObject({ cut: true, inputs: tape.recorded()?.inputs })
  const small = shared(0, 0)
  const tall = new Tape(1_000_000, small.writer)
  small.writer.open(0, 1)
  tall.begin()
  for (let n = 0; n < 10_000; n++) tall.wall()
  const kept = small.read()?.recorded
  expect(kept).toMatchObject({ cut: true, inputs: tall.recorded()?.inputs.slice(0, kept?.inputs.length) })
  expect(kept?.inputs.length).toBeGreaterThan(100)
})

test('memory is lent once, and more of it for a call that may keep more', () => {
  const { lender } = shared(FIRST_SEAT, 100)
  expect(lender.lend(FIRST_SEAT, 100)).toBeUndefined()
  expect(lender.lend(FIRST_SEAT, 1_000_000)?.memory.byteLength).toBeGreaterThan(1_000_000)
  expect(lender.lend(FIRST_SEAT, 100)).toBeUndefined()
})
