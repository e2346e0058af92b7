/** What we write in one piece is, byte for byte, what mqtt-packet writes in many; and a turn is one write. */

import { Writable } from 'node:stream'
import { setImmediate } from 'node:timers/promises'
import { writeToStream } from 'mqtt-packet'
import { expect, test } from 'vitest'
import { type Outgoing, writePuback, writePublish } from './wire.ts'

/** A stream, and the writes that came out of it. */
function sink() {
  const writes: Buffer[] = []
  const stream = new Writable({
    write: (chunk, _encoding, done) => done(void writes.push(chunk)),
    writev: (chunks, done) => done(void writes.push(Buffer.concat(chunks.map(({ chunk }) => chunk)))),
  })
  return { stream: stream as Parameters<typeof writePuback>[0], writes }
}

async function theirs(packet: object, protocolVersion: number): Promise<Buffer> {
  const { stream, writes } = sink()
  writeToStream(packet as never, stream as never, { protocolVersion })
  await setImmediate()
  return Buffer.concat(writes)
}

const lengths = [0, 1, 120, 127, 128, 4_095, 4_096, 4_097, 16_383, 16_384, 2_097_152]
const cases = [4, 5].flatMap((version) =>
  [0, 1, 2].flatMap((qos) => lengths.map((length) => ({ version, qos, length }))),
)

test.each(cases)('a publish: version $version, QoS $qos, $length bytes', async ({ version, qos, length }) => {
  const { stream, writes } = sink()
  const packet = {
    topic: 'réponses/\u{1f600}',
    payload: Buffer.alloc(length, 'x'),
    qos,
    retain: qos === 1,
    messageId: qos > 0 ? 4_660 : undefined,
  } as Outgoing
  writePublish(stream, version, packet)
  await setImmediate()
  expect(Buffer.concat(writes).equals(await theirs({ cmd: 'publish', dup: false, ...packet }, version))).toBe(true)
})

test.each([3, 4, 5])('a PUBACK: version %i', async (version) => {
  const { stream, writes } = sink()
  writePuback(stream, version, 65_535)
  await setImmediate()
  expect(writes).toEqual([await theirs({ cmd: 'puback', messageId: 65_535 }, version)])
})

test('what one turn writes leaves at once, by whomever it was written', async () => {
  const { stream, writes } = sink()
  writePuback(stream, 4, 1)
  await Promise.resolve()
  writeToStream({ cmd: 'pingresp' }, stream as never, {})
  await new Promise<void>((resolve) => process.nextTick(resolve))
  writePuback(stream, 4, 2)
  expect(writes).toEqual([])
  await setImmediate()
  expect(writes).toEqual([Buffer.from([0x40, 2, 0, 1, 0xd0, 0, 0x40, 2, 0, 2])])
})
