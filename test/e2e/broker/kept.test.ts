/** What the broker keeps is bounded: sessions, retained messages and their bytes. */

import { expect, test } from 'vitest'
import { inbox, RunningBroker, until } from './running.ts'

const KEPT = { protocolVersion: 5, clean: false, properties: { sessionExpiryInterval: 300 } } as const

test('a session beyond the limit is refused; those that are kept, and clients that want none, come in', async () => {
  await using running = await RunningBroker.start({ limits: { max_sessions: 2 } })
  for (const clientId of ['a', 'b']) await (await running.client({ ...KEPT, clientId })).endAsync()
  await expect(running.client({ ...KEPT, clientId: 'c' })).rejects.toMatchObject({ code: 0x88 })
  await expect(running.client({ protocolVersion: 4, clean: false, clientId: 'd' })).rejects.toMatchObject({ code: 3 })
  expect(running.log.map(({ message }) => message).join('\n')).toContain('raise broker.limits.max_sessions')
  await running.client({ ...KEPT, clientId: 'a' })
  await running.client({ clientId: 'e' })
})

for (const [name, limits, what] of [
  ['one more topic', { max_retained: 2 }, 'max_retained'],
  ['one more byte', { max_retained_size: '212B' }, 'max_retained_size'],
] as const)
  test(`retained messages are refused beyond the limit: ${name}; one may be replaced, and be taken away`, async () => {
    await using running = await RunningBroker.start({ limits })
    const five = await running.client({ protocolVersion: 5 })
    const options = { qos: 1, retain: true } as const
    for (const topic of ['kept/1', 'kept/2']) await five.publishAsync(topic, 'x'.repeat(100), options)
    await expect(five.publishAsync('kept/3', 'x', options)).rejects.toMatchObject({ code: 0x97 })
    expect(running.log.map(({ message }) => message).join('\n')).toContain(`raise broker.limits.${what}`)
    await five.publishAsync('kept/3', 'x', { qos: 0, retain: true })
    await five.publishAsync('kept/2', 'y'.repeat(100), options)
    await expect(
      running.broker.publish({ topic: 'kept/3', payload: Buffer.from('x'), qos: 1, retain: true }),
    ).rejects.toMatchObject({ code: 'BROKER_FULL' })
    // MQTT 3 has no way to say no.
    const three = await running.client({ protocolVersion: 4 })
    void three.publishAsync('kept/3', 'x', options).catch(() => {})
    await until(() => !three.connected, 'the connection is closed')
    await five.publishAsync('kept/1', '', options)
    await five.publishAsync('kept/3', 'z', options)
    const reader = await running.client()
    await reader.subscribeAsync('kept/#')
    await until(() => inbox(reader).length === 2, 'what is retained')
    expect(inbox(reader).toSorted()).toEqual([`kept/2 ${'y'.repeat(100)}`, 'kept/3 z'])
  })
