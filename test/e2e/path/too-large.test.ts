/** An event that the journal could never hold, over each way in: refused for good, and nothing waits behind it. */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import mqtt from 'mqtt'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createGateway, type EmbeddedGateway } from '../../../src/index.ts'
import { eventually } from '../../services/eventually.ts'

const LARGE = Buffer.alloc(100 * 1_024, 7)
const QUOTA_EXCEEDED = 0x97

interface Letter {
  readonly id: string
  readonly route: string
  readonly error: { readonly code: string; readonly message: string }
  readonly event: Readonly<Record<string, unknown>>
}

describe.each([{ memory: false }, { memory: true }])('%j', ({ memory }) => {
  const data = mkdtempSync(join(tmpdir(), 'headgate-large-'))
  const files = join(data, 'files')
  let gateway: EmbeddedGateway
  let client: mqtt.MqttClient
  const heard: string[] = []

  beforeAll(async () => {
    mkdirSync(files)
    const config = {
      broker: { listen: ['tcp://127.0.0.1:0'], path: join(data, 'broker') },
      http: { listen: '127.0.0.1:0' },
      admin: { listen: '127.0.0.1:0' },
      log: { level: 'error' },
      journal: { path: join(data, 'journal'), memory, max_size: '64KiB' },
      sources: { files: { storage: { directory: files, fetch: true, stable: '0s', events: ['created'] } } },
      routes: { all: { from: ['program', 'http', 'files', 'mqtt:in/#'], to: 'mqtt:out' } },
    }
    gateway = await createGateway({ yaml: JSON.stringify(config) })
    await gateway.start()
    const address = gateway.addresses.get('mqtt')?.replace('tcp:', 'mqtt:') ?? ''
    client = await mqtt.connectAsync(address, { protocolVersion: 5 })
    client.on('message', (_, payload) => void heard.push(payload.toString()))
    await client.subscribeAsync('out')
  })

  afterAll(async () => {
    await client.endAsync(true)
    await gateway.stop()
    rmSync(data, { recursive: true, force: true })
  })

  const admin = (path: string, body?: object) =>
    fetch(`${gateway.addresses.get('admin')}/admin/${path}`, {
      ...(body && { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    })
  const letters = async (): Promise<readonly Letter[]> =>
    ((await (await admin('dead-letters')).json()) as { items: Letter[] }).items
  const hears = (text: string) => eventually(() => heard.includes(text), { what: text, withinMs: 30_000 })

  test('HTTP: 413, and no time after which to try again', async () => {
    const post = (body: Buffer) =>
      fetch(`${gateway.addresses.get('http')}/events`, {
        method: 'POST',
        body: new Uint8Array(body),
        headers: { 'ce-specversion': '1.0', 'ce-id': `${body.length}`, 'ce-source': '/s', 'ce-type': 't' },
      })
    const response = await post(LARGE)
    expect([response.status, response.headers.get('retry-after')]).toEqual([413, null])
    expect(await response.json()).toMatchObject({
      code: 'EVENT_TOO_LARGE',
      detail: expect.stringContaining('the journal holds 65536 at most'),
    })
    expect((await post(Buffer.from('by http'))).status).toBe(202)
    await hears('by http')
  })

  test('MQTT 5: a reason with the acknowledgement, and the connection goes on', async () => {
    const refused = await client.publishAsync('in/a', LARGE, { qos: 1 }).catch((error: unknown) => error)
    expect(refused).toMatchObject({ code: QUOTA_EXCEEDED })
    await client.publishAsync('in/a', 'by mqtt', { qos: 1 })
    await hears('by mqtt')
    expect(client.connected).toBe(true)
  })

  test('a program: it rejects', async () => {
    const event = { id: 'large', source: '/s', type: 't', data: LARGE }
    await expect(gateway.emit(event)).rejects.toMatchObject({ code: 'EVENT_TOO_LARGE' })
  })

  test('a source: what comes after it goes on, and what is left of it is a dead letter that says so', async () => {
    writeFileSync(join(files, 'a.txt'), LARGE)
    await eventually(async () => (await letters()).length === 1, { what: 'the dead letter', withinMs: 30_000 })
    writeFileSync(join(files, 'b.txt'), 'by file')
    await hears('by file')
    const [letter] = await letters()
    expect(letter).toMatchObject({
      route: '(offer)',
      error: {
        code: 'EVENT_TOO_LARGE',
        message: expect.stringContaining(`its ${LARGE.length} bytes of data were not`),
      },
      event: { type: 'headgate.storage.created', refusedbytes: LARGE.length, subject: 'a.txt' },
    })
    expect(letter?.event).not.toHaveProperty('bytes')
  })

  test('no route takes what is left of it for the event: redriven it dies again, with its data it is delivered', async () => {
    const [letter] = await letters()
    const before = heard.length
    expect((await admin('dead-letters/redrive', { filter: { ids: [letter?.id] } })).status).toBe(200)
    await eventually(async () => (await letters()).length === 1, { what: 'it is dead again', withinMs: 30_000 })
    const resend = (bytes: Buffer) => admin('dead-letters/resend', { id: letter?.id, data: bytes.toString('base64') })
    expect((await resend(LARGE)).status).toBe(413)
    expect((await resend(Buffer.from('cut short'))).status).toBe(200)
    await hears('cut short')
    expect(heard.slice(before)).toEqual(['cut short'])
    expect(await letters()).toHaveLength(1)
  })
})
