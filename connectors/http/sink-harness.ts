/** What the tests of the HTTP sink share: a receiver on the loopback, and a sink that delivers to it. */

import type { LookupFunction } from 'node:net'
import { MemoryLog, memoryContext } from '#conformance'
import { type CloudEvent, GatewayError } from '#connector'
import { Receiver, type Script } from '../../test/services/receiver.ts'
import { HttpSink } from './sink.ts'
import { httpSinkConfig } from './sink-config.ts'

export const event: CloudEvent = {
  specversion: '1.0',
  id: 'e1',
  source: '/shop',
  type: 'order.placed',
  datacontenttype: 'application/json',
  data: new TextEncoder().encode('{ "n": 1 }'),
}

export const never = new AbortController().signal

/** A receiver and a sink that delivers to it. */
export async function open(script?: Script, options: object = {}, lookup?: LookupFunction) {
  const receiver = await Receiver.open(script)
  const log = new MemoryLog()
  const config = httpSinkConfig.parse({ url: receiver.url, allow: ['127.0.0.1'], ...options })
  const sink = new HttpSink(config, memoryContext({ name: 'billing', log }), lookup)
  await sink.start(never)
  return {
    receiver,
    sink,
    log,
    deliver: (given = event, signal = never) => sink.deliver(given, signal),
    fails: async (given = event, signal = never): Promise<GatewayError> => {
      const error = await sink.deliver(given, signal).then(
        () => undefined,
        (thrown: unknown) => thrown,
      )
      if (error instanceof GatewayError) return error
      throw new Error(`a GatewayError was expected, not ${error}`)
    },
    async [Symbol.asyncDispose]() {
      await sink.stop()
      await receiver[Symbol.asyncDispose]()
    },
  }
}
