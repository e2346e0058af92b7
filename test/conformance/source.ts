/**
 * The universal source suite. Every source passes it before it is called beta.
 *
 * Test names are the specification: the text after each number is the requirement, worded as in RFC 2119.
 */

import assert from 'node:assert/strict'
import { type CloudEvent, type Connector, GatewayError, type Guarantees } from '#connector'
import { Bench, decode, type Lent, type Sample, type Upstream } from './source-bench.ts'

export type { Lent, Sample, SendAnswer, Upstream } from './source-bench.ts'

/** vitest's `test`, or one like it. */
export type TestFn = (name: string, run: () => Promise<void>) => unknown

/** S12, the bench workload, is test/bench. */
export type SourceRequirement =
  | 'S1'
  | 'S2'
  | 'S3'
  | 'S4'
  | 'S5'
  | 'S6'
  | 'S7'
  | 'S8'
  | 'S9'
  | 'S10'
  | 'S11'
  | 'S13'
  | 'S14'
  | 'S15'

export interface SourceHarness {
  readonly connector: Connector
  open(lent: Lent): Promise<Upstream>
  /** A configuration that cannot work, and the part of it (host:port, queue, topic) that the error must name. */
  unreachable?(): Promise<{ readonly config: unknown; readonly names: string }>
  /** Requirements this source cannot meet, each with the reason. Printed in the connector's README. */
  readonly exempt?: Readonly<Partial<Record<SourceRequirement, string>>>
  /** What is sent, where the upstream cannot carry any bytes under any subject; `from` counts what was sent before. */
  readonly samples?: (count: number, from: number) => readonly Sample[]
  /** What of an event carries the message, where that is not `data`. */
  readonly content?: (event: CloudEvent) => Uint8Array
  /** How long anything may take that must happen; 10 s unless told. */
  readonly deadlineMs?: number
}

interface Given {
  readonly bench: Bench
  readonly guarantees: Guarantees
  readonly harness: SourceHarness
  /** Samples numbered from `from`, spread over three subjects unless told. */
  readonly samples: (
    count: number,
    options?: { from?: number; subjects?: number; spaced?: boolean },
  ) => readonly Sample[]
}

interface Requirement {
  readonly text: string
  readonly run: (given: Given) => Promise<void>
}

/** Declares one test for each requirement that the source's guarantees ask of it. */
export function sourceConformance(test: TestFn, harness: SourceHarness): void {
  const spec = harness.connector.source
  if (!spec) throw new Error(`${harness.connector.type}: declares no source`)
  for (const [id, { text, run }] of Object.entries(requirements(spec.guarantees))) {
    const reason = harness.exempt?.[id as SourceRequirement]
    test(`${id} ${text}${reason ? ` (exempt: ${reason})` : ''}`, async () => {
      if (reason) return
      await using bench = await Bench.open(harness)
      await run({ bench, guarantees: spec.guarantees, harness, samples: sampler(harness) })
    })
  }
}

function requirements(guarantees: Guarantees): Partial<Record<SourceRequirement, Requirement>> {
  const { rejected, order, catchesUp } = guarantees
  return {
    S1: { text: 'MUST emit one CloudEvents 1.0 event per message, data byte for byte', run: oneEventPerMessage },
    S2: { text: 'MUST NOT acknowledge upstream before emit resolves', run: acknowledgesAfterEmit },
    ...(rejected === 'redelivered' && {
      S3: { text: 'MUST have a rejected message redelivered, under the same source and id', run: redelivers },
    }),
    ...(rejected === 'reported' && {
      S3: { text: 'MUST tell the sender of a message that was rejected, and of no other', run: reports },
    }),
    ...(order !== 'none' && { S4: { text: `MUST keep order (${order})`, run: keepsOrder } }),
    S5: { text: 'MUST NOT have more than maxInFlight emits unresolved, and MUST get there', run: boundsInFlight },
    S6: { text: 'MUST wait for emits in flight on stop, and emit nothing after', run: stopsCleanly },
    ...(catchesUp && {
      S7: { text: 'MUST deliver after a restart what was sent while stopped', run: catchesUpAfterStop },
    }),
    S8: { text: 'MUST go on by itself after its connections were cut', run: recovers },
    S9: { text: 'MUST pass on data that cannot be read as the bytes that they are', run: passesBytes },
    S10: { text: 'MUST refuse to start when it cannot receive, naming what it could not reach', run: refusesToStart },
    S11: { text: 'MUST leave nothing open after stop', run: leavesNothingOpen },
    S13: { text: 'MUST NOT emit while there is no credit, and MUST go on when there is', run: takesCredit },
    S14: { text: 'MUST say that it made the event of a message that was none, for `as`', run: saysWhatItMade },
    ...(rejected === 'redelivered' && {
      S15: {
        text: 'MUST offer again also what emit rejects for good: only what resolves is kept',
        run: passesNothingOver,
      },
    }),
  }
}

async function oneEventPerMessage({ bench, samples }: Given): Promise<void> {
  // Spaces inside the JSON: reading and writing it again would not give the same bytes.
  const sent = samples(20, { spaced: true })
  await bench.start()
  await bench.upstream.send(sent)
  await bench.accepted(20)
  await bench.quiet()
  const events = await bench.accepted(20)
  assert.deepEqual(events.map(bench.text).sort(), sent.map(text).sort())
  for (const event of events) {
    assert.equal(event.specversion, '1.0')
    assert.ok(event.id && event.source && event.type, 'id, source and type are set')
  }
}

async function acknowledgesAfterEmit({ bench, samples }: Given): Promise<void> {
  await bench.start({ hold: true })
  const sent = bench.upstream.send(samples(3))
  await bench.offeredAtLeast(1)
  const all = async () => (await bench.upstream.unacknowledged()) === 3
  await bench.eventually(all, 'upstream holds all three, none of which was accepted')
  await bench.quiet()
  assert.ok(await all(), 'upstream still holds what was not accepted')
  bench.release()
  await sent
  await bench.accepted(3)
  await bench.eventually(
    async () => (await bench.upstream.unacknowledged()) === 0,
    'upstream is acknowledged in the end',
  )
}

async function redelivers({ bench, samples }: Given): Promise<void> {
  await bench.start({ rejectFirst: 2 })
  bench.sendAside(samples(4))
  await bench.accepted(4)
  assert.equal(bench.rejected.length, 2, 'two emits were rejected')
  await bench.eventually(async () => bench.rejected.every(bench.has), 'what was rejected is accepted as the same event')
}

async function reports({ bench, samples }: Given): Promise<void> {
  await bench.start({ rejectFirst: 2 })
  const answers = await bench.within(bench.upstream.send(samples(4)), 'an answer for each message')
  assert.deepEqual(answers.toSorted(), ['accepted', 'accepted', 'refused', 'refused'])
}

async function keepsOrder({ bench, guarantees, samples }: Given): Promise<void> {
  // The earlier a message, the longer its emit takes: whoever does not wait is overtaken.
  let emits = 0
  await bench.start({ delayMs: () => Math.max(0, 8 - (emits++ % 9)) })
  await bench.upstream.send(samples(50))
  await bench.accepted(50)
  const key = (item: { readonly subject?: string }) => (guarantees.order === 'total' ? '' : (item.subject ?? ''))
  for (const subject of new Set(samples(50).map(key))) {
    const sent = samples(50).filter((sample) => key(sample) === subject)
    const got = new Set(bench.offered.map(bench.text))
    assert.deepEqual(
      [...got].filter((item) => sent.some((sample) => text(sample) === item)),
      sent.map(text),
    )
  }
}

async function boundsInFlight({ bench, guarantees, samples }: Given): Promise<void> {
  const bound = bench.context.maxInFlight
  // A source that keeps one order for all has one emit under way; every other one must be seen at its bound.
  const reach = guarantees.order === 'total' ? 1 : bound
  await bench.start({ hold: true })
  bench.sendAside(samples(60, { subjects: 60 }))
  await bench.eventually(
    async () => bench.peakInFlight >= reach,
    `${reach} emits in flight`,
    () => `${bench.peakInFlight}`,
  )
  await bench.quiet()
  bench.release()
  await bench.accepted(60)
  assert.ok(bench.peakInFlight <= bound, `${bench.peakInFlight} emits in flight, more than ${bound}`)
}

async function stopsCleanly({ bench, samples }: Given): Promise<void> {
  await bench.start({ hold: true })
  bench.sendAside(samples(5))
  await bench.offeredAtLeast(1)
  let stopped = false
  const stopping = bench.source.stop().then(() => {
    stopped = true
  })
  await bench.quiet()
  assert.ok(!stopped, 'stop waits while an emit is unresolved')
  bench.release()
  await bench.within(stopping, 'stop resolves')
  assert.equal(bench.inFlight, 0, 'no emit outlives stop')
  const count = bench.offered.length
  bench.sendAside(samples(5, { from: 5 }))
  await bench.quiet()
  assert.equal(bench.offered.length, count, 'nothing is emitted after stop')
  await bench.within(bench.source.stop(), 'a second stop resolves')
}

async function catchesUpAfterStop({ bench, samples }: Given): Promise<void> {
  await bench.start()
  await bench.upstream.send(samples(2))
  await bench.accepted(2)
  await bench.source.stop()
  bench.sendAside(samples(5, { from: 2 }))
  await bench.restart()
  await bench.accepted(7)
}

async function recovers({ bench, guarantees, samples }: Given): Promise<void> {
  assert.ok(bench.upstream.interrupt, 'the harness cannot cut connections: exempt S8, with the reason')
  // What is under way when the connection breaks comes again only from an upstream that keeps it.
  const kept = guarantees.rejected === 'redelivered'
  await bench.start({ hold: kept })
  bench.sendAside(samples(3))
  if (kept) await bench.offeredAtLeast(1)
  else await bench.accepted(3)
  await bench.upstream.interrupt()
  bench.release()
  bench.sendAside(samples(5, { from: 3 }))
  await bench.accepted(8)
}

async function passesBytes({ bench }: Given): Promise<void> {
  const data = [[0xff, 0xfe, 0x00, 0x80], [...Buffer.from('{"open":')], [0xc3, 0x28], [0x00]].map((bytes) =>
    Uint8Array.from(bytes),
  )
  await bench.start()
  bench.sendAside(data.map((item) => ({ subject: 's0', data: item })))
  const events = await bench.accepted(data.length)
  assert.deepEqual(events.map(bench.text).sort(), data.map(decode).sort())
}

async function refusesToStart({ bench, harness }: Given): Promise<void> {
  const { config, names } = (await harness.unreachable?.()) ?? assert.fail('the harness has no unreachable()')
  const source = bench.create(config)
  const outcome = source.start(bench.emit, AbortSignal.timeout(bench.deadlineMs)).then(
    () => assert.fail('start resolved'),
    (error: unknown) => error,
  )
  const error = await bench.within(outcome, 'start rejects').finally(() => source.stop())
  assert.ok(error instanceof GatewayError, `a GatewayError, not ${error}`)
  assert.ok(error.message.includes(names), `"${error.message}" names "${names}"`)
  assert.ok(error.message.startsWith(`${bench.context.name} (`), `"${error.message}" says whose it is`)
}

async function leavesNothingOpen({ bench, samples }: Given): Promise<void> {
  const before = openHandles()
  await bench.start()
  bench.sendAside(samples(5))
  await bench.accepted(5)
  await bench.source.stop()
  const left = () => [...openHandles()].filter(([type, count]) => count > (before.get(type) ?? 0)).map(([type]) => type)
  await bench.eventually(
    async () => left().length === 0,
    'no more is open than before start',
    () => `${left()} left`,
  )
}

async function takesCredit({ bench, guarantees, samples }: Given): Promise<void> {
  await bench.start()
  bench.credit.close()
  bench.sendAside(samples(5))
  await bench.quiet()
  assert.equal(bench.offered.length, 0, 'nothing is emitted without credit')
  bench.credit.open()
  bench.sendAside(samples(5, { from: 5 }))
  // What came while there was none is kept by an upstream that redelivers; other senders were told no.
  await bench.accepted(guarantees.rejected === 'redelivered' ? 10 : 5)
}

async function saysWhatItMade({ bench, samples }: Given): Promise<void> {
  await bench.start()
  await bench.upstream.send(samples(2))
  await bench.accepted(2)
  assert.equal(bench.made, bench.offered.length, 'each was made of a message that was no CloudEvent')
}

/** The gateway keeps what it refuses for good where nobody can be told, and resolves: that is not for the source to do. */
async function passesNothingOver({ bench, samples }: Given): Promise<void> {
  const error = new GatewayError('EVENT_INVALID', 'conformance: rejected for good, on purpose')
  await bench.start({ rejectFirst: 2, error })
  bench.sendAside(samples(4))
  await bench.accepted(4)
}

function openHandles(): Map<string, number> {
  const counts = new Map<string, number>()
  for (const type of process.getActiveResourcesInfo()) counts.set(type, (counts.get(type) ?? 0) + 1)
  return counts
}

const sampler = (harness: SourceHarness): Given['samples'] => {
  return (count, { from = 0, subjects = 3, spaced = false } = {}) =>
    harness.samples?.(count, from) ??
    Array.from({ length: count }, (_, i) => ({
      subject: `s${(from + i) % subjects}`,
      data: Buffer.from(spaced ? `{ "n": ${from + i} }` : `{"n":${from + i}}`),
    }))
}

const text = (sample: Sample): string => decode(sample.data)
