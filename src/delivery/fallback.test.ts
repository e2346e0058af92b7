/** What a fallback is given, when it runs, and what becomes of a delivery that it made or could not make either. */

import { describe, expect, test } from 'vitest'
import { type ErrorCode, GatewayError } from '../errors.ts'
import type { CloudEvent } from '../event/index.ts'
import type { Delivery, Outcome } from '../journal/journal.ts'
import type { Reply } from '../reply/reply.ts'
import type { Route } from '../router/route.ts'
import { type Activity, ActivityStream } from './activity.ts'
import { type DeliverParts, deliver } from './deliver.ts'
import { DirectRunner } from './direct.ts'
import type { Handled, Target, Work } from './target.ts'

const event: CloudEvent = {
  specversion: '1.0',
  id: 'e1',
  source: '/s',
  type: 't',
  extensions: { callid: 'c1' },
  data: Buffer.from('{"n":1}'),
}
const origin = { source: 'http', address: '' }
const route: Route = {
  name: 'orders',
  from: [{ kind: 'any' }],
  to: [{ kind: 'function', name: 'f', text: 'f' }],
  fallback: { kind: 'function', name: 'g', text: 'g' },
  deadLetter: { kind: 'sink', name: 'dlq', text: 'dlq' },
  retry: { max: 2, backoff: 'constant', delayMs: 100, capMs: 100, jitter: 'none', except: [] },
  concurrency: 1,
  timeoutMs: 1_000,
  delivery: 'auto',
}
const last: Delivery = {
  id: 'd1',
  event,
  origin,
  callId: 'c1',
  route: 'orders',
  to: 'f',
  answers: true,
  attempt: 3,
  acceptedAt: 0,
}

const ok = async (): Promise<Handled> => ({ answer: { data: Buffer.from('instead') }, children: [], runMs: 3 })
const failing =
  (code: ErrorCode, message: string = code) =>
  async (): Promise<Handled> => {
    throw new GatewayError(code, message)
  }

interface Given {
  readonly target?: Target['handle']
  readonly fallback?: Target['handle']
  readonly delivery?: Partial<Delivery>
  /** What the journal says to what a function emitted. */
  readonly unkept?: Error
  readonly abort?: AbortController
}

function bench({ abort, fallback = ok, unkept }: Given) {
  const seen: { outcome?: Outcome; reply?: Reply; copy?: CloudEvent } = {}
  const log: string[] = []
  const works: Work[] = []
  const children: CloudEvent[] = []
  const reported: Activity[] = []
  const activity = new ActivityStream()
  activity.subscribe((each) => void reported.push(each))
  // The pause before what is put off runs again ends at once.
  if (unkept) activity.subscribe(() => abort?.abort())
  const instead: Target = {
    answers: true,
    handle: (work, signal) => {
      log.push('fallback')
      works.push(work)
      return fallback(work, signal)
    },
  }
  const parts: DeliverParts = {
    activity,
    fallback: instead,
    now: () => 0,
    cancelled: () => false,
    accept: async (child) => {
      if (unkept) throw unkept
      log.push('child')
      children.push(child)
      return { callId: child.id, duplicate: false, routes: [] }
    },
    copy: async (copy) => {
      log.push('copy')
      seen.copy = copy
    },
    replies: {
      publish: async (reply) => {
        log.push('reply')
        seen.reply = reply
      },
      follow: () => undefined,
    },
    journal: {
      find: async () => undefined,
      release: () => void log.push('release'),
      settle: async (_, outcome) => {
        log.push('settle')
        seen.outcome = outcome
      },
    },
  }
  return { activity, children, instead, log, parts, reported, seen, works }
}

async function run(given: Given = {}) {
  const { parts, seen, ...rest } = bench(given)
  const target: Target = { answers: true, handle: given.target ?? failing('FUNCTION_TRAPPED', 'f trapped') }
  const signal = (given.abort ?? new AbortController()).signal
  await (await deliver({ ...last, ...given.delivery }, route, target, parts, signal)).settled
  return { ...rest, ...seen }
}

describe('a delivery that is given up', () => {
  test('is done when the fallback makes it: no copy, and its answer is that of the call', async () => {
    const { log, outcome, reply, reported } = await run()
    expect(log).toEqual(['fallback', 'reply', 'settle'])
    const error = { code: 'FUNCTION_TRAPPED', message: 'f trapped', type: 'SystemError' }
    expect(outcome).toMatchObject({ status: 'done', fallback: { fallback: 'g', error } })
    expect(reply).toMatchObject({ status: 'ok', data: Buffer.from('instead') })
    expect(reported).toMatchObject([{ outcome: 'done', to: 'f', fallback: 'g', error, runMs: 3 }])
  })

  test('reaches it as it came in, with what failed and why, once, within the time of an attempt', async () => {
    const [work] = (await run({ target: failing('FUNCTION_TRAPPED', 'x'.repeat(2_000)) })).works
    expect(work?.event).toEqual({
      ...event,
      extensions: {
        callid: 'c1',
        knativeerrordest: 'f',
        knativeerrorcode: 'FUNCTION_TRAPPED',
        knativeerrordata: 'x'.repeat(1_024),
      },
    })
    expect(work).toMatchObject({ callId: 'c1', attempt: 1, deadline: 1_000 })
  })

  test('names the code of the function, and keeps to the deadline of its caller', async () => {
    const target = async (): Promise<Handled> => {
      throw new GatewayError('FUNCTION_REJECTED', 'no', { detailCode: 'NO_STOCK' })
    }
    const called = { ...event, extensions: { callid: 'c1', deadline: '1970-01-01T00:00:00.400Z' } }
    const [work] = (await run({ target, delivery: { event: called, attempt: 1 } })).works
    expect(work?.event.extensions).toMatchObject({ knativeerrorcode: 'NO_STOCK' })
    expect(work?.deadline).toBe(400)
  })

  test('what the fallback emits is durable before the reply, and is named apart from what its target emitted', async () => {
    const made: CloudEvent = { specversion: '1.0', id: '', source: '/g', type: 'made' }
    const fallback = async (): Promise<Handled> => ({
      children: [{ event: made, origin: { source: 'function', address: 'g' } }],
    })
    const { children, log } = await run({ fallback })
    expect(log).toEqual(['fallback', 'child', 'reply', 'settle'])
    expect(children).toMatchObject([{ id: 'e1/d1/fallback/0', extensions: { causationid: 'e1', hops: 1 } }])
  })

  test('is a dead letter of its first error when the fallback fails, too, with the second noted', async () => {
    const { copy, log, outcome, reply } = await run({ fallback: failing('SINK_REJECTED', 'g is full') })
    expect(log).toEqual(['fallback', 'copy', 'reply', 'settle'])
    const message = 'f trapped; its fallback "g": g is full'
    expect(outcome).toMatchObject({ status: 'dead', error: { code: 'FUNCTION_TRAPPED', message, type: 'SystemError' } })
    expect(copy?.extensions).toMatchObject({ deadlettercode: 'FUNCTION_TRAPPED', deadletterreason: message })
    expect(copy?.extensions).not.toHaveProperty('knativeerrordest')
    expect(reply?.error).toMatchObject({ code: 'FUNCTION_TRAPPED', message })
  })
})

describe('the fallback is left alone', () => {
  test('while there are retries', async () => {
    expect((await run({ delivery: { attempt: 2 } })).log).toEqual(['settle'])
  })

  test('when the target made it', async () => {
    expect((await run({ target: ok })).log).toEqual(['reply', 'settle'])
  })

  test.each(['CALL_TIMED_OUT', 'CALL_CANCELLED', 'EVENT_LOOP'] as const)('when it ended with %s', async (code) => {
    const { log, outcome } = await run({ target: failing(code) })
    expect(log).toEqual(['copy', 'reply', 'settle'])
    expect(outcome).toMatchObject({ status: 'dead', error: { code } })
  })

  test('when the gateway stops: the same attempt runs again after the start', async () => {
    const abort = new AbortController()
    const target = async (): Promise<Handled> => {
      abort.abort()
      throw new Error('cut')
    }
    expect((await run({ abort, target })).log).toEqual(['release'])
    const cut = new AbortController()
    const fallback = async (): Promise<Handled> => {
      cut.abort()
      throw new Error('cut')
    }
    expect((await run({ abort: cut, fallback })).log).toEqual(['fallback', 'release'])
  })
})

test('what the fallback emitted and a full journal refuses has no outcome yet; one that is gone ends the gateway', async () => {
  const made: CloudEvent = { specversion: '1.0', id: 'm', source: '/g', type: 'made' }
  const fallback = async (): Promise<Handled> => ({ children: [{ event: made, origin }] })
  const unkept = new GatewayError('JOURNAL_FULL', 'no room')
  expect((await run({ fallback, unkept, abort: new AbortController() })).log).toEqual(['fallback', 'release'])
  const gone = new GatewayError('JOURNAL_IO', 'gone')
  await expect(run({ fallback, unkept: gone })).rejects.toBe(gone)
})

describe('without the journal', () => {
  async function direct(given: Given) {
    const { instead, log, parts, reported, seen, works } = bench(given)
    const own: Target = { answers: true, handle: given.target ?? failing('FUNCTION_TRAPPED', 'f trapped') }
    const runner = new DirectRunner({ ...parts, target: (to) => (to === 'g' ? instead : own) })
    const ref = { route: 'orders', to: 'f', answers: true }
    runner.run({ event, origin, callId: 'c1', routes: [ref] }, ref, { route })
    await runner.settled()
    return { log, reported, reply: seen.reply, works }
  }

  test('the fallback answers the caller', async () => {
    const { reply, reported, works } = await direct({})
    expect(reply).toMatchObject({ status: 'ok', data: Buffer.from('instead') })
    expect(reported).toMatchObject([{ outcome: 'done', fallback: 'g', error: { code: 'FUNCTION_TRAPPED' } }])
    expect(works[0]?.event.extensions).toMatchObject({ knativeerrordest: 'f' })
  })

  test('both failed: the caller hears of the first', async () => {
    const { reply, reported } = await direct({ fallback: failing('SINK_REJECTED', 'g is full') })
    expect(reply?.error).toMatchObject({ code: 'FUNCTION_TRAPPED', message: 'f trapped; its fallback "g": g is full' })
    expect(reported).toMatchObject([{ outcome: 'dead', error: { code: 'FUNCTION_TRAPPED' } }])
  })

  test('a caller that is out of time is told so', async () => {
    expect((await direct({ target: failing('CALL_TIMED_OUT') })).log).toEqual(['reply'])
  })
})
