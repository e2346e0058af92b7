/** Rollouts without a gateway: what is decided, kept, taken up again, and dropped. */

import { describe, expect, test, vi } from 'vitest'
import type { CloudEvent } from '../event/index.ts'
import type { Canary, Route, Target } from '../router/route.ts'
import { readVersioned } from '../schema/index.ts'
import { ActivityStream } from './activity.ts'
import { decidedWeights } from './rollout.ts'
import { Rollouts } from './rollouts.ts'

const CANARY: Canary = { successRate: 0.9, minCalls: 10, autoPromote: true, autoRollback: true }

const target = (text: string): Target => {
  const { name, version } = readVersioned(text)
  return { kind: 'function', text, name, ...(version === undefined ? {} : { version }) }
}

const route = (weights: Readonly<Record<string, number>>, canary: Canary | undefined = CANARY): Route => ({
  name: 'r',
  from: [{ kind: 'any' }],
  to: Object.keys(weights).map(target),
  weights: Object.values(weights),
  ...(canary && { canary }),
  retry: { max: 0, backoff: 'constant', delayMs: 0, capMs: 0, jitter: 'none', except: [] },
  concurrency: 1,
  timeoutMs: 1,
  delivery: 'auto',
})

/** What outlives a restart, and what was told. */
class Place {
  readonly cursors = new Map<string, string>()
  readonly events: CloudEvent[] = []
  readonly lines: string[] = []
  reweighed = 0
  acceptFails = false
  /** What a write waits for, and may fail with. */
  written: Promise<void> = Promise.resolve()
  activity = new ActivityStream()

  async open(...routes: readonly Route[]): Promise<Rollouts> {
    this.activity = new ActivityStream()
    const line = (_: object, text: string): void => void this.lines.push(text)
    const rollouts = await Rollouts.read({
      activity: this.activity,
      journal: {
        cursor: async (name) => this.cursors.get(name),
        setCursor: async (name, value) => {
          await this.written
          this.cursors.set(name, value)
        },
      },
      accept: async (event) => {
        if (this.acceptFails) throw new Error('no room')
        this.events.push(event)
        return { callId: 'c', duplicate: false, routes: [] }
      },
      log: { debug: line, info: line, warn: line, error: line },
      reweigh: async () => {
        this.reweighed += 1
      },
    })
    rollouts.follow(routes)
    await rollouts.begin()
    return rollouts
  }

  calls(to: string, done: number, failed = 0): void {
    for (let n = 0; n < done + failed; n++)
      this.activity.publish({
        kind: 'settled',
        event: { specversion: '1.0', id: `${n}`, source: '/s', type: 't' },
        callId: 'c',
        route: 'r',
        to,
        attempt: 1,
        tookMs: 1,
        ...(n < done
          ? { outcome: 'done', runMs: 1 }
          : { outcome: 'dead', error: { code: 'FUNCTION_REJECTED', message: 'no', type: 'SystemError' } }),
      })
  }
}

/** All that was begun by a call is over: nothing here waits for anything but other promises. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

const two = route({ 'f@2': 90, 'f@10': 10 })

describe('a canary', () => {
  test('that is bad gets nothing more, and that is told once', async () => {
    const place = new Place()
    const rollouts = await place.open(two)
    place.calls('f@2', 0, 50)
    expect(rollouts.decided(two)).toBe(two)
    place.calls('f@10', 1, 2)
    place.calls('f@10', 0, 5)
    await settle()
    expect(rollouts.decided(two).weights).toEqual([100, 0])
    expect(place.reweighed).toBe(1)
    expect(place.lines).toEqual([expect.stringMatching(/^r \(route\): f@10 is rolled back: 2 of 3 calls failed/)])
    expect(place.events).toMatchObject([
      { type: 'headgate.version.rolledback', subject: 'f@10', source: '/headgate/routes/r' },
    ])
    expect(JSON.parse(Buffer.from(place.events[0]?.data ?? []).toString())).toMatchObject({
      by: 'canary',
      weights: { 'f@2': 100, 'f@10': 0 },
      configured: { 'f@2': 90, 'f@10': 10 },
      figures: { 'f@2': { calls: 50, failed: 50 }, 'f@10': { calls: 3, failed: 2 } },
    })
  })

  test('that is good gets everything', async () => {
    const place = new Place()
    const rollouts = await place.open(two)
    place.calls('f@10', 9)
    await settle()
    expect(rollouts.views()).toMatchObject([
      { state: 'counting', candidate: 'f@10', versions: { 'f@10': { calls: 9 } } },
    ])
    place.calls('f@10', 1)
    await settle()
    expect(rollouts.decided(two).weights).toEqual([0, 100])
    expect(rollouts.views()).toMatchObject([{ state: 'promoted', decision: { by: 'canary' } }])
  })

  test('that an operator is to decide about is told of, and nothing changes', async () => {
    const place = new Place()
    const asked = route({ 'f@2': 90, 'f@10': 10 }, { ...CANARY, autoPromote: false, autoRollback: false })
    const rollouts = await place.open(asked)
    place.calls('f@10', 20)
    expect(rollouts.views()).toMatchObject([{ state: 'good' }])
    place.calls('f@10', 0, 20)
    expect(rollouts.views()).toMatchObject([{ state: 'bad' }])
    await settle()
    expect(rollouts.decided(asked)).toBe(asked)
    expect(place.lines).toEqual([
      expect.stringMatching(/f@10 is good: .*; headgate function promote r$/),
      expect.stringMatching(/f@10 is bad: .*; headgate function rollback r$/),
    ])
  })
})

describe('a decision', () => {
  const decided = async (): Promise<Place> => {
    const place = new Place()
    await place.open(two)
    place.calls('f@10', 0, 5)
    await settle()
    return place
  }

  test('outlives a restart and is told once', async () => {
    const place = await decided()
    const rollouts = await place.open(two)
    expect(rollouts.decided(two).weights).toEqual([100, 0])
    place.calls('f@10', 0, 50)
    await settle()
    expect(place.events).toHaveLength(1)
    expect(rollouts.views()).toMatchObject([{ state: 'rolledback', versions: { 'f@10': { calls: 2, failed: 2 } } }])
  })

  test('that could not be told is told at the next start, as the same event', async () => {
    const place = new Place()
    place.acceptFails = true
    await place.open(two)
    place.calls('f@10', 0, 5)
    await settle()
    place.acceptFails = false
    await place.open(two)
    await place.open(two)
    expect(place.events).toHaveLength(1)
  })

  test.each([
    ['other versions', route({ 'f@10': 90, 'f@11': 10 })],
    ['other weights', route({ 'f@2': 80, 'f@10': 20 })],
    ['none', { ...two, weights: undefined }],
  ])('holds until there are %s', async (_, { weights, ...rest }) => {
    const place = await decided()
    const other: Route = { ...rest, ...(weights && { weights }) }
    const rollouts = await place.open(other)
    expect(rollouts.decided(other)).toBe(other)
    const back = await place.open(two)
    expect(back.decided(two)).toBe(two)
  })

  test('by hand comes after one of the canary', async () => {
    const place = await decided()
    const rollouts = await place.open(two)
    expect(await rollouts.decide('promoted', 'r')).toMatchObject([{ candidate: 'f@10', by: 'operator' }])
    expect(rollouts.decided(two).weights).toEqual([0, 100])
    expect(await rollouts.decide('promoted', 'f@2')).toMatchObject([{ candidate: 'f@2' }])
    expect(rollouts.decided(two).weights).toEqual([100, 0])
    expect(await rollouts.decide('promoted', 'f@3')).toEqual([])
    expect(place.events).toHaveLength(3)
  })
})

test('a reload that leaves a canary as it is leaves what was counted', async () => {
  const place = new Place()
  const rollouts = await place.open(two)
  place.calls('f@10', 5)
  rollouts.follow([structuredClone(two)])
  expect(rollouts.views()).toMatchObject([{ versions: { 'f@10': { calls: 5 } } }])
  rollouts.follow([{ ...two, canary: { ...CANARY, minCalls: 20 } }])
  expect(rollouts.views()).toMatchObject([{ versions: { 'f@10': { calls: 0 } } }])
})

describe('what was counted', () => {
  test('outlives a restart, and decides with what comes after it', async () => {
    const place = new Place()
    const before = await place.open(two)
    place.calls('f@10', 6)
    place.calls('f@2', 3, 1)
    await before.close()
    const rollouts = await place.open(two)
    expect(rollouts.views()).toEqual(before.views())
    expect(rollouts.views()).toMatchObject([{ versions: { 'f@2': { calls: 4, failed: 1 }, 'f@10': { p99Ms: 1.07 } } }])
    place.calls('f@10', 4)
    await settle()
    expect(rollouts.views()).toMatchObject([{ state: 'promoted', versions: { 'f@10': { calls: 10 } } }])
  })

  test('is on disk within a second, should nobody stop the gateway', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const place = new Place()
    await place.open(two)
    place.calls('f@10', 6)
    await vi.advanceTimersByTimeAsync(1_000)
    vi.useRealTimers()
    expect((await place.open(two)).views()).toMatchObject([{ versions: { 'f@10': { calls: 6 } } }])
  })

  test('is forgotten for other weights and another canary, also when they come back', async () => {
    const place = new Place()
    const before = await place.open(two)
    place.calls('f@10', 6)
    await before.close()
    const other = { ...two, canary: { ...CANARY, minCalls: 20 } }
    const rollouts = await place.open(other)
    const none = [{ versions: { 'f@10': { calls: 0 } } }]
    expect(rollouts.views()).toMatchObject(none)
    rollouts.follow([two])
    expect(rollouts.views()).toMatchObject(none)
  })

  test('and told to an operator is not told again', async () => {
    const place = new Place()
    const asked = route({ 'f@2': 90, 'f@10': 10 }, { ...CANARY, autoPromote: false, autoRollback: false })
    const before = await place.open(asked)
    place.calls('f@10', 20)
    await before.close()
    const rollouts = await place.open(asked)
    expect(rollouts.views()).toMatchObject([{ state: 'good' }])
    place.calls('f@10', 20)
    expect(place.lines).toHaveLength(1)
  })
})

describe('until it is on disk', () => {
  test('a decision is not shown, does not hold, and is not taken twice', async () => {
    const place = new Place()
    const rollouts = await place.open(two)
    const { promise, resolve } = Promise.withResolvers<void>()
    place.written = promise
    place.calls('f@10', 0, 5)
    await settle()
    expect(rollouts.views()).toMatchObject([{ state: 'counting' }])
    expect(rollouts.decided(two)).toBe(two)
    expect([place.reweighed, place.events, place.lines]).toEqual([0, [], []])
    resolve()
    await settle()
    expect(rollouts.views()).toMatchObject([{ state: 'rolledback' }])
    expect([place.reweighed, place.events.length, place.lines.length]).toEqual([1, 1, 1])
  })

  test('one by hand is not done, and fails with the journal', async () => {
    const place = new Place()
    const rollouts = await place.open(two)
    place.written = Promise.reject(new Error('no disk'))
    await expect(rollouts.decide('promoted', 'r')).rejects.toThrow('no disk')
    expect(rollouts.views()).toMatchObject([{ state: 'counting' }])
    expect(place.reweighed).toBe(0)
  })
})

test.each([
  ['promoted', 'f@10', { 'f@2': 90, 'f@10': 10 }, { 'f@2': 0, 'f@10': 100 }],
  ['rolledback', 'f@10', { 'f@2': 0, 'f@10': 100 }, { 'f@2': 100, 'f@10': 0 }],
  ['promoted', 'f@10', { 'f@2': 100, 'f@10': 0 }, { 'f@2': 0, 'f@10': 100 }],
  ['rolledback', 'f@10', { 'f@2': 45, 'f@3': 45, 'f@10': 10 }, { 'f@2': 45, 'f@3': 55, 'f@10': 0 }],
  // Another function keeps what it has.
  ['promoted', 'f@10', { 'f@2': 45, 'f@10': 5, g: 50 }, { 'f@2': 0, 'f@10': 50, g: 50 }],
  ['rolledback', 'g', { 'f@2': 45, g: 55 }, undefined],
  ['promoted', 'f@4', { 'f@2': 45, 'f@3': 55 }, undefined],
] as const)('%s %s of %j', (how, candidate, weights, expected) => {
  expect(decidedWeights(route(weights), candidate, how)).toEqual(expected)
})
