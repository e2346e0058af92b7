/** What why prints of attempts, chains and events that the journal does not hold. */

import { expect, test } from 'vitest'
import { tryLines } from './attempts.ts'
import { chainLines } from './chain.ts'
import { historyLines } from './history.ts'
import { lostLines, lostRows } from './lost.ts'
import { type ChainLink, eventHistory, lostEvent } from './records.ts'
import { plain } from './terminal.ts'

const zero = Date.UTC(2026, 0, 31, 12)
const at = (ms: number): string => new Date(zero + ms).toISOString()
const trap = { code: 'FUNCTION_TRAPPED', message: 'unreachable' }

const tried = (attempt: number, begun: number, more: object = {}) => ({
  attempt,
  startedAt: at(begun),
  endedAt: at(begun + 12),
  waitMs: 1,
  tookMs: 12,
  ...more,
})

const history = (delivery: object, more: object = {}) =>
  eventHistory.parse({
    event: { id: 'e1', source: '/shop', type: 'order.created' },
    origin: { source: 'mqtt', address: 'orders/eu' },
    callId: 'c1',
    acceptedAt: at(0),
    deliveries: [{ id: '1-0', route: 'a', to: 'echo', answers: true, attempts: 2, ...delivery }],
    verdicts: [{ route: 'b', takes: false, clause: 'data.n > 1', saw: 'data.n = 1' }],
    ...more,
  })

test('an attempt says when, how it ended, where its time went and who ran it; the same error is said once', () => {
  const ran = { queueMs: 0.42, runMs: 11, worker: 3, function: 'echo@2', sha256: 'a1b2c3d4e5f6a7b8' }
  const tries = [
    tried(1, 2, { ...ran, cold: true, error: trap }),
    tried(2, 1_014, { error: { code: 'SINK_GONE', message: 'no' } }),
  ]
  const due = history({ status: 'due', due: at(30_000), error: { ...trap, type: 'SystemError' }, tries })
  expect(historyLines(due, plain, zero + 20_000)).toEqual([
    'order.created e1 of /shop',
    `  came in by mqtt:orders/eu at ${at(0)} (20 s ago), callId c1`,
    `  a -> echo  to be tried again after 2 attempts, next at ${at(30_000)} (in 10 s): FUNCTION_TRAPPED: unreachable`,
    '    +2 ms  attempt 1  failed  in 12 ms  queued 0.42 ms, ran 11 ms, worker 3, echo@2 (a1b2c3d4e5f6), its instance was made for it: FUNCTION_TRAPPED, as above',
    '    +1 s   attempt 2  failed  in 12 ms  waited 1 ms: SINK_GONE: no',
    '',
    'routes that let it pass, as they stand now',
    '  no  b  data.n > 1 is not true; it saw data.n = 1',
  ])
})

test('an attempt of which no more is known says why it failed, and many routes that take nothing from there are one line', () => {
  const due = history(
    { status: 'due', tries: [tried(1, 2, { error: trap })] },
    { verdicts: ['b', 'c', 'd', 'e'].map((route) => ({ route, takes: false, clause: 'from' })) },
  )
  expect(historyLines(due, plain, zero).slice(3)).toEqual([
    '    +2 ms  attempt 1  failed  in 12 ms  FUNCTION_TRAPPED: unreachable',
    '',
    'routes that let it pass, as they stand now',
    '  no  4 routes  take nothing from there',
  ])
})

test('of many attempts the first and the last are shown, and a redrive is', () => {
  const tries = [...Array.from({ length: 9 }, (_, n) => tried(n + 1, n, { error: trap })), tried(1, 20)]
  const parsed = history({ status: 'done', tries }).deliveries[0]?.tries ?? []
  const lines = tryLines(parsed, new Date(zero), plain)
  expect(lines.length).toBe(7)
  expect(lines[1]).toBe('    ... 4 more, which --json has')
  expect(lines.at(-1)).toMatch(/\+20 ms +redriven, attempt 1 +succeeded/)
})

test('a dead letter ends with what to type next, and the routes are those of its time', () => {
  const generation = { number: 7, runs: false, known: true }
  const lines = historyLines(history({ status: 'dead' }, { generation }), plain, zero)
  expect(lines).toContain('routes that let it pass, as they stood then (configuration 7, which runs no more)')
  expect(lines.at(-1)).toBe(
    'next: headgate dead-letters show 1-0; once that is put right: headgate dead-letters redrive --id 1-0',
  )
  const unknown = history({ status: 'done' }, { generation: { ...generation, known: false } })
  expect(historyLines(unknown, plain, zero).join('\n')).toContain('configuration 7, of its time, is not known any more')
})

test('a chain is a tree, whatever its causes say', () => {
  const link = (id: string, ms: number, more: Partial<ChainLink> = {}): ChainLink => ({
    id,
    type: 't',
    at: new Date(zero + ms),
    state: 'done',
    deliveries: ['a -> echo'],
    ...more,
  })
  const links = [
    link('root', 0),
    link('left', 2, { cause: 'root', state: 'dead' }),
    link('right', 3, { cause: 'root' }),
    link('leaf', 1_500, { cause: 'left', state: 'unmatched', deliveries: [] }),
    link('self', 2_000, { cause: 'self' }),
  ]
  expect(chainLines(links, 'left', plain)).toEqual([
    `  t root      done              ${at(0)}  a -> echo`,
    '>   t left    dead              +2 ms                     a -> echo',
    '      t leaf  no route took it  +1.5 s',
    '    t right   done              +3 ms                     a -> echo',
    '  t self      done              +2 s                      a -> echo',
  ])
})

test('an event that is not held says why, and what to do', () => {
  const origin = { source: 'mqtt', address: 'orders/eu' }
  const event = { id: 'e1', source: '/shop', type: 'order.created' }
  const verdicts = [{ route: 'b', takes: false, clause: 'data.n > 1', saw: 'data.n = 1' }]
  const generation = { number: 7, runs: true, known: true }
  const unmatched = lostEvent.parse({ kind: 'unmatched', at: at(0), origin, event, times: 1, generation, verdicts })
  expect(lostLines([unmatched], plain)).toEqual([
    'order.created e1 of /shop was accepted, and no route took it',
    `  came in by mqtt:orders/eu at ${at(0)}`,
    '',
    'routes that let it pass',
    '  no  b  data.n > 1 is not true; it saw data.n = 1',
    '',
    'next: change the clause that is not true, try it with "headgate explain event", send it again',
  ])
  const error = { code: 'EVENT_INVALID', message: 'mqtt (mqtt): no id', type: 'ValidationError' }
  const refused = lostEvent.parse({
    kind: 'refused',
    at: at(0),
    origin,
    client: 'sensor-7',
    times: 3,
    error,
    generation: 7,
  })
  expect(lostLines([refused], plain)[1]).toContain('from sensor-7')
  expect(lostRows([refused, unmatched], plain)).toEqual([
    `${at(0)}  refused    unread            from mqtt:orders/eu by sensor-7  3 times: EVENT_INVALID: mqtt (mqtt): no id`,
    `${at(0)}  unmatched  order.created e1  from mqtt:orders/eu`,
  ])
})

test.each([
  [{ runsSince: at(18_000) }, 'runs attempt 3, for 2 s by now; the last one failed: FUNCTION_TRAPPED: unreachable'],
  [
    { waits: { for: 'breaker', what: 'its breaker, which is open', until: at(30_000) } },
    `waits after 2 attempts for its breaker, which is open, until ${at(30_000)} (in 10 s); the last attempt failed: FUNCTION_TRAPPED: unreachable`,
  ],
  [
    { waits: { for: 'retry', what: 'its next attempt', until: at(30_000) }, due: at(30_000) },
    `to be tried again after 2 attempts, next at ${at(30_000)} (in 10 s): FUNCTION_TRAPPED: unreachable`,
  ],
])('what is not settled says that it runs, or what it waits for: %#', (standing, line) => {
  const error = { ...trap, type: 'SystemError' }
  expect(historyLines(history({ status: 'due', error, ...standing }), plain, zero + 20_000)[2]).toBe(
    `  a -> echo  ${line}`,
  )
})

test('a first attempt that waits says for what, and what to do about it', () => {
  const waits = { for: 'sink', what: 'its sink, which is gone: 410', next: 'run: headgate resume billing' }
  const lines = historyLines(history({ status: 'due', attempts: 0, waits }), plain, zero)
  expect(lines[2]).toBe('  a -> echo  waits for its sink, which is gone: 410')
  expect(lines.slice(-2)).toEqual(['', 'next: run: headgate resume billing'])
})
