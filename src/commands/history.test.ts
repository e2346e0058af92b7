/** What why, dead-letters and tail print, line by line. */

import { expect, test } from 'vitest'
import { activityLine } from './activity.ts'
import { deadLetterRows, groupLines, historyLines } from './history.ts'
import { activity, deadLetter, eventHistory, letterGroup } from './records.ts'
import { plain } from './terminal.ts'

const at = (second: number): string => new Date(Date.UTC(2026, 0, 31, 12, 0, second)).toISOString()
const event = { specversion: '1.0', id: 'e1', source: '/shop', type: 'order.created', subject: '7' }
const origin = { source: 'mqtt', address: 'orders/eu' }
const error = { code: 'FUNCTION_TRAPPED', message: 'echo (function): running: unreachable', type: 'SystemError' }

test('a history says what came in, what each delivery became, the reply, and why others let it pass', () => {
  const history = eventHistory.parse({
    event: { ...event, replyto: 'replies/me' },
    origin,
    callId: 'c1',
    acceptedAt: at(0),
    deliveries: [
      {
        id: '1-0',
        route: 'a',
        to: 'echo',
        status: 'done',
        answers: true,
        attempts: 1,
        settledAt: at(2),
        answer: { data: { ok: true } },
      },
      { id: '1-1', route: 'bb', to: 'echo', status: 'dead', answers: false, attempts: 6, settledAt: at(50), error },
      { id: '1-2', route: 'c', to: 'sink', status: 'due', answers: false, attempts: 2, due: at(9), error },
    ],
    verdicts: [
      { route: 'a', takes: true },
      { route: 'call/echo', takes: false, clause: 'from' },
      { route: 'big', takes: false, clause: 'data.amount > 100', saw: 'data.amount = 3' },
    ],
  })
  expect(historyLines(history, plain)).toEqual([
    'order.created e1 of /shop about 7',
    '  came in by mqtt:orders/eu at 2026-01-31T12:00:00.000Z, callId c1',
    '  a -> echo   done in 1 attempt, 2 s after it came in; its reply was sent',
    '  bb -> echo  dead after 6 attempts, 50 s after it came in: FUNCTION_TRAPPED: echo (function): running: unreachable',
    '  c -> sink   to be tried again after 2 attempts, next at 2026-01-31T12:00:09.000Z: FUNCTION_TRAPPED: echo (function): running: unreachable',
    '  reply: {"ok":true}',
    '',
    'routes that let it pass, as they stand now',
    '  no  big  data.amount > 100 is not true; it saw data.amount = 3',
  ])
})

test('what a function was denied is told with the line that would allow it', () => {
  const message = 'denied wasi:http/outgoing-handler#handle: functions.echo is not allowed it; write there: allow: {}'
  const done = { route: 'a', to: 'echo', status: 'done', answers: false, attempts: 1 }
  const denied = [{ function: 'echo', message }]
  const given = { event, origin, callId: 'c1', acceptedAt: at(0), deliveries: [done], verdicts: [], denied }
  expect(historyLines(eventHistory.parse(given), plain).at(-1)).toBe(`  echo  ${message}`)
})

test('an event that is no call has a result, and nobody was told', () => {
  const done = { route: 'a', to: 'echo', status: 'done', answers: true, attempts: 1, answer: { data: 'hi' } }
  const history = eventHistory.parse({
    event,
    origin,
    callId: 'c1',
    acceptedAt: at(0),
    deliveries: [done],
    verdicts: [],
  })
  expect(historyLines(history, plain).slice(2)).toEqual(['  a -> echo  done in 1 attempt', '  result: hi'])
})

test('a list of dead letters says which, how old, where to, and why not', () => {
  const letter = deadLetter.parse({
    id: '1-1',
    event,
    origin,
    callId: 'c1',
    route: 'bb',
    to: 'echo',
    attempts: 6,
    error,
    firstAt: at(0),
    lastAt: at(30),
  })
  expect(deadLetterRows([letter], Date.parse(at(50)), plain)).toEqual([
    '1-1  20 s ago  bb -> echo  6 attempts, FUNCTION_TRAPPED: echo (function): running: unreachable',
  ])
})

test('a group of dead letters says how many, of what, since when, and which to look at', () => {
  const group = letterGroup.parse({
    group: '0123456789',
    code: 'FUNCTION_TRAPPED',
    to: 'echo@2',
    routes: ['a', 'b'],
    site: 'unreachable@run',
    count: 7,
    firstAt: at(0),
    lastAt: at(30),
    example: '1-1',
  })
  expect(groupLines(group, Date.parse(at(50)), plain)).toEqual([
    '0123456789  7 dead letters  a, b -> echo@2  FUNCTION_TRAPPED  50 s ago to 20 s ago',
    '  unreachable@run; such as 1-1',
  ])
})

test.each([
  [
    { kind: 'accepted', callId: 'c', routes: ['a', 'b'], duplicate: false, origin },
    'accepted  order.created e1 from mqtt:orders/eu for a, b',
  ],
  [
    { kind: 'accepted', callId: 'c', routes: ['a'], duplicate: true, origin },
    'repeated  order.created e1 from mqtt:orders/eu; it is held already',
  ],
  [{ kind: 'unmatched', origin }, 'no route  order.created e1 from mqtt:orders/eu'],
  [
    {
      kind: 'settled',
      callId: 'c',
      route: 'a',
      to: 'echo',
      attempt: 2,
      outcome: 'retry',
      tookMs: 3.21,
      retryInMs: 900.4,
      error,
    },
    'retry     order.created e1 by a -> echo in 3.2 ms, attempt 2, again in 900 ms: FUNCTION_TRAPPED: echo (function): running: unreachable',
  ],
])('activity %# is one line', (seen, line) => {
  expect(activityLine(activity.parse({ ...seen, event, time: at(7) }), plain)).toBe(`12:00:07.000  ${line}`)
})

test('what a fallback made is told with the reason, in why and in tail', () => {
  const made = {
    id: '1-0',
    route: 'a',
    to: 'echo',
    status: 'done',
    answers: true,
    attempts: 3,
    fallback: 'instead',
    error,
  }
  const parsed = eventHistory.parse({
    event,
    origin,
    callId: 'c1',
    acceptedAt: at(0),
    deliveries: [made],
    verdicts: [],
  })
  expect(historyLines(parsed, plain)[2]).toBe(
    '  a -> echo  done by its fallback instead in 3 attempts: FUNCTION_TRAPPED: echo (function): running: unreachable',
  )
  const seen = { kind: 'settled', event, callId: 'c', route: 'a', to: 'echo', attempt: 3, outcome: 'done', tookMs: 5 }
  const line = activityLine(activity.parse({ ...seen, fallback: 'instead', error, time: at(7) }), plain)
  expect(line).toContain('by a -> echo, its fallback instead,')
})
