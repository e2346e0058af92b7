/** A tape notes what is given in the order in which it is asked for, up to its limit, and gives it again. */

import { describe, expect, test } from 'vitest'
import { NO_GRANTS } from './grants.ts'
import { DivergedError, Playback, type Step } from './playback.ts'
import type { Recorded } from './recording.ts'
import { Tape } from './tape.ts'

const played = (recorded: (Recorded & { readonly ended?: boolean }) | undefined, told: Step[] = []) => {
  if (!recorded) throw new Error('nothing was recorded')
  const held = () => {
    throw new Error('held')
  }
  const of = { function: 'f', version: '', sha256: '', callId: 'c', attempt: 1, deadlineMs: 1, memoryBytes: 1 }
  return new Playback({ ...of, timeoutMs: 1, grants: NO_GRANTS, ...recorded }, (step) => told.push(step), held)
}
const names = (recorded: Recorded | undefined) => recorded?.inputs.map(({ name }) => name)

describe('a tape', () => {
  test('keeps what came while it was made, and of the last call alone', () => {
    const tape = new Tape(1_000)
    tape.random(4)
    tape.begin()
    tape.steady()
    tape.begin()
    tape.wall()
    expect(tape.recorded()).toMatchObject({ earlier: 1, warmUps: 0, cut: false, start: [{ name: 'random', asked: 4 }] })
    expect(names(tape.recorded())).toEqual(['wall clock'])
    tape.begin()
    expect(names(tape.recorded())).toEqual([])
  })

  test('counts the calls that warm up apart, and keeps what came in them', () => {
    const tape = new Tape(1_000)
    tape.begin()
    tape.wall()
    tape.warmed()
    tape.begin()
    tape.steady()
    tape.warmed()
    tape.begin()
    tape.random(1)
    const recorded = tape.recorded()
    expect(recorded).toMatchObject({ earlier: 0, warmUps: 2 })
    expect(recorded?.start.map(({ name }) => name)).toEqual(['wall clock', 'steady clock'])
    expect(names(recorded)).toEqual(['random'])
  })

  test('ends at its limit, and says so; the next call begins anew', () => {
    const tape = new Tape(100)
    tape.begin()
    for (let n = 0; n < 1_000; n++) tape.wall()
    expect(tape.recorded()).toMatchObject({ cut: true })
    expect(names(tape.recorded())).toHaveLength(4)
    tape.begin()
    expect(tape.ask('small', 1, () => 2)).toBe(2)
    expect(tape.ask('large', 1, () => 'x'.repeat(1_000))).toHaveLength(1_000)
    expect(tape.ask('small', 1, () => 3)).toBe(3)
    expect(tape.recorded()).toMatchObject({ cut: true, inputs: [{ name: 'small', asked: 1, gave: 2 }] })
  })

  test('without a limit records nothing, and lets all through', () => {
    const tape = new Tape(0)
    tape.begin()
    expect(tape.random(8)).toHaveLength(8)
    expect(tape.ask('a', 1, () => 2)).toBe(2)
    expect(tape.recorded()).toBeUndefined()
  })
})

describe('a playback', () => {
  test('gives what was given, errors among it, and what came later in the place where it was asked for', async () => {
    const tape = new Tape(1_000)
    tape.begin()
    const slow = Promise.withResolvers<string>()
    const answer = tape.askLater('slow', { n: 1 }, () => slow.promise)
    const bytes = tape.random(8)
    expect(() =>
      tape.ask('broken', undefined, () => {
        throw new Error('gone')
      }),
    ).toThrow('gone')
    slow.resolve('told')
    await answer
    const playback = played(tape.recorded())
    playback.begin()
    expect(await playback.askLater('slow', { n: 1 })).toBe('told')
    expect(playback.random(8)).toEqual(bytes)
    expect(() => playback.ask('broken', undefined)).toThrow('gone')
    expect(playback.left).toBe(0)
  })

  const asked = (earlier: number) => ({
    earlier,
    warmUps: 0,
    start: [],
    inputs: [{ name: 'a', asked: 1, gave: 2 }],
    cut: false,
  })

  test('ends what asks for something else, and tells what', () => {
    for (const ask of [
      (at: Playback) => at.ask('b', 1),
      (at: Playback) => at.ask('a', 2),
      (at: Playback) => at.wall(),
    ]) {
      const told: Step[] = []
      const playback = played(asked(0), told)
      playback.begin()
      expect(() => ask(playback)).toThrow(DivergedError)
      expect(told).toMatchObject([{ kind: 'other', at: 1, expected: { name: 'a', asked: 1 }, madeUp: false }])
      expect(playback.left).toBe(1)
    }
  })

  test('makes up what an instance sensed in calls before, and nothing that others told', () => {
    const told: Step[] = []
    const playback = played(asked(3), told)
    playback.begin()
    expect(playback.random(3)).toEqual(Uint8Array.of(0, 37, 74))
    expect(playback.ask('a', 1)).toBe(2)
    expect(told).toMatchObject([{ kind: 'other', madeUp: true }, { kind: 'given' }])
    expect(() => playback.ask('a', 1)).toThrow(DivergedError)
  })
  const ended = (...inputs: Recorded['inputs']) => ({ ...asked(0), ended: true, inputs })

  test('of a call that was ended holds what asks for more, and tells what for', async () => {
    const told: Step[] = []
    const playback = played(ended({ name: 'wall clock', gave: 7 }, { name: 'kv.get', asked: 1 }), told)
    playback.begin()
    expect(playback.wall()).toBe(7)
    await expect(playback.askLater('kv.get', 1)).rejects.toThrow('held')
    expect(told).toMatchObject([{ kind: 'given' }, { kind: 'waits', at: 2, asked: { name: 'kv.get' } }])
    expect(playback.left).toBe(0)
    expect(() => playback.pause(5)).toThrow('held')
    expect(told[2]).toMatchObject({ kind: 'waits', asked: { name: 'sleep', asked: 5 } })
    expect(playback.diverged).toBe(false)
  })

  test('lets go on what has asked without waiting, and was not answered', async () => {
    const told: Step[] = []
    const playback = played(
      ended({ name: 'http.send', asked: 1 }, { name: 'random', asked: 1, gave: new Uint8Array(1) }),
      told,
    )
    playback.begin()
    let answered = false
    void playback.askLater('http.send', 1).then(() => {
      answered = true
    })
    expect(playback.random(1)).toEqual(new Uint8Array(1))
    await new Promise((resolve) => setTimeout(resolve, 5))
    expect(answered).toBe(false)
  })
})
