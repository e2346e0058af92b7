/** Options of connections and of the sink: each changes what it says. */

import { expect, test } from 'vitest'
import { memoryContext } from '#conformance'
import type { CloudEvent } from '#connector'
import { eventually } from '../../test/services/eventually.ts'
import { POSTGRES } from '../../test/services/postgres.ts'
import { Database } from '../../test/services/postgres-database.ts'
import { gateOf } from '../../test/services/postgres-gate.ts'
import { Relay } from '../../test/services/relay.ts'
import { describeServers } from '../../test/services/server.ts'
import { Wire } from '../../test/services/wire.ts'
import { Face } from './face.ts'
import { PostgresSink } from './sink.ts'
import { postgresSinkConfig } from './sink-config.ts'

const event = (id: string): CloudEvent => ({ specversion: '1.0', id, source: '/s', type: 't' })

const through = (relay: Relay, url: string): string => {
  const changed = new URL(url)
  changed.host = relay.address
  return changed.href
}

async function sinkOf(options: object) {
  const sink = new PostgresSink(postgresSinkConfig.parse(options), memoryContext({ name: 'rows' }))
  await sink.start(AbortSignal.timeout(30_000))
  return Object.assign(sink, { [Symbol.asyncDispose]: () => sink.stop() })
}

await describeServers([POSTGRES], 'postgres, options', ({ address }) => {
  test.each([
    ['source', (url: string) => new Face({ url, tables: { t: ['insert'] }, connect_timeout: '1s' }).start()],
    ['sink', (url: string) => sinkOf({ url, connect_timeout: '1s' })],
  ])('connect_timeout of a %s ends an attempt that is not answered', async (_, start) => {
    const wire = new Wire()
    wire.isSilent = true
    await using relay = await Relay.open(address, { between: wire.between })
    const began = performance.now()
    await expect(start(through(relay, address))).rejects.toThrow(/no answer from .*timeout/)
    expect(performance.now() - began).toBeLessThan(8_000)
  })

  test('timeout of a sink ends an attempt that is not answered', async () => {
    await using database = await Database.open(address)
    await using relay = await Relay.open(address, { between: gateOf('headgate', () => new Promise(() => {})) })
    await using sink = await sinkOf({ url: through(relay, database.url), timeout: '1s' })
    await expect(sink.deliver(event('1'), AbortSignal.timeout(30_000))).rejects.toThrow(/no answer within 1000 ms/)
  })

  test('max_connections is how many rows are written at once', async () => {
    await using database = await Database.open(address)
    let writing = 0
    const gate = Promise.withResolvers<void>()
    const between = gateOf('headgate', () => {
      writing += 1
      return gate.promise
    })
    await using relay = await Relay.open(address, { between })
    await using sink = await sinkOf({ url: through(relay, database.url), max_connections: 3 })
    const deliveries = Array.from({ length: 12 }, (_, id) => sink.deliver(event(`${id}`), AbortSignal.timeout(30_000)))
    await eventually(() => writing === 3, { what: 'three are written', detail: () => `${writing}` })
    expect(relay.connections).toBe(3)
    gate.resolve()
    await Promise.all(deliveries)
    expect(relay.connections).toBe(3)
  })

  test('create: false wants the table there', async () => {
    await using database = await Database.open(address)
    const start = () => sinkOf({ url: database.url, table: 'facts', create: false })
    await expect(start()).rejects.toMatchObject({ code: 'SINK_UNAVAILABLE', message: expect.stringContaining('facts') })
    await (await sinkOf({ url: database.url, table: 'facts' })).stop()
    await using sink = await start()
    await sink.deliver(event('1'), AbortSignal.timeout(30_000))
    expect(await database.query('select id from facts')).toEqual([{ id: '1' }])
  })
})
