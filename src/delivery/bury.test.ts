/** The copy of a dead letter when the journal has no room for it: how long it is waited for, and what is done without. */

import { describe, expect, test } from 'vitest'
import { GatewayError } from '../errors.ts'
import type { CloudEvent } from '../event/index.ts'
import type { Delivery, Outcome } from '../journal/journal.ts'
import type { Reply } from '../reply/reply.ts'
import { route as routeOf } from '../router/harness.ts'
import type { Route } from '../router/route.ts'
import { type Activity, ActivityStream } from './activity.ts'
import { bury } from './bury.ts'
import { type DeliverParts, deliver } from './deliver.ts'
import { TestClock, turns } from './harness.ts'
import type { Target } from './target.ts'

const event: CloudEvent = {
  specversion: '1.0',
  id: 'e1',
  source: '/s',
  type: 't',
  subject: 'of it',
  extensions: { tenant: 'acme' },
  data: new Uint8Array(7),
}
const delivery: Delivery = {
  id: 'd1',
  event,
  origin: { source: 'http', address: '' },
  callId: 'c1',
  route: 'orders',
  to: 'f',
  answers: true,
  attempt: 1,
  acceptedAt: 0,
}
const toDlq: Route = { ...routeOf('orders'), deadLetter: { kind: 'sink', name: 'dlq', text: 'dlq' } }
const failure = { code: 'FUNCTION_REJECTED', type: 'BusinessLogicError', message: 'no stock' } as const
const full = new GatewayError('JOURNAL_FULL', 'journal: no room')
const tooLarge = new GatewayError('EVENT_TOO_LARGE', 'journal: more than it holds')

interface Given {
  /** What the journal says to a copy. */
  readonly says: (copy: CloudEvent, looks: number) => GatewayError | undefined
  readonly couldHold?: boolean
  readonly hasRoom?: boolean
  readonly data?: boolean
}

function begin({ couldHold = true, data = true, hasRoom = false, says }: Given) {
  const clock = new TestClock()
  const copies: CloudEvent[] = []
  const told: GatewayError[] = []
  const abort = new AbortController()
  let looks = 0
  const parts = {
    journal: { find: async () => undefined },
    copy: async (copy: CloudEvent) => {
      const error = says(copy, ++looks)
      if (error) throw error
      copies.push(copy)
    },
    room: { couldHold: () => couldHold, hasRoomFor: () => hasRoom },
    now: clock.now,
    clock,
  }
  const { data: _, ...empty } = event
  const given = data ? delivery : { ...delivery, event: empty }
  const buried = bury(given, toDlq, failure, parts, (error) => void told.push(error), abort.signal)
  buried.catch(() => undefined)
  return { abort, buried, clock, copies, looks: () => looks, told }
}

const whole = ({ data }: CloudEvent): boolean => data !== undefined
const withSubject = ({ subject }: CloudEvent): boolean => subject !== undefined

describe('a copy', () => {
  test('is whole, and nothing is said of it, where there is room', async () => {
    const { buried, copies, told } = begin({ says: () => undefined })
    expect(await buried).toBe(failure)
    expect(copies).toMatchObject([{ subject: 'of it', data: event.data, extensions: { deadletterroute: 'orders' } }])
    expect(copies[0]?.extensions).not.toHaveProperty('deadletterbytes')
    expect(told).toEqual([])
  })

  test.each([
    ['larger than the journal', { says: (copy: CloudEvent) => (whole(copy) ? tooLarge : undefined) }],
    [
      'larger than what the event leaves',
      { couldHold: false, says: (copy: CloudEvent) => (whole(copy) ? full : undefined) },
    ],
  ])('that is %s is made without data, at once', async (_, given) => {
    const { buried, copies, looks } = begin(given)
    const { code, message } = await buried
    expect(code).toBe('FUNCTION_REJECTED')
    expect(message).toBe(
      'no stock; its copy for "dlq" has none of its 7 bytes of data, as the journal has no room for more',
    )
    expect(looks()).toBe(2)
    expect(copies).toHaveLength(1)
    expect(copies[0]).toMatchObject({
      id: 'e1/d1/dead',
      subject: 'of it',
      extensions: { tenant: 'acme', deadletterbytes: 7, deadletterreason: 'no stock', deadletterid: 'e1' },
    })
    expect(copies[0]).not.toHaveProperty('data')
  })

  test('has only its required attributes where the others are too many, and still says why it is there', async () => {
    const { buried, copies } = begin({ says: (copy) => (withSubject(copy) ? tooLarge : undefined) })
    expect((await buried).message).toContain('7 bytes of data, and only the attributes that it must have')
    expect(copies).toMatchObject([{ id: 'e1/d1/dead', type: 't', extensions: { deadletterroute: 'orders' } }])
    expect(copies[0]?.extensions).not.toHaveProperty('tenant')
  })

  test('that cannot be made at all is none: the dead letter says so', async () => {
    const { buried, copies, looks } = begin({ says: () => tooLarge, data: false })
    expect((await buried).message).toBe(
      'no stock; "dlq" gets no copy, as the journal has no room for one; raise journal.max_size',
    )
    expect([copies, looks()]).toEqual([[], 2])
  })
})

test('the caller hears of the failure alone; the dead letter of the copy as well', async () => {
  const replies: Reply[] = []
  const outcomes: Outcome[] = []
  const activity = new ActivityStream()
  const reported: Activity[] = []
  activity.subscribe((each) => void reported.push(each))
  const parts: DeliverParts = {
    activity,
    now: () => 0,
    cancelled: () => false,
    accept: () => expect.fail('nothing is emitted'),
    copy: () => Promise.reject(tooLarge),
    replies: { publish: async (reply) => void replies.push(reply), follow: () => undefined },
    journal: {
      find: async () => undefined,
      release: () => expect.fail('it has its outcome'),
      settle: async (_, outcome) => void outcomes.push(outcome),
    },
  }
  const refusing: Target = {
    answers: true,
    handle: () => Promise.reject(new GatewayError('FUNCTION_REJECTED', 'no stock')),
  }
  const call = { ...delivery, event: { ...event, extensions: { callid: 'c1' } } }
  await (await deliver(call, toDlq, refusing, parts, new AbortController().signal)).settled
  expect(replies).toMatchObject([{ callId: 'c1', error: { code: 'FUNCTION_REJECTED', message: 'no stock' } }])
  const error = { code: 'FUNCTION_REJECTED', message: expect.stringContaining('no stock; "dlq" gets no copy') }
  expect(outcomes).toMatchObject([{ status: 'dead', error, figures: { unanswered: false } }])
  expect(reported).toMatchObject([{ kind: 'settled', outcome: 'dead', error }])
  expect(reported[0]).not.toHaveProperty('unanswered')
})

describe('a journal that is at its limit for now', () => {
  test('is looked at again, told of once, and the copy is whole when there is room in time', async () => {
    const { buried, clock, copies, told } = begin({ says: (_, looks) => (looks < 4 ? full : undefined) })
    await clock.pass(2_999)
    expect(copies).toEqual([])
    await clock.pass(1)
    expect(await buried).toBe(failure)
    expect(copies).toHaveLength(1)
    expect(told).toEqual([full])
  })

  test('is not waited for without end: the copy has no data then, or there is none', async () => {
    for (const [says, words] of [
      [(copy: CloudEvent) => (whole(copy) ? full : undefined), 'none of its 7 bytes of data'],
      [() => full, 'gets no copy'],
    ] as const) {
      const { buried, clock } = begin({ says })
      await clock.pass(60_000)
      expect((await buried).message).toContain(words)
    }
  })

  test('is waited for while it is a disk that is full, however long; the copy is whole then', async () => {
    let error: GatewayError | undefined = full
    const { buried, clock, copies, told } = begin({ hasRoom: true, says: () => error })
    await clock.pass(600_000)
    expect(copies).toEqual([])
    error = undefined
    await clock.pass(1_000)
    expect(await buried).toBe(failure)
    expect(told).toEqual([full])
  })

  test('a stop ends the wait, and nothing is decided', async () => {
    const { abort, buried, copies } = begin({ hasRoom: true, says: () => full })
    await turns()
    abort.abort()
    await expect(buried).rejects.toBe(full)
    expect(copies).toEqual([])
  })

  test('what ends the gateway is thrown', async () => {
    const gone = new GatewayError('JOURNAL_IO', 'gone')
    await expect(begin({ says: () => gone }).buried).rejects.toBe(gone)
  })
})
