/** Everything that names a queue. */

import { expect, test } from 'vitest'
import { readQueueAddress } from './address.ts'
import { sqsConfig } from './config.ts'

test.each([
  ['jobs', { name: 'jobs' }],
  ['jobs.fifo', { name: 'jobs.fifo' }],
  ['arn:aws:sqs:eu-west-1:123456789012:jobs', { name: 'jobs', region: 'eu-west-1', account: '123456789012' }],
  ['arn:aws-cn:sqs:cn-north-1:123456789012:j.fifo', { name: 'j.fifo', region: 'cn-north-1', account: '123456789012' }],
  ['https://sqs.eu-west-1.amazonaws.com/1/jobs', { name: 'jobs', region: 'eu-west-1' }],
  ['https://vpce-1.sqs.us-east-1.vpce.amazonaws.com/1/jobs', { name: 'jobs', region: 'us-east-1' }],
  ['https://sqs-fips.us-gov-west-1.amazonaws.com/1/jobs', { name: 'jobs', region: 'us-gov-west-1' }],
  ['http://127.0.0.1:9324/000000000000/jobs', { name: 'jobs' }],
])('%s', (text, address) => {
  const url = text.startsWith('http') ? { url: text } : {}
  expect(readQueueAddress(text)).toEqual({ ...address, ...url })
})

test.each(['', 'a b', 'jobs.txt', 'arn:aws:sns:eu-west-1:1:jobs', 'arn:aws:sqs:eu-west-1:1:a b', 'https://host/'])(
  '"%s" is none',
  (text) => {
    expect(readQueueAddress(text)).toBeUndefined()
    expect(sqsConfig.safeParse({ queue: text }).error?.issues[0]?.message).toContain('is no queue')
  },
)

test('max_receives wants a queue to send to', () => {
  const { error } = sqsConfig.safeParse({ queue: 'jobs', max_receives: 3 })
  expect(error?.issues.map(({ message }) => message)).toEqual([expect.stringContaining('wants a dead_letter')])
  expect(sqsConfig.safeParse({ queue: 'jobs', max_receives: 3, dead_letter: 'dead' }).success).toBe(true)
})
