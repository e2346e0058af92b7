/** A breaker: opens after failures in a row, uses up no retries, tries with one delivery, and refuses at the door. */

import { describe, expect, test } from 'vitest'
import { GatewayError } from '../errors.ts'
import { openMemoryJournal } from '../journal/memory.ts'
import { route } from '../router/harness.ts'
import { Breaker, watched } from './breaker.ts'
import { Breakers } from './breakers.ts'
import { Dispatcher } from './dispatch.ts'
import { fill, LANE, NOW, SILENT, TestClock, turns } from './harness.ts'
import type { Target, Work } from './target.ts'

const OPTIONS = { failures: 3, openMs: 10_000 }
const down = () => new GatewayError('SINK_UNAVAILABLE', 'shop (http): delivering: no answer')
const refused = () => new GatewayError('SINK_REJECTED', 'shop (http): delivering: 400')
const work: Work = {
  event: { specversion: '1.0', id: '1', source: '/s', type: 't' },
  callId: 'c',
  attempt: 1,
  deadline: NOW,
}

function open(failing: () => GatewayError | undefined) {
  const clock = new TestClock()
  const told: string[] = []
  const breaker = new Breaker(LANE, { options: OPTIONS }, clock, (_, state, reason) =>
    told.push(reason ? `${state}: ${reason}` : state),
  )
  const plain: Target = {
    answers: false,
    handle: async () => {
      const error = failing()
      if (error) throw error
      return { children: [] }
    },
  }
  const target = watched(plain, breaker)
  const attempt = (signal = new AbortController().signal) => target.handle(work, signal).catch(() => undefined)
  return { attempt, breaker, clock, told, target }
}

describe('a breaker', () => {
  test('opens after so many failures in a row, and only such as another attempt may mend', async () => {
    const errors = [down(), down(), undefined, down(), down(), refused(), down(), down()]
    const { attempt, breaker } = open(() => errors.shift())
    for (let n = 0; n < 8; n += 1) await attempt()
    expect(breaker.state).toBe('closed')
    errors.push(down())
    await attempt()
    expect(breaker.state).toBe('open')
    expect(breaker.until).toBe(NOW + 10_000)
  })

  test('lets one try when it has been open for long enough, and opens again when that fails', async () => {
    let fails = true
    const { attempt, breaker, clock, told } = open(() => (fails ? down() : undefined))
    for (let n = 0; n < 3; n += 1) await attempt()
    await clock.pass(9_999)
    expect(breaker.admits).toBe(false)
    await clock.pass(1)
    expect([breaker.state, breaker.admits]).toEqual(['half_open', true])
    breaker.begin()
    expect(breaker.admits).toBe(false)
    await attempt()
    breaker.ended()
    expect(breaker.state).toBe('open')
    await clock.pass(10_000)
    fails = false
    breaker.begin()
    await attempt()
    breaker.ended()
    expect([breaker.state, breaker.admits]).toEqual(['closed', true])
    expect(told).toEqual(['open: shop (http): delivering: no answer', 'closed'])
  })

  test('a try that came to nothing leaves it to the next, and an abort says nothing', async () => {
    const { attempt, breaker, clock } = open(down)
    await attempt(AbortSignal.abort())
    for (let n = 0; n < 2; n += 1) await attempt()
    expect(breaker.state).toBe('closed')
    await attempt()
    await clock.pass(10_000)
    breaker.begin()
    breaker.ended()
    expect([breaker.state, breaker.admits]).toEqual(['half_open', true])
  })
})

test('while it is open nothing is claimed and no retry is used up; then one goes first', async () => {
  const clock = new TestClock()
  const journal = openMemoryJournal({ now: clock.now })
  const breakers = new Breakers(SILENT)
  const breaker = breakers.make(LANE, { options: OPTIONS }, clock)
  let fails = true
  const begun: { id: string; at: number; attempt: number }[] = []
  const target = watched(
    {
      answers: false,
      handle: async () => {
        if (fails) throw down()
        return { children: [] }
      },
    },
    breaker,
  )
  const dispatcher = new Dispatcher(journal, (error) => expect.fail(error.message))
  dispatcher.add({
    ...LANE,
    concurrency: 1,
    controls: { clock, breaker, left: () => breakers.remove(breaker) },
    run: async (delivery, signal) => {
      begun.push({ id: delivery.event.id, at: clock.time - NOW, attempt: delivery.attempt })
      const failure = { code: 'X', message: 'x', type: 'SystemError' } as const
      const outcome = await target.handle(work, signal).then(
        () => ({ status: 'done' }) as const,
        () => ({ status: 'retry', at: clock.time + 1_000, error: failure }) as const,
      )
      return { settled: journal.settle(delivery, outcome) }
    },
  })
  await fill(journal, ['a', 'b', 'c', 'd', 'e', 'f'])
  await clock.pass(9_000)
  expect(begun).toHaveLength(3)
  expect(breakers.open()).toBe('open: r -> f; what comes for it waits')
  await clock.pass(1_000)
  expect(begun.map(({ at }) => at)).toEqual([0, 0, 0, 10_000])
  fails = false
  for (let n = 0; n < 5; n += 1) {
    await clock.pass(10_000)
    // The alarm of the journal runs on the machine's time; what is offered makes it look.
    await fill(journal, ['knock'])
    await turns()
  }
  expect(journal.stats().pending).toBe(0)
  expect(Math.max(...begun.map(({ attempt }) => attempt))).toBe(2)
  expect(breakers.states()).toEqual([{ ...LANE, state: 'closed' }])
  await dispatcher.stop(10)
  expect(breakers.states()).toEqual([])
})

describe('at the door', () => {
  const controls = { breaker: OPTIONS }
  const made = () => {
    const clock = new TestClock()
    const log: string[] = []
    const note = (_: object, line: string) => void log.push(line)
    const breakers = new Breakers({ error: note, warn: note, info: note })
    const breaker = breakers.make({ route: 'shop', to: 'f' }, { options: { failures: 1, openMs: 10_000 } }, clock)
    return { breaker, breakers, clock, log }
  }
  const shop = {
    route: route('shop', {
      controls,
      to: [{ kind: 'function', text: 'f', name: 'f' }],
      from: [{ kind: 'source', source: 'orders' }],
    }),
  }
  const other = { route: route('other', { from: [{ kind: 'mqtt', filter: 'a' }] }) }

  test('an event is refused when all of its routes rest, with the time to come back', () => {
    const { breaker, breakers, clock } = made()
    expect(breakers.refusal([shop], NOW)).toBeUndefined()
    breaker.failed('no answer')
    clock.time += 4_000
    expect(breakers.refusal([shop], clock.time)).toMatchObject({ code: 'OVERLOADED', retryAfterMs: 6_000 })
    expect(breakers.refusal([shop, other], NOW)).toBeUndefined()
    expect(breakers.refusal([], NOW)).toBeUndefined()
  })

  test('a source has no credit while all that it feeds rests', async () => {
    const { breaker, breakers, clock, log } = made()
    const whole = { refusal: () => undefined, wait: async () => undefined }
    const orders = breakers.credit('orders', whole, () => [shop.route, other.route])
    const mqtt = breakers.credit('mqtt', whole, () => [shop.route, other.route])
    breaker.failed('no answer')
    expect([orders.refusal()?.code, mqtt.refusal()]).toEqual(['OVERLOADED', undefined])
    const waiting = orders.wait(new AbortController().signal)
    await expect(orders.wait(AbortSignal.abort(new Error('enough')))).rejects.toThrow('enough')
    await clock.pass(10_000)
    await waiting
    breaker.begin()
    breaker.answered()
    expect(log).toEqual([
      'shop: the breaker is open, nothing goes to f for now: no answer',
      'shop: the breaker is closed: f works again',
    ])
  })
})
