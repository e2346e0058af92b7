/** What the qualities of service mean beside routes, and that topics that no route takes are plain MQTT. */

import { describe, expect, test } from 'vitest'
import { eventually } from '../../services/eventually.ts'
import { type GatewayProcess, startGateway } from '../../services/gateway.ts'
import { sharedByTests } from '../../services/tries.ts'
import { Client, eventOf, held, jsonOf, settled, unique } from './client.ts'

const config = `
functions:
  echo: FUNCTIONS/echo/echo.wasm
routes:
  work: { from: "mqtt:work/+", to: ["mqtt:done/{id}", echo], retry: 0 }
  overlapping: { from: ["mqtt:work/+", "mqtt:work/#", "mqtt:+/+"], when: 'topic.startsWith("work/")', to: "mqtt:echoed/{subject}" }
`
let gateway: GatewayProcess
sharedByTests(async () => {
  gateway = await startGateway({ config })
  return () => gateway[Symbol.asyncDispose]()
})

describe.each([4, 5] as const)('MQTT version %i', (version) => {
  test('QoS 1 and 2 are in the journal when they are acknowledged; QoS 0 goes straight through', async () => {
    await using client = await Client.connect(gateway, { version })
    const properties = version === 5 ? { properties: { contentType: 'application/cloudevents+json' } } : {}
    await client.subscribe('done/#')
    const events = ([0, 1, 2] as const).map((qos) => ({ qos, event: eventOf('t', { data: qos }) }))
    for (const { qos, event } of events) {
      await client.publish('work/1', event, { qos, ...properties })
      const record = await held(gateway, `${event['id']}`)
      if (qos === 0) expect(record).toBeUndefined()
      else expect(record?.deliveries.map(({ to }) => to)).toEqual(expect.arrayContaining(['mqtt:done/{id}', 'echo']))
    }
    for (const { event } of events) {
      await client.receive(`done/${event['id']}`)
      expect(client.on(`done/${event['id']}`)).toHaveLength(1)
    }
  })

  test('a publish whose topic several filters match is one event', async () => {
    await using client = await Client.connect(gateway, { version })
    const word = unique('word')
    await client.subscribe('echoed/#')
    for (const qos of [0, 1] as const) await client.publish(`work/${word}`, `${qos}`, { qos })
    await client.receive(`echoed/work/${word}`, { count: 2 })
    await client.publish(`work/${word}`, 'last')
    await client.receive(`echoed/work/${word}`, { count: 3 })
    expect(
      client
        .on(`echoed/work/${word}`)
        .map(({ text }) => text)
        .toSorted(),
    ).toEqual(['0', '1', 'last'])
  })

  test('subscribers of a topic that a route takes get the message, too', async () => {
    await using client = await Client.connect(gateway, { version })
    const topic = `work/${unique('w')}`
    await client.subscribe(topic)
    await client.publish(topic, 'both')
    expect((await client.receive(topic)).text).toBe('both')
  })

  test('retained messages beside routes', async () => {
    const topics = [`work/${unique('kept')}`, unique('plain/kept')]
    {
      await using client = await Client.connect(gateway, { version })
      for (const topic of topics) await client.publish(topic, `of ${topic}`, { retain: true })
    }
    await using client = await Client.connect(gateway, { version })
    for (const topic of topics) {
      await client.subscribe(topic)
      expect(await client.receive(topic)).toMatchObject({ text: `of ${topic}`, retain: true })
      await client.publish(topic, '', { retain: true })
    }
    await using other = await Client.connect(gateway, { version })
    for (const topic of topics) await other.subscribe(topic)
    await other.publish(topics[1] ?? '', 'live')
    expect(await other.receive(topics[1] ?? '')).toMatchObject({ text: 'live', retain: false })
  })

  test('a will is published when its client dies, on plain topics and on those that a route takes', async () => {
    await using watcher = await Client.connect(gateway, { version })
    const [id, plain] = [unique('will'), unique('plain/gone')]
    await watcher.subscribe('echoed/#')
    await watcher.subscribe(plain)
    for (const topic of [plain, `work/${id}`]) {
      const dying = await Client.connect(gateway, {
        version,
        will: { topic, payload: Buffer.from('gone'), qos: 1, retain: false },
      })
      dying.mqtt.stream.destroy()
    }
    expect((await watcher.receive(plain)).text).toBe('gone')
    expect((await watcher.receive(`echoed/work/${id}`)).text).toBe('gone')
  })
})

test('topics that no route takes are plain publish and subscribe, and leave nothing in the journal', async () => {
  await using client = await Client.connect(gateway)
  const topic = unique('chat/room')
  await client.subscribe(topic, 2)
  const before = await pendingAndEvents()
  for (const qos of [0, 1, 2] as const) await client.publish(topic, `hello ${qos}`, { qos })
  await client.receive(topic, { count: 3 })
  expect(
    client
      .on(topic)
      .map(({ qos, text }) => [qos, text])
      .toSorted(),
  ).toEqual([
    [0, 'hello 0'],
    [1, 'hello 1'],
    [2, 'hello 2'],
  ])
  expect(await pendingAndEvents()).toEqual(before)
})

async function pendingAndEvents(): Promise<unknown> {
  const response = await fetch(`http://127.0.0.1:${gateway.admin}/admin/stats`)
  const { journal } = (await response.json()) as { journal: { events: number } }
  return journal.events
}

test('a binary event of MQTT 5 arrives attribute by attribute, byte by byte', async () => {
  await using client = await Client.connect(gateway)
  const id = unique('binary')
  await client.subscribe(`done/${id}`)
  const userProperties = { specversion: '1.0', id, source: '/s', type: 't', shop: 'grün', subject: 'work/x' }
  await client.publish('work/1', 'bytes', { properties: { contentType: 'text/plain', userProperties } })
  expect(await client.receive(`done/${id}`)).toMatchObject({
    text: 'bytes',
    contentType: 'text/plain',
    user: userProperties,
  })
  expect((await settled(gateway, id)).deliveries).toHaveLength(3)
})

test('what claims to be an event and is none is refused, and its client told', async () => {
  await using client = await Client.connect(gateway)
  const closed = new Promise((resolve) => client.mqtt.once('close', () => resolve('closed')))
  const userProperties = { specversion: '1.0', source: '/s', type: 't' }
  const outcome = client.publish('work/1', 'x', { properties: { userProperties } }).then(
    () => 'acknowledged',
    () => 'refused',
  )
  expect(await Promise.race([outcome, closed])).not.toBe('acknowledged')
  await using watcher = await Client.connect(gateway)
  await watcher.publish('work/1', eventOf('t'), { properties: { contentType: 'application/cloudevents+json' } })
  await eventually(() => gateway.output().includes('id'), { what: 'the log says what was wrong' })
})

test('envelopes on topics that are no service are data like any other', async () => {
  await using client = await Client.connect(gateway, { version: 4 })
  const topic = `work/${unique('data')}`
  await client.subscribe('echoed/#')
  await client.publish(topic, { callId: 'x', replyTo: 'y', body: {} })
  expect(jsonOf(await client.receive(`echoed/${topic}`))).toEqual({ callId: 'x', replyTo: 'y', body: {} })
})
