/** What functions ask of the path, where it does not get far. */

import { getEventListeners } from 'node:events'
import { expect, test } from 'vitest'
import { GatewayError } from '../errors.ts'
import type { CloudEvent } from '../event/index.ts'
import { AskedByFunctions } from './asked.ts'

const event: CloudEvent = { specversion: '1.0', id: 'e1', source: '/s', type: 't' }

test('a request that is not accepted waits for no reply any longer, and leaves nothing on the signal of its call', async () => {
  const waiting = new Set<string>()
  const reply = (callId: string, signal: AbortSignal) => {
    waiting.add(callId)
    const { promise, reject } = Promise.withResolvers<never>()
    signal.addEventListener('abort', () => {
      waiting.delete(callId)
      reject(signal.reason)
    })
    return promise
  }
  const full = new GatewayError('JOURNAL_FULL', 'journal (lmdb): writing: it is full')
  const asked = new AskedByFunctions({
    accept: () => Promise.reject(full),
    broker: { mayPublish: () => true, publish: async () => {} },
    calls: { reply, cancel: () => {} },
  })
  const { signal } = new AbortController()
  const caller = { function: 'f', callId: 'c1', attempt: 1, event, deadline: Date.now() + 60_000, signal, asked: 0 }
  await expect(asked.request({ topic: 'ask/x', data: new Uint8Array() }, caller)).rejects.toThrow('it is full')
  expect([waiting.size, getEventListeners(signal, 'abort').length]).toEqual([0, 0])
})
