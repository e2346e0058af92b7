/** Replies reach their topics and those who wait. */

import { expect, test } from 'vitest'
import type { CloudEvent } from '../event/index.ts'
import type { ReplyMessage } from './forms.ts'
import { Replies } from './replies.ts'
import type { Reply } from './reply.ts'

const call = (replyform?: string): CloudEvent => ({
  specversion: '1.0',
  id: 'm1',
  source: '/s',
  type: 't',
  extensions: replyform ? { replyform } : {},
})
const reply = (callId = 'c1'): Reply => ({ callId, status: 'ok' })
const never = () => new AbortController().signal

function open() {
  const published: ReplyMessage[] = []
  const replies = new Replies({ publish: async (message) => void published.push(message) })
  return { published, replies }
}

test('a reply goes to its topic and to everyone who waits for that call alone', async () => {
  const { published, replies } = open()
  const waiting = [replies.wait('c1', never()), replies.wait('c1', never())]
  const other = replies.wait('c2', AbortSignal.timeout(20))
  await replies.publish(reply(), call())
  expect(await Promise.all(waiting)).toEqual([reply(), reply()])
  expect(published.map(({ topic }) => topic)).toEqual(['replies/c1'])
  await expect(other).rejects.toThrow()
  expect(replies.waiting).toBe(0)
})

test('an HTTP caller has no topic', async () => {
  const { published, replies } = open()
  const waiting = replies.wait('c1', never())
  await replies.publish(reply(), call('http'))
  expect(await waiting).toEqual(reply())
  expect(published).toEqual([])
})

test('who stops waiting is forgotten', async () => {
  const { replies } = open()
  const gone = new AbortController()
  const waiting = replies.wait('c1', gone.signal)
  gone.abort('gone')
  await expect(waiting).rejects.toBe('gone')
  expect(replies.waiting).toBe(0)
  await expect(replies.wait('c1', gone.signal)).rejects.toBe('gone')
  expect(replies.waiting).toBe(0)
})

test('a repetition gets the reply of the first call under its own callId', async () => {
  const { replies } = open()
  const first = replies.wait('c1', never())
  const again = replies.wait('c2', never())
  replies.follow('c2', 'c1', call('http'))
  await replies.publish(reply(), call('http'))
  expect(await first).toEqual(reply('c1'))
  expect(await again).toEqual(reply('c2'))
  expect(replies.waiting).toBe(0)
})

test('a repetition is answered where it asks for it; on the same topic one message is enough', async () => {
  const { published, replies } = open()
  const asked = (replyto: string, callid = 'c1'): CloudEvent => ({ ...call(), extensions: { callid, replyto } })
  replies.follow('c1', 'c1', asked('here'))
  replies.follow('c1', 'c1', asked('there'))
  replies.follow('c1', 'c1', asked('there'))
  replies.follow('c2', 'c1', asked('elsewhere', 'c2'))
  await replies.publish(reply(), asked('here'))
  const told = published.map(({ topic, payload }) => [topic, JSON.parse(Buffer.from(payload).toString()).callid])
  expect(told.toSorted()).toEqual([
    ['elsewhere', 'c2'],
    ['here', 'c1'],
    ['there', 'c1'],
  ])
  await replies.publish(reply(), asked('here'))
  expect(published).toHaveLength(4)
})

test('an MQTT repetition of a call over HTTP is answered on its topic', async () => {
  const { published, replies } = open()
  replies.follow('c1', 'c1', call('event'))
  await replies.publish(reply(), call('http'))
  expect(published.map(({ topic }) => topic)).toEqual(['replies/c1'])
})

test('a publish that the broker refuses is an error of publish', async () => {
  const replies = new Replies({ publish: () => Promise.reject(new Error('no disk')) })
  await expect(replies.publish(reply(), call())).rejects.toThrow('no disk')
})
