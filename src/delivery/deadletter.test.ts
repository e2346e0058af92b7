/** What a copy of a dead letter says: all of why it is there, and nothing that would have it answered. */

import { expect, test } from 'vitest'
import type { CloudEvent } from '../event/index.ts'
import { fromDeadLetter, toDeadLetter } from './deadletter.ts'

const event: CloudEvent = {
  specversion: '1.0',
  id: 'o-1',
  source: '/shop',
  type: 'order.created',
  subject: '7',
  extensions: { tenant: 'acme', callid: 'c', replyto: 'r', replyform: 'mqtt5', correlationdata: 'x', deadline: 'd' },
  data: Buffer.from('{"n":1}'),
}
const delivery = {
  id: '4-0',
  route: 'orders',
  to: 'sync@2',
  event,
  origin: { source: 'http', address: 'POST /events' },
  callId: 'c',
  attempt: 6,
  acceptedAt: 0,
  answers: false,
}
const error = { code: 'FUNCTION_REJECTED', type: 'BusinessLogicError', message: 'no stock' } as const

test('the whole event, with the seven extensions', () => {
  const copy = fromDeadLetter(toDeadLetter(delivery, error, 1_000, 61_000))
  expect(copy).toEqual({
    ...event,
    extensions: {
      tenant: 'acme',
      deadletterroute: 'orders',
      deadletterattempts: 6,
      deadlettercode: 'FUNCTION_REJECTED',
      deadletterreason: 'no stock',
      deadletterfirsttime: '1970-01-01T00:00:01.000Z',
      deadletterlasttime: '1970-01-01T00:01:01.000Z',
      deadletterfunction: 'sync@2',
    },
  })
})

test("a function's own code is the one that is told, and a reason has its end", () => {
  const long = { ...error, detailCode: 'NO_STOCK', message: 'x'.repeat(5_000) }
  const { extensions } = toDeadLetter(delivery, long, 0, 0)
  expect(extensions).toMatchObject({ deadlettercode: 'NO_STOCK', deadletterreason: 'x'.repeat(1_024) })
})

test('two deliveries of an event have copies of their own', () => {
  const ids = ['4-0', '4-1'].map((id) => toDeadLetter({ ...delivery, id }, error, 0, 0).id)
  expect(new Set([...ids, event.id]).size).toBe(3)
})
