/** The sink of a directory: whole files, where they belong and nowhere else. */

import { readdirSync, readFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { memoryContext } from '#conformance'
import { type CloudEvent, parseJsonEvent } from '#connector'
import { storageSinkConfig } from './config.ts'
import { makeDirectory } from './harness.ts'
import { StorageSink } from './sink.ts'
import { toWritten } from './written.ts'

const event: CloudEvent = {
  specversion: '1.0',
  id: '7',
  source: '/shop',
  type: 'order.created',
  subject: 'a/b',
  datacontenttype: 'text/plain',
  data: Buffer.from('hello'),
}

async function open(options: object) {
  const directory = makeDirectory()
  const config = storageSinkConfig.parse({ directory: join(directory.path, 'new/out'), ...options })
  const sink = new StorageSink(config, memoryContext({ name: 'files' }))
  await sink.start(AbortSignal.timeout(10_000))
  return {
    root: join(directory.path, 'new/out'),
    deliver: (one: CloudEvent) => sink.deliver(one, AbortSignal.timeout(10_000)),
    async [Symbol.asyncDispose]() {
      await sink.stop()
      directory[Symbol.dispose]()
    },
  }
}

test('the directory is made, and each event is a file of its own; the same one again is the same file', async () => {
  await using sink = await open({})
  for (const one of [event, event, { ...event, source: '/other' }]) await sink.deliver(one)
  const files = readdirSync(sink.root)
  expect(files).toHaveLength(2)
  const read = files.map((file) => parseJsonEvent(readFileSync(join(sink.root, file))).source)
  expect(read.toSorted()).toEqual(['/other', '/shop'])
})

test('a template makes the path, and mode data writes the data alone', async () => {
  await using sink = await open({ path: '{type}/{subject}-{id}.txt', mode: 'data' })
  await sink.deliver(event)
  expect(readFileSync(join(sink.root, 'order.created/a/b-7.txt'), 'utf8')).toBe('hello')
  expect(readdirSync(join(sink.root, 'order.created/a'))).toEqual(['b-7.txt'])
})

test.each(['../x', '/etc/x', 'a//b', '.', 'a/../../x', '', 'x'.repeat(1_025)])(
  'an event cannot lead to "%s"',
  async (subject) => {
    await using sink = await open({ path: '{subject}' })
    await expect(sink.deliver({ ...event, subject })).rejects.toMatchObject({ code: 'SINK_REJECTED' })
    expect(readdirSync(join(sink.root, '../..'))).toEqual(['new'])
  },
)

test('a path that is a directory is refused for good, and no draft stays', async () => {
  await using sink = await open({ path: '{id}' })
  await mkdir(join(sink.root, '7'))
  await expect(sink.deliver(event)).rejects.toThrow(/^files \(storage\): writing: writing "7": EISDIR/)
  expect(readdirSync(sink.root)).toEqual(['7'])
})

test('an object has the type of what is written', () => {
  expect(toWritten(event, { mode: 'structured' }).type).toBe('application/cloudevents+json')
  expect(toWritten(event, { mode: 'data', path: 'x' })).toEqual({ path: 'x', body: event.data, type: 'text/plain' })
})
