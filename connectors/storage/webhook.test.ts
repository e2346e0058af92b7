/** The webhook: who may post, and what is answered. */

import { expect, test } from 'vitest'
import { MemoryCredit, memoryContext } from '#conformance'
import type { CloudEvent } from '#connector'
import { storageConfig } from './config.ts'
import { minioNotification, postNotification, TOKEN } from './harness.ts'
import { createSource } from './source.ts'

async function open(options: object = {}) {
  const events: CloudEvent[] = []
  const credit = new MemoryCredit()
  const config = storageConfig.parse({ webhook: { listen: '127.0.0.1:0', token: TOKEN }, ...options })
  const source = createSource(config, memoryContext({ name: 'images', credit }))
  await source.start(async (event) => {
    if (event.subject === 'refused') throw new Error('on purpose')
    events.push(event)
    return { callId: event.id, duplicate: false, routes: [] }
  }, AbortSignal.timeout(10_000))
  const port = Number(source.address?.split(':')[1])
  const post = (body: unknown, token = TOKEN) => postNotification(port, body, token)
  return { credit, events, port, post, [Symbol.asyncDispose]: () => source.stop() }
}

test('a notification with the token is taken, with another or none it is not', async () => {
  await using webhook = await open()
  expect(await webhook.post(minioNotification('a b/c.txt', 'S1'))).toBe(200)
  expect(webhook.events).toMatchObject([{ type: 'com.amazonaws.s3.ObjectCreated:Put', subject: 'a b/c.txt' }])
  expect(await webhook.post(minioNotification('d', 'S2'), 'another-token')).toBe(401)
  expect((await fetch(`http://127.0.0.1:${webhook.port}/`, { method: 'POST', body: '{}' })).status).toBe(401)
  expect(webhook.events).toHaveLength(1)
})

test('a token of two words is compared as it stands', async () => {
  await using webhook = await open({ webhook: { listen: '127.0.0.1:0', token: 'Basic dXNlcjpwYXNz' } })
  const status = async (authorization: string) =>
    (await fetch(`http://127.0.0.1:${webhook.port}/`, { method: 'HEAD', headers: { authorization } })).status
  expect(await status('Basic dXNlcjpwYXNz')).toBe(200)
  expect(await status('Bearer Basic dXNlcjpwYXNz')).toBe(401)
})

test('what cannot be read is refused for good, what cannot be taken is to be sent again', async () => {
  await using webhook = await open({ suffix: ['.jpg'] })
  expect(await webhook.post('{"Records":')).toBe(400)
  expect(await webhook.post('x'.repeat(5 * 2 ** 20))).toBe(413)
  expect(await webhook.post(minioNotification('left-out.txt', 'S1'))).toBe(200)
  expect(webhook.events).toEqual([])
  webhook.credit.close()
  expect(await webhook.post(minioNotification('a.jpg', 'S2'))).toBe(503)
  webhook.credit.open()
  expect(await webhook.post(minioNotification('a.jpg', 'S2'))).toBe(200)
})

test('what the gateway refuses is told', async () => {
  await using webhook = await open()
  expect(await webhook.post(minioNotification('refused', 'S1'))).toBe(503)
})
