/** Callers are told that an instance was made for their call: over HTTP, by MQTT 5 and by 3.1.1, journaled or not, of an answer and of an error. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type GatewayProcess, ROOT, startGateway } from '../../services/gateway.ts'
import { Client, eventOf, HOSTILE, jsonOf, post, request, unique } from './client.ts'

const guest = (name: string) => `${ROOT}/test/functions/guests/${name}/${name}.wasm`
/** Each is cold once, and so each is for one test. */
const ways = ['http', 'mqtt5', 'envelope', 'event'].flatMap((form) =>
  ['direct', 'journaled'].flatMap((how) => ['answer', 'error'].map((what) => ({ form, how, what }))),
)
type Way = (typeof ways)[number]
const nameOf = ({ form, how, what }: Way) => `${form}-${how}-${what}`
/** An envelope has parameters for a program, and no place for the type of an event. */
const wasmOf = ({ form }: Way) => (form === 'envelope' ? guest('hostile-program') : HOSTILE)

const config = `
functions:
${ways.map((way) => `  ${nameOf(way)}: { wasm: ${wasmOf(way)}, pool: { min: 0 } }`).join('\n')}
  waits: { wasm: ${guest('reach')}, pool: { min: 0 }, allow: { kv: [things] } }
  trapped: { wasm: ${HOSTILE}, pool: { min: 0 } }
routes:
${ways.map((way) => `  ${nameOf(way)}: { from: "mqtt:${nameOf(way)}", to: ${nameOf(way)}, retry: 0 }`).join('\n')}
`
let gateway: GatewayProcess
beforeAll(async () => {
  gateway = await startGateway({ config })
})
afterAll(() => gateway[Symbol.asyncDispose]())

/** What a call was answered with, as far as it is told in that form. */
interface Told {
  readonly cold: unknown
  readonly status: unknown
}

const typeOf = ({ what }: Way) => (what === 'error' ? 'reject' : 'echo')

async function overHttp(way: Way): Promise<Told> {
  // A call that has a name is journaled.
  const named = way.how === 'journaled' ? { callid: unique('call') } : {}
  const { headers, status } = await post(gateway.http, `/call/${nameOf(way)}`, eventOf(typeOf(way), named), {
    'content-type': 'application/cloudevents+json',
  })
  return { cold: headers.get('headgate-cold') ?? undefined, status: status < 400 ? 'ok' : 'error' }
}

/** At QoS 0 a call skips the journal. */
const qosOf = ({ how }: Way) => (how === 'direct' ? 0 : 1)

async function overMqtt5(way: Way): Promise<Told> {
  await using client = await Client.connect(gateway)
  const responseTopic = unique('inbox')
  await client.subscribe(responseTopic)
  const properties = { responseTopic, contentType: 'application/cloudevents+json' }
  await client.publish(nameOf(way), eventOf(typeOf(way)), { qos: qosOf(way), properties })
  const { user } = await client.receive(responseTopic)
  return { cold: user['cold'], status: user['status'] }
}

async function overMqtt3(way: Way): Promise<Told> {
  await using client = await Client.connect(gateway, { version: 4 })
  const [callId, replyTo] = [unique('call'), unique('answers')]
  await client.subscribe(replyTo)
  const asEvent = eventOf(typeOf(way), { callid: callId, replyto: replyTo })
  await client.publish(nameOf(way), asEvent, { qos: qosOf(way) })
  const { cold, status } = jsonOf(await client.receive(replyTo))
  return { cold, status }
}

async function byEnvelope(way: Way): Promise<Told> {
  await using client = await Client.connect(gateway, { version: 4 })
  const [callId, replyTo] = [unique('call'), unique('answers')]
  await client.subscribe(replyTo)
  const parameters = way.what === 'error' ? { type: 'exit', subject: '65' } : { type: 'echo', subject: '' }
  await client.publish(`service/${nameOf(way)}`, { callId, replyTo, body: { parameters } }, { qos: qosOf(way) })
  const { cold, status } = jsonOf(await client.receive(replyTo))
  return { cold, status }
}

const FORMS: Readonly<Record<string, (way: Way) => Promise<Told>>> = {
  http: overHttp,
  mqtt5: overMqtt5,
  envelope: byEnvelope,
  event: overMqtt3,
}
/** What stands for it: text in a header and in a user property, a boolean in JSON. */
const TRUE: Readonly<Record<string, unknown>> = { http: 'true', mqtt5: 'true', envelope: true, event: true }

describe.each(ways)('$form, $how: $what', (way) => {
  test('says that the first was cold, and nothing of one that found an instance', async () => {
    const status = way.what === 'answer' ? 'ok' : 'error'
    const ask = FORMS[way.form]
    expect(await ask?.(way)).toEqual({ cold: TRUE[way.form], status })
    // Where the first took long, the second may run in another worker, which makes an instance of its own.
    const others = [await ask?.(way), await ask?.(way)]
    expect(others).toContainEqual({ cold: undefined, status })
  })
})

const failing = (name: string, type: string) =>
  post(gateway.http, `/call/${name}`, eventOf(type, { subject: 'others a' }), {
    'content-type': 'application/cloudevents+json',
  })

test.each([
  ['one that traps', 'trapped', 'trap'],
  ['one that may wait for the gateway', 'waits', 'kv.get'],
])('%s says so as well, and is counted', async (_, name, type) => {
  const { headers, status } = await failing(name, type)
  expect([status >= 400, headers.get('headgate-cold')]).toEqual([true, 'true'])
  const { text } = await request(gateway.admin, '/metrics')
  expect(text).toContain(`wasm_function_cold_starts_total{function="${name}"} 1`)
})
