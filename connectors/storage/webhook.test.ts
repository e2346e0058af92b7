/** The webhook: who may post, and what is answered. */

import { expect, test } from 'vitest'
import { MemoryCredit, MemoryHooks, memoryContext } from '#conformance'
import type { CloudEvent } from '#connector'
import { storageConfig } from './config.ts'
import { minioNotification, notify, TOKEN } from './harness.ts'
import { createSource } from './source.ts'

async function open(options: object = {}) {
  const events: CloudEvent[] = []
  const credit = new MemoryCredit()
  const hooks = new MemoryHooks()
  const config = storageConfig.parse({ webhook: { token: TOKEN }, ...options })
  const source = createSource(config, memoryContext({ name: 'images', credit, hooks }))
  await source.start(async (event) => {
    if (event.subject === 'refused') throw new Error('on purpose')
    events.push(event)
    return { callId: event.id, duplicate: false, routes: [] }
  }, AbortSignal.timeout(10_000))
  const path = '/storage/images'
  const post = (body: unknown, more: object = {}) => notify(hooks, body, { path, ...more })
  return { credit, events, hooks, post, [Symbol.asyncDispose]: () => source.stop() }
}

test('a notification with the token is taken, with another or none it is not', async () => {
  await using webhook = await open()
  expect(await webhook.post(minioNotification('a b/c.txt', 'S1'))).toBe(200)
  expect(webhook.events).toMatchObject([{ type: 'com.amazonaws.s3.ObjectCreated:Put', subject: 'a b/c.txt' }])
  for (const authorization of ['Bearer another-token', TOKEN, ''])
    expect(await webhook.post(minioNotification('d', 'S2'), { authorization })).toBe(401)
  expect(webhook.events).toHaveLength(1)
})

test('a token of two words is compared as it stands', async () => {
  await using webhook = await open({ webhook: { token: 'Basic dXNlcjpwYXNz' } })
  const status = (authorization: string) => webhook.post('', { method: 'HEAD', authorization })
  expect(await status('Basic dXNlcjpwYXNz')).toBe(200)
  expect(await status('Bearer Basic dXNlcjpwYXNz')).toBe(401)
})

test('what cannot be read is refused for good, what cannot be taken is to be sent again', async () => {
  await using webhook = await open({ suffix: ['.jpg'] })
  expect(await webhook.post('{"Records":')).toBe(400)
  expect(await webhook.post('', { method: 'PUT' })).toBe(405)
  expect(await webhook.post(minioNotification('left-out.txt', 'S1'))).toBe(200)
  expect(webhook.events).toEqual([])
  webhook.credit.close()
  expect(await webhook.post(minioNotification('a.jpg', 'S2'))).toBe(503)
  webhook.credit.open()
  expect(await webhook.post(minioNotification('a.jpg', 'S2'))).toBe(200)
})

test('what the gateway refuses is told, and a path is free once the source has stopped', async () => {
  const webhook = await open({ webhook: { token: TOKEN, path: '/minio' } })
  const path = '/minio'
  expect(await webhook.post(minioNotification('refused', 'S1'), { path })).toBe(503)
  await webhook[Symbol.asyncDispose]()
  expect(webhook.hooks.find(path)).toBeUndefined()
})
