/**
 * The universal sink suite. Every sink passes it before it is called beta.
 *
 * Test names are the specification: the text after each number is the requirement, worded as in RFC 2119.
 */

import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import { attributeTexts, type CloudEvent, type Connector, GatewayError } from '#connector'
import { type Downstream, type Refusal, SinkBench } from './sink-bench.ts'
import type { TestFn } from './source.ts'

export type { Arrival, Downstream, Refusal } from './sink-bench.ts'

export type SinkRequirement = 'K1' | 'K2' | 'K3' | 'K4' | 'K5' | 'K6' | 'K7' | 'K8' | 'K9'

export interface SinkHarness {
  readonly connector: Connector
  open(): Promise<Downstream>
  /** Requirements this sink cannot meet, each with the reason. */
  readonly exempt?: Readonly<Partial<Record<SinkRequirement, string>>>
  /** False where the protocol has no words for when to try again. */
  readonly saysWhen?: boolean
  /** How long anything may take that must happen; 10 s unless told. */
  readonly deadlineMs?: number
}

type Run = (bench: SinkBench, harness: SinkHarness) => Promise<void>

/** Declares one test for each requirement. */
export function sinkConformance(test: TestFn, harness: SinkHarness): void {
  if (!harness.connector.sink) throw new Error(`${harness.connector.type}: declares no sink`)
  for (const [id, [text, run]] of Object.entries(REQUIREMENTS)) {
    const reason = harness.exempt?.[id as SinkRequirement]
    test(`${id} ${text}${reason ? ` (exempt: ${reason})` : ''}`, async () => {
      if (reason) return
      await using bench = await SinkBench.open(harness)
      await run(bench, harness)
    })
  }
}

const REQUIREMENTS: Readonly<Record<SinkRequirement, readonly [text: string, run: Run]>> = {
  K1: ['MUST NOT resolve a delivery before the other side has accepted the event', waitsForAcceptance],
  K2: ['MUST tell apart what is refused for good, what may be tried again, and when', classifies],
  K3: ['MUST end a delivery soon after its signal is aborted, as one to try again, and go on', honoursAbort],
  K4: ['MUST send a key that is the same for each attempt of an event, and for no other event', sendsKey],
  K5: ['MUST deliver attributes and data as they are, byte for byte', deliversAsIs],
  K6: ['MUST keep deliveries that run at the same time apart', keepsApart],
  K7: ['MUST leave nothing open after stop, and deliver nothing more', stops],
  K8: ['MUST report a side that is not there as SINK_UNAVAILABLE, and go on when it is back', survivesAbsence],
  K9: ['MUST NOT tell a secret in an error or a log line', keepsSecrets],
}

async function waitsForAcceptance(bench: SinkBench): Promise<void> {
  await bench.start()
  bench.downstream.hold(() => true)
  let ended = false
  const delivery = bench.ends(sample(1)).then((end) => {
    ended = true
    return end
  })
  await bench.arrivals(1)
  await bench.quiet()
  assert.ok(!ended, 'the delivery is under way for as long as the other side has not accepted it')
  bench.downstream.release()
  assert.deepEqual(await bench.within(delivery, 'the delivery ends'), { done: true })
}

async function classifies(bench: SinkBench, { saysWhen = true }: SinkHarness): Promise<void> {
  const cases: readonly (readonly [Refusal, code: string, retryAfterMs: number | undefined])[] = [
    ['reject', 'SINK_REJECTED', undefined],
    ['retry', 'SINK_UNAVAILABLE', undefined],
    ...(saysWhen ? [[{ retryAfterMs: 7_000 }, 'SINK_UNAVAILABLE', 7_000] as const] : []),
  ]
  await bench.start()
  for (const [at, [refusal, code, retryAfterMs]] of cases.entries()) {
    bench.downstream.refuse(() => refusal)
    const error = await bench.refused(sample(at))
    assert.equal(error.code, code, `${inspect(refusal)} is ${code}: ${error}`)
    assert.equal(error.retryAfterMs, retryAfterMs, `what was asked for after ${inspect(refusal)}`)
    const { name } = bench.context
    assert.ok(error.message.startsWith(`${name} (`), `"${error.message}" says whose it is`)
  }
  bench.downstream.refuse(() => undefined)
  await bench.deliver(sample(9))
}

async function honoursAbort(bench: SinkBench): Promise<void> {
  await bench.start()
  bench.downstream.hold(() => true)
  const controller = new AbortController()
  const delivery = bench.ends(sample(1), controller.signal)
  await bench.arrivals(1)
  controller.abort(new Error('conformance: aborted on purpose'))
  const ended = await bench.within(delivery, 'the delivery ends after the abort')
  assert.ok(!ended.done, 'what was aborted is not done')
  if (ended.error instanceof GatewayError) assert.equal(ended.error.disposition, 'retry', `${ended.error}`)
  bench.downstream.release()
  const before = bench.downstream.arrived().length
  await bench.refused(sample(2), controller.signal)
  await bench.quiet()
  assert.equal(bench.downstream.arrived().length, before, 'nothing is sent that was aborted before')
  bench.downstream.hold(() => false)
  await bench.deliver(sample(3))
}

async function sendsKey(bench: SinkBench): Promise<void> {
  await bench.start()
  bench.downstream.refuse(() => 'retry')
  await bench.refused(sample(1))
  bench.downstream.refuse(() => undefined)
  await bench.deliver(sample(1))
  await bench.deliver(sample(2))
  await bench.deliver({ ...sample(1), source: '/conformance/other' })
  await bench.arrivals(4)
  const [first, again, second, other] = bench.downstream.arrived().map(({ key }) => key)
  assert.ok(first, 'there is a key')
  assert.equal(again, first, 'another attempt has the same key')
  assert.notEqual(second, first, 'another event has another key')
  assert.notEqual(other, first, 'an event of the same id from another source has another key')
}

async function deliversAsIs(bench: SinkBench): Promise<void> {
  const bytes = (...values: number[]) => Uint8Array.from(values)
  const { data: _, datacontenttype: __, ...bare } = sample(0)
  const events: CloudEvent[] = [
    // Spaces inside the JSON: reading and writing it again would not give the same bytes.
    { ...sample(1), data: text('{ "n": 1.0 }') },
    { ...bare, id: '2', datacontenttype: 'application/octet-stream', data: bytes(0xff, 0xfe, 0x00, 0x80, 0x0d, 0x0a) },
    { ...bare, id: '3', datacontenttype: 'text/plain; charset=utf-8', data: text('grüße\n') },
    { ...sample(4), data: bytes() },
    { ...bare, id: '5' },
    { ...bare, id: '6 "quoted" 100% é\u{1F600}', subject: 'a/b c', time: '2026-01-31T12:00:00.123456Z' },
    { ...bare, id: '7', extensions: { text: 'Grüße, "Ada"', count: -3, yes: true, traceparent: '00-ab-cd-01' } },
    { ...bare, id: '8', datacontenttype: 'application/octet-stream', data: Buffer.alloc(300_000, 'conformance ') },
  ]
  await bench.start()
  for (const event of events) await bench.deliver(event)
  // Who reads what was accepted may be a moment behind.
  await bench.arrivals(events.length)
  const arrived = bench.downstream.arrived().map(({ event }) => event)
  assert.deepEqual(arrived.map(readable), events.map(readable))
}

async function keepsApart(bench: SinkBench): Promise<void> {
  const refused = ({ id }: CloudEvent): boolean => Number(id) % 3 === 1
  await bench.start()
  bench.downstream.refuse((event) => (refused(event) ? 'retry' : undefined))
  bench.downstream.hold(({ id }) => Number(id) < 4)
  const events = Array.from({ length: 24 }, (_, at) => sample(at))
  const done: (boolean | undefined)[] = events.map(() => undefined)
  const deliveries = events.map(async (event, at) => {
    done[at] = (await bench.ends(event)).done
  })
  const ended = () => done.filter((end) => end !== undefined).length
  await bench.eventually(
    () => ended() === 20,
    'those that are answered end while four others wait',
    () => `${ended()} ended`,
  )
  assert.deepEqual(done.slice(0, 4), Array(4).fill(undefined), 'those that wait have not ended')
  bench.downstream.release()
  await bench.within(Promise.all(deliveries), 'every delivery ends')
  assert.deepEqual(
    done,
    events.map((event) => !refused(event)),
    'each ends as it was answered',
  )
  const texts = (some: readonly CloudEvent[]) => some.map((event) => JSON.stringify(readable(event))).sort()
  assert.deepEqual(texts(bench.downstream.arrived().map(({ event }) => event)), texts(events))
}

async function stops(bench: SinkBench): Promise<void> {
  const before = openHandles()
  await bench.start()
  await bench.deliver(sample(1))
  bench.downstream.hold(() => true)
  const underWay = bench.ends(sample(2))
  await bench.arrivals(2)
  await bench.within(bench.sink.stop(), 'stop resolves, whatever is under way')
  await bench.within(underWay, 'no delivery outlives stop')
  bench.downstream.release()
  bench.downstream.hold(() => false)
  await bench.within(bench.sink.stop(), 'a second stop resolves')
  const error = await bench.refused(sample(3))
  assert.equal(error.disposition, 'retry', `a delivery after stop is one to try again: ${error}`)
  await bench.quiet()
  assert.equal(bench.downstream.arrived().length, 2, 'nothing is sent after stop')
  await bench.eventually(() => bench.downstream.connections() === 0, 'no connection is left')
  const left = () => [...openHandles()].filter(([type, count]) => count > (before.get(type) ?? 0)).map(([type]) => type)
  await bench.eventually(
    () => left().length === 0,
    'no more is open than before start',
    () => `${left()} left`,
  )
}

async function survivesAbsence(bench: SinkBench): Promise<void> {
  const { downstream } = bench
  assert.ok(downstream.leave && downstream.comeBack, 'the harness cannot leave: exempt K8, with the reason')
  await bench.start()
  await bench.deliver(sample(1))
  await downstream.leave()
  for (const at of [2, 3]) {
    const error = await bench.refused(sample(at))
    assert.equal(error.code, 'SINK_UNAVAILABLE', `${error}`)
  }
  await downstream.comeBack()
  await bench.deliver(sample(4))
}

async function keepsSecrets(bench: SinkBench): Promise<void> {
  const { downstream } = bench
  const errors: unknown[] = []
  await bench.start()
  for (const refusal of ['reject', 'retry', { retryAfterMs: 7_000 }] as const) {
    downstream.refuse(() => refusal)
    errors.push(await bench.refused(sample(errors.length)))
  }
  if (downstream.leave && downstream.comeBack) {
    await downstream.leave()
    errors.push(await bench.refused(sample(errors.length)))
    await downstream.comeBack()
  }
  await bench.sink.stop()
  errors.push(await bench.refused(sample(errors.length)))
  const told = inspect([errors, bench.log.lines], { depth: 12, maxStringLength: null, showHidden: true })
  for (const [at, secret] of downstream.secrets.entries())
    assert.ok(!told.includes(secret), `secret number ${at} is told in an error or a log line`)
}

const text = (value: string): Uint8Array => new TextEncoder().encode(value)

const sample = (number: number): CloudEvent => ({
  specversion: '1.0',
  id: `${number}`,
  source: '/conformance',
  type: 'sample',
  subject: `s${number % 3}`,
  datacontenttype: 'application/json',
  data: text(`{"n":${number}}`),
})

/** An event as any binding carries it: attributes as texts, and no data where there are none or they are empty. */
const readable = (event: CloudEvent): unknown => ({
  attributes: attributeTexts(event).toSorted(),
  type: event.datacontenttype,
  data: Buffer.from(event.data ?? []).toString('latin1'),
})

function openHandles(): Map<string, number> {
  const counts = new Map<string, number>()
  for (const type of process.getActiveResourcesInfo()) counts.set(type, (counts.get(type) ?? 0) + 1)
  return counts
}
