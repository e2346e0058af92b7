/** A route's transforms on each way that a delivery may go: durable, direct, in a batch; and what they do not touch. */

import { afterAll, describe, expect, test } from 'vitest'
import { GatewayError } from '../errors.ts'
import { type CloudEvent, draftOf, parseJsonBatch } from '../event/index.ts'
import { openMemoryJournal } from '../journal/memory.ts'
import type { Reply } from '../reply/reply.ts'
import { route as routeOf, router } from '../router/harness.ts'
import type { Route, Target as RouteTarget } from '../router/route.ts'
import { type Activity, ActivityStream } from './activity.ts'
import { Breakers } from './breakers.ts'
import { deadLetterLane } from './deadletter.ts'
import { DirectRunner } from './direct.ts'
import { Dispatcher } from './dispatch.ts'
import { SILENT } from './harness.ts'
import { lanesOf } from './lanes.ts'
import type { Handled, Target, Work } from './target.ts'
import { type Transformer, transforming } from './transform.ts'
import { TransformProcesses } from './transform-processes.ts'

const processes = new TransformProcesses({ maxBytes: 100_000 })
afterAll(() => processes[Symbol.asyncDispose]())

const origin = { source: 'http', address: '' }
const eventOf = (id: string, data: unknown = { n: 1 }): CloudEvent => ({
  specversion: '1.0',
  id,
  source: '/s',
  type: 't',
  datacontenttype: 'application/json',
  extensions: { callid: id },
  data: Buffer.from(JSON.stringify(data)),
})
const functionOf = (name: string): RouteTarget => ({ kind: 'function', text: name, name })
const text = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? '').toString()
const echo = async ({ event }: Work): Promise<Handled> => ({
  children: [],
  answer: { datacontenttype: 'application/json', ...(event.data && { data: event.data }) },
})

/** Everything that runs deliveries of these routes, with the targets given by name. */
function open(routes: readonly Route[], targets: Readonly<Record<string, Target['handle']>>) {
  const journal = openMemoryJournal()
  const works: (Work & { readonly to: string })[] = []
  const replies: Reply[] = []
  const settled: Extract<Activity, { kind: 'settled' }>[] = []
  const activity = new ActivityStream()
  activity.subscribe((each) => void (each.kind === 'settled' && settled.push(each)))
  const asked: string[] = []
  const transformer: Transformer = {
    event: (event, evaluation, signal) => {
      asked.push(`${event.id}: ${evaluation.expression}`)
      return processes.event(event, evaluation, signal)
    },
    reply: (...given) => {
      asked.push(`reply: ${given[2].expression}`)
      return processes.reply(...given)
    },
    [Symbol.asyncDispose]: async () => undefined,
  }
  const target = (to: string): Target => ({
    answers: true,
    handle: async (work, signal) => {
      works.push({ ...work, to })
      return (targets[to] ?? echo)(work, signal)
    },
  })
  const parts = {
    journal,
    activity,
    transformer,
    replies: { publish: async (reply: Reply) => void replies.push(reply), follow: () => undefined },
    accept: async () => ({ callId: 'x', duplicate: false, routes: [] }),
    copy: async (event: CloudEvent, to: string, route: string) => {
      const routes = [{ route, to: deadLetterLane(to) }]
      await journal.append({ event, origin, callId: `${event.id}/copy`, routes })
    },
    cancelled: () => false,
    now: Date.now,
  }
  const dispatcher = new Dispatcher(journal, (error) => expect.fail(error.message))
  const controlled = { router: router(routes), breakers: new Breakers(SILENT) }
  for (const route of routes)
    for (const lane of lanesOf(route, ({ text }) => target(text), parts, controlled)) dispatcher.add(lane)
  const direct = new DirectRunner({ ...parts, target })
  const append = async (event: CloudEvent) => {
    const refs = routes.flatMap(({ name, to }) =>
      to.map((one, at) => ({ route: name, to: one.text, answers: at === 0 })),
    )
    await journal.append({ event, origin, callId: event.id, routes: refs })
  }
  const ended = async (count = 1) => expect.poll(() => settled.length, { timeout: 20_000 }).toBe(count)
  return { append, asked, direct, dispatcher, ended, journal, replies, settled, works }
}

const TWICE = '{"data": {"n": data.n * 2}}'

describe('a durable delivery', () => {
  test('gives its target the event as transformed; the journal keeps it as it came in', async () => {
    const route = routeOf('r', { transforms: { event: '{"type": "u", "data": {"n": data.n * 2}}' } })
    const { append, dispatcher, ended, journal, replies, works } = open([route], {})
    await append(eventOf('e1'))
    await ended()
    expect(works[0]?.event).toMatchObject({ id: 'e1', type: 'u' })
    expect(text(works[0]?.event.data)).toBe('{"n":2}')
    expect(text(replies[0]?.data)).toBe('{"n":2}')
    const held = await journal.find({ callId: 'e1' })
    expect([held?.event.type, text(held?.event.data)]).toEqual(['t', '{"n":1}'])
    await dispatcher.stop(10)
  })

  test('begins each attempt at the event as it came in', async () => {
    const retry = { ...routeOf('r').retry, max: 1, delayMs: 1, jitter: 'none' } as const
    const failsOnce = async (work: Work): Promise<Handled> => {
      if (work.attempt === 1) throw new GatewayError('FUNCTION_RETRY', 'again')
      return echo(work)
    }
    const { append, dispatcher, ended, works } = open([routeOf('r', { retry, transforms: { event: TWICE } })], {
      echo: failsOnce,
    })
    await append(eventOf('e1'))
    await ended(2)
    expect(works.map(({ event }) => text(event.data))).toEqual(['{"n":2}', '{"n":2}'])
    await dispatcher.stop(10)
  })

  test('makes the body of its reply, once there is one to be answered', async () => {
    const to = [functionOf('f'), functionOf('g')]
    const { append, asked, dispatcher, ended, journal, replies } = open(
      [routeOf('r', { to, transforms: { event: TWICE, reply: '{"was": data.n, "of": $event.data.n, "id": id}' } })],
      {},
    )
    await append(eventOf('e1'))
    await ended(2)
    expect(replies.map(({ data }) => text(data))).toEqual(['{"was":2,"of":1,"id":"e1"}'])
    expect(asked.filter((one) => one.startsWith('reply'))).toHaveLength(1)
    const answer = (await journal.find({ callId: 'e1' }))?.deliveries.find(({ answers }) => answers)?.answer
    expect(text(answer?.data)).toBe('{"was":2,"of":1,"id":"e1"}')
    await dispatcher.stop(10)
  })

  test('that fails replies with its error as it is', async () => {
    const refuses = async (): Promise<Handled> => {
      throw new GatewayError('FUNCTION_REJECTED', 'no stock')
    }
    const { append, asked, dispatcher, ended, replies } = open(
      [routeOf('r', { transforms: { reply: '{"data": 1}' } })],
      { echo: refuses },
    )
    await append(eventOf('e1'))
    await ended()
    expect(replies).toMatchObject([{ status: 'error', error: { code: 'FUNCTION_REJECTED', message: 'no stock' } }])
    expect(asked).toEqual([])
    await dispatcher.stop(10)
  })

  test('whose transform fails is dead at once, copied as it came in, and its target is not asked', async () => {
    const deadLetter: RouteTarget = { kind: 'sink', text: 'dlq', name: 'dlq' }
    const retry = { ...routeOf('r').retry, max: 5 }
    const { append, asked, dispatcher, ended, replies, settled, works } = open(
      [routeOf('r', { retry, deadLetter, transforms: { event: '{"data": data.n + "x"}' } })],
      {},
    )
    await append(eventOf('e1'))
    await ended(2)
    const message =
      'r (route): transforming "e1": the right side of the "+" operator must evaluate to a number (T2002 at 17)'
    expect(settled).toMatchObject([
      { outcome: 'dead', attempt: 1, error: { code: 'TRANSFORM_FAILED', message, fingerprint: 'T2002 at 17' } },
      { outcome: 'done' },
    ])
    expect(replies).toMatchObject([{ status: 'error', error: { code: 'TRANSFORM_FAILED', message } }])
    expect(works.map(({ event, to }) => [to, event.id, text(event.data)])).toEqual([['dlq', 'e1', '{"n":1}']])
    expect(asked).toHaveLength(1)
    await dispatcher.stop(10)
  })

  test('whose transform hangs is tried again; others go on meanwhile', async () => {
    const retry = { ...routeOf('r').retry, max: 1, delayMs: 60_000, capMs: 60_000 }
    const { append, dispatcher, ended, settled } = open(
      [
        routeOf('hangs', { retry, transforms: { event: `{"data": $match("${'a'.repeat(40)}!", /^(a+)+$/)}` } }),
        routeOf('works', { transforms: { event: TWICE } }),
      ],
      {},
    )
    await append(eventOf('e1'))
    await ended(2)
    expect(settled).toMatchObject([
      { route: 'works', outcome: 'done' },
      { route: 'hangs', outcome: 'retry', error: { code: 'TRANSFORM_TIMED_OUT', type: 'TimeoutError' } },
    ])
    await dispatcher.stop(10)
  })
})

test('each route makes its own of one event', async () => {
  const routes = [
    routeOf('a', { to: [functionOf('f')], transforms: { event: '{"data": "a"}' } }),
    routeOf('b', { to: [functionOf('g')], transforms: { event: '{"data": "b"}' } }),
    routeOf('c', { to: [functionOf('h')] }),
  ]
  const { append, asked, dispatcher, ended, works } = open(routes, {})
  await append(eventOf('e1'))
  await ended(3)
  expect(Object.fromEntries(works.map(({ event, to }) => [to, text(event.data)]))).toEqual({
    f: '"a"',
    g: '"b"',
    h: '{"n":1}',
  })
  expect(asked).toHaveLength(2)
  await dispatcher.stop(10)
})

test('the members of a batch are transformed each by itself, and so are their answers', async () => {
  const route = routeOf('r', {
    controls: { batch: { max: 3, waitMs: 20 } },
    transforms: { event: TWICE, reply: '$event.data.n & " of " & $count(data)' },
  })
  const { append, dispatcher, ended, replies, settled, works } = open([route], {})
  const broken = eventOf('e2', 'no object')
  for (const event of [eventOf('e1'), broken, eventOf('e3', { n: 3 })]) await append(event)
  await ended(3)
  const members = parseJsonBatch(works[0]?.event.data ?? Buffer.alloc(0))
  expect(works).toHaveLength(1)
  expect(members.map(({ data, id }) => [id, text(data)])).toEqual([
    ['e1', '{"n":2}'],
    ['e2', '{}'],
    ['e3', '{"n":6}'],
  ])
  expect(replies.map(({ callId, data }) => [callId, text(data)]).toSorted()).toEqual([
    ['e1', '"1 of 3"'],
    ['e2', '" of 3"'],
    ['e3', '"3 of 3"'],
  ])
  expect(settled.map(({ outcome }) => outcome)).toEqual(['done', 'done', 'done'])
  await dispatcher.stop(10)
})

test('a member that cannot be transformed is dead alone', async () => {
  const event = '{"data": {"n": $number(data.n)}}'
  const route = routeOf('r', { controls: { batch: { max: 2, waitMs: 20 } }, transforms: { event } })
  const { append, dispatcher, ended, settled, works } = open([route], {})
  for (const [id, n] of [
    ['e1', '1'],
    ['e2', 'one'],
  ] as const)
    await append(eventOf(id, { n }))
  await ended(2)
  expect(parseJsonBatch(works[0]?.event.data ?? Buffer.alloc(0)).map(({ id }) => id)).toEqual(['e1'])
  expect(Object.fromEntries(settled.map(({ event: { id }, outcome }) => [id, outcome]))).toEqual({
    e1: 'done',
    e2: 'dead',
  })
  await dispatcher.stop(10)
})

describe('a direct delivery', () => {
  const run = async (route: Route, event = eventOf('e1'), answers = true) => {
    const opened = open([route], {})
    const ref = { route: route.name, to: 'echo', answers }
    opened.direct.run({ event, origin, callId: event.id, routes: [ref] }, ref, { route })
    await opened.direct.settled()
    await opened.dispatcher.stop(10)
    return opened
  }

  test('is transformed on both ways', async () => {
    const { replies, works } = await run(routeOf('r', { transforms: { event: TWICE, reply: '{"m": data.n}' } }))
    expect(text(works[0]?.event.data)).toBe('{"n":2}')
    expect(replies.map(({ data }) => text(data))).toEqual(['{"m":2}'])
  })

  test('that cannot be is answered with its error', async () => {
    const { replies, settled, works } = await run(routeOf('r', { transforms: { event: '$error("no")' } }))
    expect(replies).toMatchObject([{ status: 'error', error: { code: 'TRANSFORM_FAILED' } }])
    expect(settled).toMatchObject([{ outcome: 'dead' }])
    expect(works).toEqual([])
  })

  test("whose outcome is nobody's answer has no reply to make", async () => {
    const { asked } = await run(routeOf('r', { transforms: { reply: '1' } }), eventOf('e1'), false)
    expect(asked).toEqual([])
  })
})

test('what an event was encoded as does not go with what it is made to be', async () => {
  const drafts: Work['draft'][] = []
  const handle = async ({ draft }: Work): Promise<Handled> => {
    drafts.push(draft)
    return { children: [] }
  }
  const event = eventOf('e1')
  const work = { event, draft: draftOf(event), callId: 'e1', attempt: 1, deadline: Date.now() + 60_000 }
  for (const transforms of [{ event: TWICE }, { reply: 'data' }]) {
    const transform = transforming(routeOf('r', { transforms }), { transformer: processes, now: Date.now })
    await transform?.({ answers: false, handle }, true).handle(work, new AbortController().signal)
  }
  expect(drafts).toEqual([undefined, work.draft])
})
