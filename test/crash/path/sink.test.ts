/** Rows 10 and 13 of the fault matrix, on the whole gateway: a sink that refuses connections, and each answer of one. */

import { describe, expect, test } from 'vitest'
import { settled } from '../../e2e/path/client.ts'
import { eventually } from '../../services/eventually.ts'
import { type GatewayProcess, startGateway } from '../../services/gateway.ts'
import { type Received, Receiver, type Reply } from '../../services/receiver.ts'
import { follow, type Line } from '../../services/tail.ts'
import { WHOLE } from '../faults.ts'
import { bodyOf, pending } from './ledger.ts'
import { Pacer } from './pacer.ts'

const mean = (figures: readonly number[]): number => figures.reduce((sum, each) => sum + each, 0) / figures.length

async function deadLetters({ admin }: GatewayProcess): Promise<number> {
  const { items } = (await (await fetch(`http://127.0.0.1:${admin}/admin/dead-letters`)).json()) as { items: unknown[] }
  return items.length
}

const idsOf = (received: readonly Received[]): ReadonlySet<string> =>
  new Set(received.map(({ headers }) => `${headers['ce-id']}`))

describe('row 10', () => {
  const OUTAGE_MS = WHOLE ? 60_000 : 6_000
  const [DELAY_MS, CAP_MS] = WHOLE ? [1_000, 10_000] : [200, 1_600]
  const longest = (attempt: number): number => Math.min(CAP_MS, DELAY_MS * 2 ** (attempt - 1))

  /** The waits that were drawn after the attempts of this number. */
  const waits = (lines: readonly Line[], attempt: number): readonly number[] =>
    lines.filter((line) => line.attempt === attempt && line.outcome === 'retry').map(({ retryInMs = -1 }) => retryInMs)

  test(`a sink refuses for ${OUTAGE_MS / 1_000} s: back-off with jitter, all there within 30 s of its return, 0 lost, 0 dead`, async () => {
    await using receiver = await Receiver.open()
    const retry = `{ max: 1000, delay: ${DELAY_MS}ms, cap: ${CAP_MS}ms }`
    await using gateway = await startGateway({
      config: `
sinks: { away: { http: { url: "${receiver.url}", allow: [127.0.0.1] } } }
routes: { away: { from: ["mqtt:ledger/+", http], to: away, retry: ${retry} } }
`,
    })
    const pacer = await Pacer.start(gateway, { publishEveryMs: 50, perPost: 4 })
    await eventually(() => receiver.received.length > 0, { what: 'the sink gets events' })
    await receiver.close()
    using tail = await follow(gateway)
    await new Promise((resolve) => setTimeout(resolve, OUTAGE_MS))
    await pacer.stop()
    const waiting = await pending(gateway)
    const lines = tail.lines.filter(({ kind }) => kind === 'settled')
    const back = performance.now()
    await receiver.listen()
    await eventually(async () => (await pending(gateway)) === 0, { what: 'nothing waits', withinMs: 30_000 })
    const drainedMs = Math.round(performance.now() - back)
    const received = idsOf(receiver.received)
    const { acknowledged } = pacer
    const lost = acknowledged.filter((id) => !received.has(id))
    const byAttempt = [1, 2, 3, 4].map((attempt) => waits(lines, attempt))
    const figures = { meanWaitMs: byAttempt.map((each) => Math.round(mean(each))), attempts: lines.length }
    const dead = await deadLetters(gateway)
    const outcome = { acknowledged: acknowledged.length, waiting, drainedMs, lost: lost.length, dead }
    console.log(JSON.stringify({ row: 10, outageMs: OUTAGE_MS, ...outcome, ...figures }))
    expect(acknowledged.length).toBe(pacer.sent.length)
    expect(waiting).toBeGreaterThan(50)
    for (const [at, each] of byAttempt.entries()) {
      expect(each.length, `attempt ${at + 1}`).toBeGreaterThan(20)
      expect(Math.max(...each)).toBeLessThanOrEqual(longest(at + 1))
      // Full jitter: anything from nothing to the whole, so that they do not come back in one wave.
      expect(Math.max(...each) - Math.min(...each)).toBeGreaterThan(longest(at + 1) / 2)
    }
    expect(mean(byAttempt[2] ?? [])).toBeGreaterThan(2 * mean(byAttempt[0] ?? []))
    expect({ lost, dead }).toEqual({ lost: [], dead: 0 })
  })
})

/** An answer to each attempt, and what becomes of the event. The last answer is given to all attempts after it. */
interface Row {
  readonly name: string
  readonly replies: readonly (() => Reply)[]
  readonly status: 'done' | 'dead'
  readonly attempts: number
  /** Milliseconds at least from the first attempt to the second. */
  readonly notBefore?: number
}

const says =
  (status: number, headers: Readonly<Record<string, string>> = {}) =>
  () => ({ status, headers })
const inSeconds = (seconds: number) => new Date(Date.now() + seconds * 1_000).toUTCString()
const later = (status: number) => () => ({ status, headers: { 'retry-after': inSeconds(3) } })

const ROWS: readonly Row[] = [
  ...[429, 503].flatMap((status): Row[] => [
    {
      name: `${status}-seconds`,
      replies: [says(status, { 'retry-after': '2' }), says(202)],
      status: 'done',
      attempts: 2,
      notBefore: 1_980,
    },
    // A date has whole seconds: up to one less than asked.
    { name: `${status}-date`, replies: [later(status), says(202)], status: 'done', attempts: 2, notBefore: 1_900 },
    {
      name: `${status}-nonsense`,
      replies: [says(status, { 'retry-after': 'soon' }), says(202)],
      status: 'done',
      attempts: 2,
    },
  ]),
  ...[408, 429, 500, 502, 503, 504].flatMap((status): Row[] => [
    { name: `${status}-once`, replies: [says(status), says(200)], status: 'done', attempts: 2 },
    { name: `${status}-always`, replies: [says(status)], status: 'dead', attempts: 3 },
  ]),
  // After a 410 the sink is held: test/e2e/path/gone.test.ts.
  ...[400, 401, 403, 404, 405, 409, 413, 415, 422, 451].map(
    (status): Row => ({
      name: `${status}`,
      replies: [says(status, { 'retry-after': '1' })],
      status: 'dead',
      attempts: 1,
    }),
  ),
  { name: 'cut-once', replies: [() => 'cut', says(204)], status: 'done', attempts: 2 },
  { name: 'never', replies: [() => 'never'], status: 'dead', attempts: 3 },
]

describe('row 13', () => {
  test(`${ROWS.length} answers: Retry-After is honoured, 408, 429 and 5xx are tried again, no other 4xx is`, async () => {
    const on = (name: string) => receiver.received.filter(({ path }) => path === `/${name}`)
    await using receiver: Receiver = await Receiver.open(({ path }) => {
      const name = path.slice(1)
      const replies = ROWS.find((row) => row.name === name)?.replies ?? []
      return (replies[on(name).length - 1] ?? replies.at(-1))?.() ?? { status: 500 }
    })
    const sinks = ROWS.map(
      ({ name }) =>
        `  s${name}: { http: { url: "http://127.0.0.1:${receiver.port}/${name}", allow: [127.0.0.1], timeout: 500ms } }`,
    )
    const routes = ROWS.map(
      ({ name }) =>
        `  r${name}: { from: http, when: subject == "${name}", to: s${name}, retry: { max: 2, delay: 30ms, cap: 60ms } }`,
    )
    await using gateway = await startGateway({
      config: `sinks:\n${sinks.join('\n')}\nroutes:\n${routes.join('\n')}\n`,
    })
    const run = async ({ name }: Row) => {
      const body = JSON.stringify({ ...JSON.parse(bodyOf(`row-${name}`)), subject: name })
      const headers = { 'content-type': 'application/cloudevents+json' }
      await fetch(`http://127.0.0.1:${gateway.http}/events`, { method: 'POST', headers, body })
      const [delivery] = (await settled(gateway, `row-${name}`)).deliveries
      const [first, second] = on(name)
      return {
        name,
        status: delivery?.status,
        attempts: delivery?.attempts,
        requests: on(name).length,
        gap: first && second ? second.at - first.at : 0,
      }
    }
    const outcomes = await Promise.all(ROWS.map(run))
    const gaps = outcomes.filter(({ name }) => /seconds|date/.test(name)).map(({ name, gap }) => [name, gap])
    console.log(JSON.stringify({ row: 13, answers: ROWS.length, gaps: Object.fromEntries(gaps) }))
    expect(outcomes.map(({ gap: _, ...outcome }) => outcome)).toEqual(
      ROWS.map(({ name, status, attempts }) => ({ name, status, attempts, requests: attempts })),
    )
    for (const { name, notBefore = 0 } of ROWS)
      expect(outcomes.find((outcome) => outcome.name === name)?.gap, name).toBeGreaterThanOrEqual(notBefore)
  })
})
