/** One delivery to each of its outcomes, and the order of what others see of it. */

import { describe, expect, test } from 'vitest'
import { GatewayError } from '../errors.ts'
import type { CloudEvent } from '../event/index.ts'
import type { Delivery, Outcome } from '../journal/journal.ts'
import type { Reply } from '../reply/reply.ts'
import type { Route } from '../router/route.ts'
import { type Activity, ActivityStream } from './activity.ts'
import { MAX_HOPS, pace } from './chain.ts'
import { type DeliverParts, deliver } from './deliver.ts'
import type { Handled, Target } from './target.ts'

const call: CloudEvent = {
  specversion: '1.0',
  id: 'e1',
  source: '/s',
  type: 't',
  extensions: { callid: 'c1' },
  data: Buffer.from('{"n":1}'),
}
const route: Route = {
  name: 'orders',
  from: [{ kind: 'any' }],
  to: [{ kind: 'function', name: 'f', text: 'f' }],
  retry: { max: 2, backoff: 'constant', delayMs: 100, capMs: 100, jitter: 'none', except: [] },
  concurrency: 1,
  timeoutMs: 1_000,
  delivery: 'auto',
}
const delivery: Delivery = {
  id: 'd1',
  event: call,
  origin: { source: 'http', address: '' },
  callId: 'c1',
  route: 'orders',
  to: 'f',
  answers: true,
  attempt: 1,
  acceptedAt: 0,
}

/** Runs one delivery and returns all that the rest of the gateway saw of it, in order. */
async function run(
  handle: () => Promise<Handled>,
  changes: {
    delivery?: Partial<Delivery>
    route?: Partial<Route>
    cancelled?: boolean
    now?: number
    abort?: AbortController
    /** What the broker says to the reply. */
    untold?: Error
    /** What the journal says to what the function emitted. */
    unkept?: Error
  } = {},
) {
  const log: string[] = []
  const seen: { outcome?: Outcome; reply?: Reply; copy?: CloudEvent; children: CloudEvent[] } = { children: [] }
  const activity = new ActivityStream()
  const reported: Activity[] = []
  activity.subscribe((each) => void reported.push(each))
  // What is put off waits for a while: the pause ends at once here.
  if (changes.unkept) activity.subscribe(() => changes.abort?.abort())
  const parts: DeliverParts = {
    activity,
    now: () => changes.now ?? 0,
    cancelled: () => changes.cancelled ?? false,
    accept: async (event) => {
      if (changes.unkept) throw changes.unkept
      log.push('child')
      seen.children.push(event)
      return { callId: event.id, duplicate: false, routes: [] }
    },
    copy: async (copy) => {
      log.push('copy')
      seen.copy = copy
    },
    replies: {
      publish: async (reply) => {
        if (changes.untold) throw changes.untold
        log.push('reply')
        seen.reply = reply
      },
      follow: () => {},
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
  const target: Target = { answers: true, handle }
  const { settled } = await deliver(
    { ...delivery, ...changes.delivery },
    { ...route, ...changes.route },
    target,
    parts,
    (changes.abort ?? new AbortController()).signal,
  )
  await settled
  return { ...seen, log, reported }
}

const ok = async (): Promise<Handled> => ({
  answer: { data: Buffer.from('yes'), datacontenttype: 'text/plain' },
  children: [],
})
const failing = (error: Error) => async () => Promise.reject(error)

describe('deliver', () => {
  test('done: the reply goes out before the settle, which keeps the answer', async () => {
    const { log, outcome, reply } = await run(ok)
    expect(log).toEqual(['reply', 'settle'])
    expect(reply).toMatchObject({ callId: 'c1', status: 'ok', datacontenttype: 'text/plain' })
    expect(outcome).toMatchObject({ status: 'done', answer: { datacontenttype: 'text/plain' } })
  })

  test('what the function emitted is durable before the reply, and names its cause', async () => {
    const child: CloudEvent = {
      specversion: '1.0',
      id: '',
      source: '/f',
      type: 'made',
      extensions: { callid: 'mine', replyto: 'x' },
    }
    const { children, log } = await run(async () => ({
      answer: {},
      children: [{ event: child, origin: { source: 'function', address: 'f' } }],
    }))
    expect(log).toEqual(['child', 'reply', 'settle'])
    expect(children[0]).toMatchObject({
      id: 'e1/d1/0',
      extensions: { hops: 1, causationid: 'e1', correlationid: 'e1' },
    })
    expect(children[0]?.extensions).not.toHaveProperty('callid')
  })

  test('what came in with a trace goes on in it, with its state, unless it has one of its own', async () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
    const event = { ...call, extensions: { traceparent, tracestate: 'a=b' } }
    const made = (extensions: Record<string, string>): CloudEvent => ({ ...call, id: 'made', extensions })
    const origin = { source: 'function', address: 'f' }
    const handle = async (): Promise<Handled> => ({
      children: [made({}), made({ traceparent: 'own' })].map((child) => ({ event: child, origin })),
    })
    const { children } = await run(handle, { delivery: { event } })
    expect(children[0]?.extensions).toMatchObject({ traceparent, tracestate: 'a=b' })
    expect(children[1]?.extensions).toMatchObject({ traceparent: 'own' })
    expect(children[1]?.extensions).not.toHaveProperty('tracestate')
  })

  test('a child with the identity of its parent gets one of its own: it is not a duplicate', async () => {
    const { children } = await run(async () => ({
      children: [{ event: call, origin: { source: 'function', address: 'f' } }],
    }))
    expect(children[0]?.id).toBe('e1/d1/0')
  })

  test('an unknown exception is retried, and nobody is answered yet', async () => {
    const { log, outcome } = await run(failing(new Error('boom')))
    expect(log).toEqual(['settle'])
    expect(outcome).toMatchObject({ status: 'retry', at: 100, error: { code: 'INTERNAL', message: 'boom' } })
  })

  test('the last attempt is dead: copied, answered with the error, settled, in that order', async () => {
    const deadLetter = { kind: 'sink', name: 'dlq', text: 'dlq' } as const
    const { copy, log, outcome, reply } = await run(
      failing(new GatewayError('FUNCTION_TRAPPED', 'f (function): running: unreachable')),
      {
        delivery: { attempt: 3 },
        route: { deadLetter },
      },
    )
    expect(log).toEqual(['copy', 'reply', 'settle'])
    expect(outcome).toMatchObject({ status: 'dead' })
    expect(reply?.error).toEqual({
      type: 'SystemError',
      code: 'FUNCTION_TRAPPED',
      message: 'f (function): running: unreachable',
    })
    expect(copy?.data).toBe(call.data)
    expect(copy?.extensions).toMatchObject({
      deadletterroute: 'orders',
      deadletterattempts: 3,
      deadlettercode: 'FUNCTION_TRAPPED',
      deadletterfunction: 'f',
    })
  })

  test('a refusal names the code of the function to the caller', async () => {
    const error = new GatewayError('FUNCTION_REJECTED', 'amount is negative', {
      type: 'ValidationError',
      detailCode: 'AMOUNT',
    })
    const { reply } = await run(failing(error))
    expect(reply?.error).toEqual({ type: 'ValidationError', code: 'AMOUNT', message: 'amount is negative' })
  })

  test('an event that is no call is answered only when there is something to say', async () => {
    const event: CloudEvent = { specversion: '1.0', id: 'e1', source: '/s', type: 't' }
    expect((await run(ok, { delivery: { event } })).log).toEqual(['reply', 'settle'])
    expect((await run(async () => ({ children: [] }), { delivery: { event } })).log).toEqual(['settle'])
    expect((await run(failing(new Error('x')), { delivery: { event, attempt: 3 } })).log).toEqual(['settle'])
  })

  test('only the answering delivery answers', async () => {
    expect((await run(ok, { delivery: { answers: false } })).log).toEqual(['settle'])
  })

  test('a loop ends at the hop limit, before the work', async () => {
    const looped = { ...call, extensions: { hops: MAX_HOPS + 1 } }
    const { outcome } = await run(() => expect.fail('ran'), { delivery: { event: looped } })
    expect(outcome).toMatchObject({ status: 'dead', error: { code: 'EVENT_LOOP' } })
    expect((await run(ok, { delivery: { event: { ...call, extensions: { hops: MAX_HOPS } } } })).outcome?.status).toBe(
      'done',
    )
  })

  test('a chain waits the longer the more deliveries led to it; what comes from outside and a few steps do not', () => {
    const paceAt = (hops: number) => pace({ ...call, extensions: { hops } })
    expect([pace(call), paceAt(1), paceAt(4)]).toEqual([0, 0, 0])
    expect(paceAt(5)).toBeGreaterThan(0)
    expect(paceAt(MAX_HOPS)).toBeGreaterThan(paceAt(5))
    expect(paceAt(MAX_HOPS)).toBeLessThan(1_000)
  })

  test('a deadline that passed and a caller that has gone are not worked for', async () => {
    const late = { ...call, extensions: { callid: 'c1', deadline: '1970-01-01T00:00:01Z' } }
    expect((await run(() => expect.fail('ran'), { delivery: { event: late }, now: 1_000 })).outcome).toMatchObject({
      error: { code: 'CALL_TIMED_OUT' },
    })
    expect((await run(() => expect.fail('ran'), { cancelled: true })).outcome).toMatchObject({
      error: { code: 'CALL_CANCELLED' },
    })
  })

  test('an abort settles nothing and gives the delivery back', async () => {
    const abort = new AbortController()
    const { log } = await run(
      async () => {
        abort.abort()
        throw new Error('cut')
      },
      { abort },
    )
    expect(log).toEqual(['release'])
  })

  test('a reply that the broker cannot keep now settles nothing: the same attempt runs again', async () => {
    const abort = new AbortController()
    const handle = async () => {
      abort.abort() // So that the pause before the next try ends at once.
      return ok()
    }
    expect((await run(handle, { abort, untold: new Error('no space left') })).log).toEqual(['release'])
    const fatal = new GatewayError('JOURNAL_IO', 'gone')
    await expect(run(ok, { untold: fatal })).rejects.toBe(fatal)
  })

  test('a reply that can never be published is given up, and the operator is told', async () => {
    const untold = new GatewayError('REPLY_TOPIC_REFUSED', 'too many levels')
    const event = { ...call, extensions: { callid: 'c1', replyto: 'a/b/c' } }
    const unanswered = { topic: 'a/b/c', error: { code: 'REPLY_TOPIC_REFUSED', message: 'too many levels' } }
    for (const [handle, status] of [
      [ok, 'done'],
      [failing(new GatewayError('FUNCTION_REJECTED', 'no')), 'dead'],
    ] as const) {
      const { outcome, reported } = await run(handle, { untold, delivery: { event } })
      expect(outcome).toMatchObject({ status })
      expect(reported).toMatchObject([{ kind: 'settled', callId: 'c1', route: 'orders', unanswered }])
    }
    expect((await run(ok)).reported[0]).not.toHaveProperty('unanswered')
  })

  test('what a function emitted and a full journal refuses uses up no attempt; one that is gone ends the gateway', async () => {
    const abort = new AbortController()
    const child: CloudEvent = { specversion: '1.0', id: 'c', source: '/f', type: 'made' }
    const emitting = async (): Promise<Handled> => ({
      answer: {},
      children: [{ event: child, origin: { source: 'function', address: 'f' } }],
    })
    const full = new GatewayError('JOURNAL_FULL', 'no room')
    const last = { delivery: { attempt: 3 }, abort, unkept: full }
    expect((await run(emitting, last)).log).toEqual(['release'])
    const gone = new GatewayError('JOURNAL_IO', 'gone')
    await expect(run(emitting, { unkept: gone })).rejects.toBe(gone)
    const invalid = new GatewayError('EVENT_INVALID', 'no type')
    expect((await run(emitting, { unkept: invalid })).outcome).toMatchObject({ status: 'dead' })
  })
})
