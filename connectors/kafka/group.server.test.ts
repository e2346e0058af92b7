/** Members of one group: they share the partitions, and one that dies is replaced by the others. */

import { expect, test, vi } from 'vitest'
import { openSink, pending } from '../../test/crash/path/ledger.ts'
import { eventually } from '../../test/services/eventually.ts'
import { startGateway } from '../../test/services/gateway.ts'
import { KAFKA } from '../../test/services/kafka.ts'
import { describeServers } from '../../test/services/server.ts'
import { Face, PATIENT } from './face.ts'
import { Topic } from './harness.ts'

const LONG = { timeout: 180_000 }
const PARTITIONS = 6

await describeServers([KAFKA], 'kafka, groups', ({ address }) => {
  test(
    'partitions that are taken away: what was fetched of them is not offered, and never committed',
    LONG,
    async () => {
      await using topic = await Topic.open(address, PARTITIONS)
      const options = { brokers: [address], group: topic.group, topics: [topic.name] }
      await using first = new Face(options, 4)
      // Everything that the first member offers waits: it holds what it fetched of all partitions.
      const gate = Promise.withResolvers<void>()
      first.decide = () => gate.promise
      await first.start()
      const messages = Array.from({ length: 600 }, (_, at) => ({ value: `n${at}`, partition: at % PARTITIONS }))
      await topic.producer.send({ topic: topic.name, messages })
      await vi.waitFor(() => expect(first.offered).toHaveLength(4), PATIENT)
      await using second = await Face.begin(options)
      // The second one has half of them, from the first record on: nothing was committed.
      await second.has(300)
      expect(await topic.lag()).toBeGreaterThanOrEqual(300)
      gate.resolve()
      await vi.waitFor(async () => expect(await topic.lag()).toBe(0), PATIENT)
      const all = [...first.accepted, ...second.accepted]
      expect(new Set(all).size).toBe(600)
      // Twice at most: what the first had under way when its partitions were taken away.
      expect(all.length - 600).toBeLessThanOrEqual(4)
    },
  )

  test('two gateways share the partitions, and one goes on alone when the other is killed', LONG, async () => {
    await using topic = await Topic.open(address, PARTITIONS)
    const config = `
sources:
  orders:
    kafka: { brokers: ["${address}"], group: ${topic.group}, topics: [${topic.name}], session_timeout: 3s }
routes:
  work: { from: orders, to: "mqtt:out/{id}" }
`
    await using left = await startGateway({ config })
    await using right = await startGateway({ config })
    const sinks = await Promise.all([openSink(left, 'out/#'), openSink(right, 'out/#')])
    const sent = new Set<string>()
    const send = async (count: number) => {
      const ids = Array.from({ length: count }, (_, at) => `r-${sent.size + at}`)
      const head = { ce_specversion: '1.0', ce_source: '/group', ce_type: 'record' }
      const messages = ids.map((id, at) => ({ value: id, partition: at % PARTITIONS, headers: { ...head, ce_id: id } }))
      await topic.producer.send({ topic: topic.name, messages })
      for (const id of ids) sent.add(id)
    }
    const [ofLeft, ofRight] = sinks
    const has = (id: string) => ofLeft.received.has(id) || ofRight.received.has(id)
    const patience = { withinMs: 60_000, detail: () => `${left.output()}\n${right.output()}` }
    // Each has its half: records come on both sides.
    await eventually(
      async () => {
        await send(PARTITIONS)
        return ofLeft.received.size > 0 && ofRight.received.size > 0
      },
      { what: 'both gateways get records', everyMs: 100, ...patience },
    )
    await send(600)
    const before = ofRight.received.size
    await left.kill()
    await send(600)
    await eventually(async () => (await topic.lag()) === 0, { what: 'the group has nothing left', ...patience })
    await eventually(async () => (await pending(right)) === 0, { what: 'all is settled', ...patience })
    expect(ofRight.received.size - before).toBeGreaterThanOrEqual(600)
    // What the other one had accepted and not delivered is in its journal.
    await left.restart()
    await eventually(() => [...sent].every(has), { what: 'every record is delivered', ...patience })
    for (const sink of sinks) await sink.end()
  })
})
