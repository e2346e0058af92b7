/** The options of a Kafka source. */

import * as z from 'zod'
import { duration, size } from '#connector'
import { connectionOptions } from './connection-config.ts'

/** What a topic may be called (Kafka's own rule). */
export const TOPIC = /^(?!\.{1,2}$)[a-zA-Z0-9._-]{1,249}$/

const topic = z.string().regex(TOPIC, {
  error: ({ input }) => `"${input}" is not a topic; its characters are a-z, A-Z, 0-9, dot, dash and underscore`,
})

export const kafkaConfig = z
  .strictObject({
    ...connectionOptions,
    group: z
      .string()
      .min(1)
      .describe('Consumer group, which keeps the offsets; gateways in one group share the partitions.'),
    topics: z.array(topic).min(1).optional().describe('Topics to read.'),
    topic: topic.optional().describe('The one topic to read, in place of `topics`.'),
    from: z
      .enum(['beginning', 'end'])
      .default('beginning')
      .describe(
        'Where to begin in a partition for which the group holds no offset. end: with what comes after the first start.',
      ),
    buffer: size()
      .prefault('16MiB')
      .describe('Records held in memory that are not accepted yet; nothing more is fetched above that.'),
    session_timeout: duration()
      .refine((ms) => ms >= 1_000, { error: 'is shorter than 1s' })
      .prefault('30s')
      .describe('A gateway that was not heard of for this long loses its partitions to the others in the group.'),
  })
  .superRefine(({ topic: one, topics }, context) => {
    if ((one === undefined) === (topics === undefined))
      context.addIssue({ code: 'custom', path: ['topics'], message: 'write topics, or topic' })
  })

export type KafkaConfig = z.output<typeof kafkaConfig>

/** The topics that a source reads, each once. */
export const topicsOf = ({ topic: one, topics = [] }: KafkaConfig): readonly string[] => [
  ...new Set(one === undefined ? topics : [one]),
]
