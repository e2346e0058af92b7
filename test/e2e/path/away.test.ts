/** Who is away when the answer comes gets it later, also when the gateway was restarted in between. */

import { expect, test } from 'vitest'
import { eventually } from '../../services/eventually.ts'
import { type GatewayProcess, startGateway } from '../../services/gateway.ts'
import { sharedByTests } from '../../services/tries.ts'
import { Client, eventOf, HOSTILE, jsonOf, settled, unique } from './client.ts'

const config = `
functions:
  slow: { wasm: ${HOSTILE} }
routes:
  slow: { from: "mqtt:slow/+", to: slow, retry: 3 }
`
let gateway: GatewayProcess
sharedByTests(async () => {
  gateway = await startGateway({ config })
  return () => gateway[Symbol.asyncDispose]()
})

const persistent = (version: 4 | 5, clientId: string) =>
  version === 4
    ? ({ version, clientId, clean: false } as const)
    : ({ version, clientId, clean: false, properties: { sessionExpiryInterval: 3_600 } } as const)

test.each([
  [4, 'nothing'],
  [5, 'nothing'],
  [4, 'a stop and a start'],
  [5, 'a stop and a start'],
  [4, 'a kill and a start'],
  [5, 'a kill and a start'],
] as const)('MQTT version %i: a QoS 1 reply waits for its caller through %s', async (version, between) => {
  const [clientId, callid, replyto] = [unique('caller'), unique('call'), unique('answers')]
  {
    await using caller = await Client.connect(gateway, persistent(version, clientId))
    await caller.subscribe(replyto)
    const asked = eventOf('sleep', { subject: '300', callid, replyto })
    await caller.publish('slow/1', asked, { properties: { contentType: 'application/cloudevents+json' } })
  }
  await settled(gateway, callid)
  if (between === 'a stop and a start') expect((await gateway.terminate()).code).toBe(0)
  if (between === 'a kill and a start') await gateway.kill()
  if (between !== 'nothing') await gateway.restart()
  await using caller = await Client.connect(gateway, persistent(version, clientId))
  expect(jsonOf(await caller.receive(replyto))).toMatchObject({ callid, status: 'ok' })
})

test('work that was under way when the gateway was killed is done after it, and answered', async () => {
  const [clientId, callid, replyto] = [unique('caller'), unique('call'), unique('answers')]
  {
    await using caller = await Client.connect(gateway, persistent(4, clientId))
    await caller.subscribe(replyto)
    await caller.publish('slow/1', eventOf('sleep', { subject: '1500', callid, replyto }))
  }
  await gateway.kill()
  await gateway.restart()
  await using caller = await Client.connect(gateway, persistent(4, clientId))
  await eventually(() => caller.on(replyto).length > 0, { what: 'the reply', withinMs: 30_000 })
  expect(jsonOf(await caller.receive(replyto))).toMatchObject({ callid, status: 'ok' })
})
