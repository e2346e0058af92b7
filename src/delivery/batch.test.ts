/** Batches: filled, flushed in time, invoked once, settled alike, tried again with the same members, dead one by one. */

import { expect, test } from 'vitest'
import { GatewayError } from '../errors.ts'
import { type CloudEvent, parseJsonBatch } from '../event/index.ts'
import { openMemoryJournal } from '../journal/memory.ts'
import type { ItemOutcome } from '../pool/pool.ts'
import type { Reply } from '../reply/reply.ts'
import { route as routeOf } from '../router/harness.ts'
import { ActivityStream } from './activity.ts'
import { deliverBatch } from './batch.ts'
import { Breaker, type BreakerOptions, watched } from './breaker.ts'
import { Dispatcher } from './dispatch.ts'
import { fill, LANE, NOW, TestClock, turns } from './harness.ts'
import type { Handled, Target, Work } from './target.ts'

const retry = { max: 1, backoff: 'constant', delayMs: 1_000, capMs: 1_000, jitter: 'full', except: [] } as const
const route = routeOf('r', { retry, timeoutMs: 30_000 })

/** A lane in batches of up to three, of which the first waits for a second; `answer` is asked with each invocation. */
function open(answer: (work: Work) => Handled, concurrency = 1, rest?: BreakerOptions) {
  const clock = new TestClock()
  const held = openMemoryJournal({ now: clock.now })
  const invoked: { readonly subjects: string; readonly at: number; readonly work: Work }[] = []
  const replies: Reply[] = []
  const children: CloudEvent[] = []
  const target: Target = {
    answers: true,
    handle: async (work) => {
      const members = parseJsonBatch(work.event.data ?? Buffer.alloc(0))
      invoked.push({ subjects: members.map(({ subject }) => subject).join(''), at: clock.time - NOW, work })
      return answer(work)
    },
  }
  const parts = {
    journal: held,
    replies: { publish: async (reply: Reply) => void replies.push(reply), follow: () => undefined },
    activity: new ActivityStream(),
    accept: async (child: CloudEvent) => {
      if (child.id === 'unkept') throw new GatewayError('JOURNAL_FULL', 'journal: no room')
      children.push(child)
      return { callId: 'x', duplicate: false, routes: [] }
    },
    copy: async () => undefined,
    cancelled: (callId: string) => callId === 'gone',
    now: clock.now,
    // As if each event was more than a quarter of it.
    room: { couldHold: (events: readonly CloudEvent[]) => events.length <= 3, hasRoomFor: () => false },
  }
  const breaker = rest && new Breaker(LANE, { options: rest }, clock, () => undefined)
  const dispatcher = new Dispatcher(held, (error) => expect.fail(error.message))
  dispatcher.add({
    ...LANE,
    concurrency,
    controls: { clock, batch: { max: 3, waitMs: 1_000 }, ...(breaker && { breaker }) },
    run: () => expect.fail('one by one'),
    runBatch: (all, signal) => deliverBatch(all, route, breaker ? watched(target, breaker) : target, parts, signal),
  })
  return { children, clock, dispatcher, invoked, journal: held, replies }
}

const done = (): Handled => ({ children: [], answer: { data: Buffer.from('ok') } })

test('a batch goes when it is full, or when its first has waited for long enough', async () => {
  const { clock, dispatcher, invoked, journal } = open(done)
  await fill(journal, ['a', 'b', 'c', 'd'])
  await turns()
  expect(invoked.map(({ subjects }) => subjects)).toEqual(['abc'])
  await clock.pass(500)
  await fill(journal, ['e'])
  await clock.pass(499)
  expect(invoked).toHaveLength(1)
  await clock.pass(1)
  expect(invoked.map(({ at, subjects }) => [subjects, at])).toEqual([
    ['abc', 0],
    ['de', 1_000],
  ])
  expect(journal.stats().pending).toBe(0)
  await dispatcher.stop(10)
})

test('what the target gets is one event that says how many it is made of', async () => {
  const { dispatcher, invoked, journal } = open(done)
  await fill(journal, ['a', 'b', 'c'])
  await turns()
  expect(invoked[0]?.work).toMatchObject({
    attempt: 1,
    deadline: NOW + 30_000,
    event: {
      type: 'headgate.batch',
      source: '/headgate/routes/r',
      datacontenttype: 'application/cloudevents-batch+json',
      extensions: { batchsize: 3 },
    },
  })
  await dispatcher.stop(10)
})

test('after a failure the same members are tried again together, and die one by one', async () => {
  const { clock, dispatcher, invoked, journal } = open(() => {
    throw new GatewayError('SINK_UNAVAILABLE', 'shop (http): delivering: no answer')
  })
  await fill(journal, ['a', 'b', 'c', 'd'])
  await turns()
  const { deliveries = [] } = (await journal.find({ eventId: `${firstId(invoked[0]?.work)}` })) ?? {}
  expect(deliveries).toMatchObject([{ status: 'due', attempts: 1 }])
  await expect.poll(() => clock.pass(200).then(() => invoked.length), { timeout: 15_000 }).toBeGreaterThanOrEqual(4)
  const [first, ...others] = invoked.filter(({ subjects }) => subjects === 'abc')
  expect(others).toHaveLength(1)
  expect(others[0]?.work).toMatchObject({ attempt: 2, event: { id: first?.work.event.id } })
  expect(invoked.filter(({ subjects }) => subjects === 'd')).toHaveLength(2)
  await turns()
  const letters: string[] = []
  for await (const letter of journal.deadLetters()) letters.push(`${letter.event.subject} ${letter.attempts}`)
  expect(letters.sort()).toEqual(['a 2', 'b 2', 'c 2', 'd 2'])
  await dispatcher.stop(10)
})

test('a member whose caller has gone is left out; each caller gets the answer; what was emitted came of the first', async () => {
  const child = {
    event: { specversion: '1.0', id: 'c', source: '/c', type: 'made' } as const,
    origin: { source: 'f', address: '' },
  }
  const { children, dispatcher, invoked, journal, replies } = open(() => ({ ...done(), children: [child] }))
  for (const callId of ['one', 'gone', 'two']) {
    const event = {
      specversion: '1.0',
      id: callId,
      source: '/s',
      type: 't',
      subject: callId[0] ?? '',
      extensions: { callid: callId },
    } as const
    await journal.append({ event, origin: child.origin, callId, routes: [{ ...LANE, answers: true }] })
  }
  await turns()
  expect(invoked.map(({ subjects }) => subjects)).toEqual(['ot'])
  expect(
    replies
      .filter(({ status }) => status === 'ok')
      .map(({ callId }) => callId)
      .sort(),
  ).toEqual(['one', 'two'])
  expect(replies.filter(({ status }) => status === 'error').map(({ callId }) => callId)).toEqual(['gone'])
  expect(children.map(({ extensions }) => extensions?.['causationid'])).toEqual(['one'])
  await dispatcher.stop(10)
})

test('where the target says what became of each, each is settled for itself, and the failed alone come back', async () => {
  const refused = new GatewayError('FUNCTION_REJECTED', 'f (function): handling the event: no', { detailCode: 'NO' })
  const down = new GatewayError('FUNCTION_RETRY', 'f (function): handling the event: down')
  const outcomes: Readonly<Record<string, ItemOutcome>> = {
    b: { error: refused },
    c: { error: down },
  }
  const item = (subject = ''): ItemOutcome =>
    outcomes[subject] ?? { data: Buffer.from(subject), datacontenttype: 'application/json' }
  const { clock, dispatcher, invoked, journal } = open(({ event }) => ({
    ...done(),
    items: parseJsonBatch(event.data ?? Buffer.from('[]')).map(({ subject }) => item(subject)),
  }))
  await fill(journal, ['a', 'b', 'c'])
  await turns()
  const letters: string[] = []
  const list = async () => {
    letters.length = 0
    for await (const { attempts, error, event } of journal.deadLetters())
      letters.push(`${event.subject} ${attempts} ${error.detailCode ?? error.code}`)
    return letters
  }
  expect(await list()).toEqual(['b 1 NO'])
  expect(journal.stats().pending).toBe(1)
  await expect.poll(() => clock.pass(200).then(() => journal.stats().pending), { timeout: 15_000 }).toBe(0)
  expect(invoked.map(({ subjects }) => subjects)).toEqual(['abc', 'c'])
  expect((await list()).toSorted()).toEqual(['b 1 NO', 'c 2 FUNCTION_RETRY'])
  await dispatcher.stop(10)
})

test('what an open breaker sends back comes again as the same batch', async () => {
  let fails = true
  const { clock, dispatcher, invoked, journal } = open(
    () => {
      if (fails) throw new GatewayError('SINK_UNAVAILABLE', 'shop (http): delivering: no answer')
      return done()
    },
    2,
    { failures: 1, openMs: 10_000 },
  )
  await fill(journal, ['a', 'b', 'c', 'd', 'e', 'f'])
  await turns()
  expect(invoked.map(({ subjects }) => subjects)).toEqual(['abc'])
  fails = false
  await expect.poll(() => clock.pass(200).then(() => journal.stats().pending), { timeout: 15_000 }).toBe(0)
  expect(invoked.map(({ subjects }) => subjects).sort()).toEqual(['abc', 'abc', 'def'])
  await dispatcher.stop(10)
})

test('what never fits beside all of the batch is given up with the first; the others are done', async () => {
  const child = {
    event: { specversion: '1.0', id: 'unkept', source: '/c', type: 'made' } as const,
    origin: { source: 'f', address: '' },
  }
  const { dispatcher, invoked, journal } = open(() => ({ ...done(), children: [child] }))
  await fill(journal, ['a', 'b', 'c'])
  await expect.poll(() => journal.stats().pending).toBe(0)
  const letters: string[] = []
  for await (const { error, event } of journal.deadLetters()) letters.push(`${event.subject} ${error.code}`)
  expect(letters).toEqual(['a EVENT_TOO_LARGE'])
  expect(invoked).toHaveLength(1)
  await dispatcher.stop(10)
})

test('a stop gives back what is being gathered', async () => {
  const { dispatcher, invoked, journal } = open(done)
  await fill(journal, ['a', 'b'])
  await turns()
  await dispatcher.stop(10)
  expect(invoked).toEqual([])
  const claim = journal.claim(LANE, new AbortController().signal)
  const left = [await claim.next(), await claim.next()].map(({ value }) => `${value?.event.subject} ${value?.attempt}`)
  expect(left).toEqual(['a 1', 'b 1'])
})

const firstId = (work: Work | undefined): string | undefined =>
  parseJsonBatch(work?.event.data ?? Buffer.from('[]'))[0]?.id
