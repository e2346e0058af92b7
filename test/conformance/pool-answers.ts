/** What a pool owes a caller: the function's answer, or the right error. */

import assert from 'node:assert/strict'
import type { PoolRequirement } from './pool.ts'
import { functionOf, replyText } from './pool-bench.ts'

const EVENT = { specversion: '1.0', id: 'e1', source: '/suite', type: 'echo' } as const

export const POOL_ANSWERS = {
  P1: {
    text: 'MUST answer a call with the reply of the function, byte for byte, its content type and status',
    run: async (bench) => {
      const bodies: [Buffer, string][] = [
        [Buffer.from('{"a":"grün"}'), 'application/json'],
        [Buffer.from([0, 255, 254, 10]), 'application/octet-stream'],
        [Buffer.from([0xc3, 0x28]), 'text/plain'],
        [Buffer.alloc(0), 'text/plain'],
        [Buffer.alloc(300_000, 'x'), 'text/plain'],
      ]
      for (const [data, datacontenttype] of bodies) {
        const event = { ...EVENT, data, datacontenttype }
        const invoked = { function: 'f', event, callId: 'c', attempt: 1, deadline: Date.now() + 60_000 }
        const { reply } = await bench.within(bench.pool.invoke(invoked, new AbortController().signal))
        assert.ok(reply && Buffer.compare(reply.data, data) === 0, `${datacontenttype}: the bytes differ`)
        assert.equal(reply.datacontenttype, datacontenttype)
        assert.equal(reply.status, 201)
      }
    },
  },
  P2: {
    text: 'MUST tell the function callId, name, version, attempt and parameters',
    options: { functions: [functionOf('f', { version: '3' })] },
    run: async (bench) => {
      const own = { callId: 'the-call', attempt: 4, parameters: '{"a":1}' }
      const result = await bench.within(bench.call('f', 'context', own))
      assert.equal(replyText(result), 'the-call f 3 4 true false Some("{\\"a\\":1}")')
    },
  },
  P3: {
    text: 'MUST return the events that the function emits, in their order',
    run: async (bench) => {
      const { events } = await bench.within(bench.call('f', 'events', { subject: '50' }))
      assert.deepEqual(
        events.map(({ id }) => id),
        Array.from({ length: 50 }, (_, index) => String(index)),
      )
      assert.deepEqual(events[0]?.extensions, { traceid: 'abc' })
      assert.equal(Buffer.from(events[0]?.data ?? []).toString(), 'emitted')
    },
  },
  P4: {
    text: 'MUST reject with FUNCTION_RETRY and its delay when the function asks for another attempt',
    run: async (bench) => {
      const error = await bench.failure(bench.call('f', 'retry', { subject: '1234' }))
      assert.equal(error.code, 'FUNCTION_RETRY')
      assert.equal(error.retryAfterMs, 1234)
    },
  },
  P5: {
    text: 'MUST reject with FUNCTION_REJECTED, its type and the code of the function, when that refuses the event',
    run: async (bench) => {
      const error = await bench.failure(bench.call('f', 'reject'))
      assert.equal(error.code, 'FUNCTION_REJECTED')
      assert.equal(error.type, 'ValidationError')
      assert.equal(error.detailCode, 'BAD_ORDER')
    },
  },
  P6: {
    text: 'MUST reject a trap with FUNCTION_TRAPPED and a fingerprint that is the same each time',
    run: async (bench) => {
      const first = await bench.failure(bench.call('f', 'trap'))
      const second = await bench.failure(bench.call('f', 'trap'))
      assert.equal(first.code, 'FUNCTION_TRAPPED')
      assert.ok(first.fingerprint, 'there is no fingerprint')
      assert.equal(second.fingerprint, first.fingerprint)
    },
  },
  P7: {
    text: 'MUST NOT use an instance again that has trapped',
    options: { functions: [functionOf('f', { max: 1 })] },
    run: async (bench) => {
      await bench.within(bench.call('f', 'calls'))
      await bench.within(bench.call('f', 'calls'))
      await bench.call('f', 'trap').catch(() => {})
      assert.equal(replyText(await bench.within(bench.call('f', 'calls'))), '1')
    },
  },
  P8: {
    text: 'MUST use a warm instance again',
    options: { functions: [functionOf('f', { max: 1 })] },
    run: async (bench) => {
      const counts: number[] = []
      for (let nth = 0; nth < 3; nth++) counts.push(Number(replyText(await bench.within(bench.call('f', 'calls')))))
      assert.deepEqual(
        counts,
        counts.map((_, index) => (counts[0] ?? 0) + index),
      )
    },
  },
  P9: {
    text: 'MUST reject a call of a function that is not there with FUNCTION_UNKNOWN',
    run: async (bench) => {
      assert.equal((await bench.failure(bench.call('g', 'echo'))).code, 'FUNCTION_UNKNOWN')
      assert.throws(() => bench.pool.free('g'), { code: 'FUNCTION_UNKNOWN' })
    },
  },
  P10: {
    text: 'MUST take name@version for that version, and a name alone for the newest version',
    options: { functions: [functionOf('f', { version: '10' }), functionOf('f', { version: '9' })] },
    run: async (bench) => {
      const versionOf = async (name: string) => replyText(await bench.within(bench.call(name, 'context'))).split(' ')[2]
      assert.deepEqual([await versionOf('f@9'), await versionOf('f@10'), await versionOf('f')], ['9', '10', '10'])
    },
  },
  P11: {
    text: 'MUST hand over each line that the function writes with function, callId and level, before the call resolves',
    run: async (bench) => {
      await bench.within(bench.call('f', 'print', { callId: 'printing' }))
      const of = (level: string, message: string) => ({ function: 'f', callId: 'printing', level, message })
      assert.deepEqual(bench.lines.slice(0, 3), [
        of('info', 'to stdout'),
        of('warn', 'to stderr'),
        of('debug', 'to the log'),
      ])
    },
  },
} as const satisfies Record<string, PoolRequirement>
