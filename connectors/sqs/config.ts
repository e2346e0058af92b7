/** The options of the SQS source and sink. */

import * as z from 'zod'
import { duration } from '#connector'
import { readQueueAddress } from './address.ts'

const HOUR_MS = 3_600_000

const queue = () =>
  z.string().refine((text) => readQueueAddress(text) !== undefined, {
    error: ({ input }) =>
      `"${input}" is no queue; write its name, its URL, or its ARN such as arn:aws:sqs:eu-west-1:123456789012:jobs`,
  })

const region = () =>
  z
    .string()
    .min(1)
    .optional()
    .describe('The region of the queue. Not given: that of its ARN or URL, else AWS_REGION or that of the profile.')

const endpoint = () =>
  z
    .url({ protocol: /^https?$/, error: 'expected an http:// or https:// URL' })
    .optional()
    .describe('Where SQS is, when it is not the one of AWS. Not given: as the AWS SDK finds it (AWS_ENDPOINT_URL_SQS).')

export const sqsConfig = z
  .strictObject({
    region: region(),
    queue: queue()
      .describe('The queue: its name, URL or ARN.')
      .meta({ examples: ['image-processing-queue'] }),
    batch: z.int().min(1).max(10).default(10).describe('Messages asked for at once.'),
    visibility: duration()
      .refine((ms) => ms >= 1_000 && ms <= 12 * HOUR_MS, { error: 'is not between 1s and 12h' })
      .prefault('60s')
      .describe('How long a received message stays hidden from others. Renewed for as long as the gateway has it.'),
    wait: duration()
      .refine((ms) => ms <= 20_000, { error: 'is longer than 20s' })
      .prefault('20s')
      .describe('How long the queue may wait for messages before it answers that there are none.'),
    receivers: z
      .int()
      .min(1)
      .max(32)
      .default(6)
      .describe('Requests for messages at the same time while there is a backlog; else there is one.'),
    max_backoff: duration()
      .refine((ms) => ms >= 1_000 && ms <= 12 * HOUR_MS, { error: 'is not between 1s and 12h' })
      .prefault('5m')
      .describe('The longest that a refused message stays hidden. Begins with 1s and doubles with each time.'),
    max_receives: z
      .int()
      .min(1)
      .max(1_000)
      .optional()
      .describe(
        'After so many times a message that the gateway refuses goes to `dead_letter`. Keep it below the `maxReceiveCount` of a redrive policy.',
      ),
    dead_letter: queue()
      .optional()
      .describe('The queue for messages that the gateway refuses for good, as CloudEvents that say why.'),
    endpoint: endpoint(),
  })
  .refine(({ dead_letter, max_receives }) => max_receives === undefined || dead_letter !== undefined, {
    error: 'max_receives wants a dead_letter: the queue that gets what was refused so often',
    path: ['dead_letter'],
  })

export type SqsConfig = z.output<typeof sqsConfig>

export const sqsSinkConfig = z.strictObject({
  region: region(),
  queue: queue()
    .describe('The queue: its name, URL or ARN.')
    .meta({ examples: ['orders-dead'] }),
  mode: z
    .enum(['structured', 'binary'])
    .default('structured')
    .describe(
      'How an event is written: all of it as JSON in the body, or its data in the body and its attributes as message attributes, of which SQS takes ten.',
    ),
  group: z
    .string()
    .optional()
    .describe(
      'Template of the message group of a FIFO queue, such as `{subject}`. Not given: the attribute partitionkey, else the source.',
    ),
  timeout: duration().prefault('30s').describe('How long SQS may take to answer.'),
  endpoint: endpoint(),
})

export type SqsSinkConfig = z.output<typeof sqsSinkConfig>
