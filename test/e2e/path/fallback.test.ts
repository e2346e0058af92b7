/** Fallbacks and default routes on a real gateway: who gets what was given up, what its caller hears, what `why` says. */

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { eventually } from '../../services/eventually.ts'
import { type GatewayProcess, startGateway } from '../../services/gateway.ts'
import { sharedByTests } from '../../services/tries.ts'
import { Client, eventOf, HOSTILE, post, postEvent, request, settled, unique } from './client.ts'

const config = `
functions:
  hostile: { wasm: ${HOSTILE}, pool: { min: 1, max: 4 } }
  second: { wasm: ${HOSTILE}, pool: { min: 1, max: 4 } }
  echo: FUNCTIONS/echo/echo.wasm
routes:
  orders:
    from: "mqtt:orders/+"
    to: hostile
    retry: { max: 1, delay: 20ms, jitter: none }
    fallback: echo
    dead_letter: "mqtt:dead/{id}"
  hopeless: { from: "mqtt:hopeless/+", to: hostile, retry: 0, fallback: second, dead_letter: "mqtt:dead/{id}" }
  quotes: { from: "http:POST /quotes", to: hostile, retry: 0, fallback: echo }
  durable: { from: "http:POST /durable", to: hostile, retry: 0, fallback: echo, delivery: durable }
  others: { from: [http, "mqtt:orders/#"], default: true, to: "mqtt:strange/{id}" }
`
let gateway: GatewayProcess
sharedByTests(async () => {
  gateway = await startGateway({ config })
  return () => gateway[Symbol.asyncDispose]()
})

const CLOUDEVENT = { properties: { contentType: 'application/cloudevents+json' } }

describe('a fallback', () => {
  test('does what was given up, once, after the last retry; why and the metrics say so', async () => {
    await using client = await Client.connect(gateway)
    const event = eventOf('trap', { data: { n: 1 } })
    await client.publish('orders/1', event, CLOUDEVENT)
    expect((await settled(gateway, `${event['id']}`)).deliveries).toMatchObject([
      {
        to: 'hostile',
        status: 'done',
        attempts: 2,
        fallback: 'echo',
        error: { code: 'FUNCTION_TRAPPED' },
        answer: { data: { n: 1 } },
      },
    ])
    const { text } = await request(gateway.admin, '/metrics')
    expect(text).toContain('headgate_fallbacks_total{route="orders",fallback="echo"} 1\n')
  })

  test('that fails, too, leaves a dead letter of the first error', async () => {
    await using client = await Client.connect(gateway)
    const event = eventOf('reject')
    await client.subscribe('dead/+')
    await client.publish('hopeless/1', event, CLOUDEVENT)
    const [delivery] = (await settled(gateway, `${event['id']}`)).deliveries
    expect(delivery).toMatchObject({ status: 'dead', attempts: 1, error: { code: 'FUNCTION_REJECTED' } })
    expect(delivery?.error?.message).toMatch(/no items; its fallback "second": .*no items/)
    const copy = await client.receive(`dead/${event['id']}`)
    expect(copy.user).toMatchObject({ deadlettercode: 'BAD_ORDER', deadletterfunction: 'hostile' })
  })

  test.each(['quotes', 'durable'])('answers the caller that waits: /%s', async (path) => {
    const answer = await post(gateway.http, `/${path}`, '{"n":1}', { 'ce-type': 'trap', ...HEAD() })
    expect(answer).toMatchObject({ status: 200, text: '{"n":1}' })
  })
})

const HEAD = () => ({ 'ce-specversion': '1.0', 'ce-id': unique('call'), 'ce-source': '/test' })

describe('a default route', () => {
  const takers = async (event: Record<string, unknown>) => {
    await postEvent(gateway, event)
    return (await settled(gateway, `${event['id']}`)).deliveries.map(({ route }) => route)
  }

  test('takes what no other takes; explain says whose an event is', async () => {
    expect(await takers(eventOf('nobody'))).toEqual(['others'])
    await using client = await Client.connect(gateway)
    const event = eventOf('echo', { data: 1 })
    await client.publish('orders/1', event, CLOUDEVENT)
    const held = await settled(gateway, `${event['id']}`)
    expect(held.deliveries.map(({ route }) => route)).toEqual(['orders'])
    const { verdicts } = held as unknown as { verdicts: readonly { route: string }[] }
    expect(verdicts.find(({ route }) => route === 'others')).toEqual({
      route: 'others',
      takes: false,
      clause: 'default',
      saw: 'orders',
    })
  })

  test('is taken away and put back by a reload', async () => {
    const file = join(gateway.folder, 'headgate.yaml')
    const whole = readFileSync(file, 'utf8')
    const generation = async () =>
      Number(/# generation (\d+)/.exec((await request(gateway.admin, '/admin/config')).text)?.[1])
    const load = async (text: string) => {
      const next = (await generation()) + 1
      writeFileSync(file, text)
      process.kill(gateway.pid, 'SIGHUP')
      await eventually(async () => (await generation()) >= next, { what: `generation ${next}` })
    }
    await load(whole.replace('default: true', 'when: type == "some"'))
    const left = eventOf('nobody')
    await postEvent(gateway, left)
    expect((await request(gateway.admin, `/admin/events/${left['id']}`)).status).toBe(404)
    await load(whole)
    expect(await takers(eventOf('nobody'))).toEqual(['others'])
  })
})
