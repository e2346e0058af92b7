/** The options of a Kafka sink. */

import * as z from 'zod'
import { duration } from '#connector'
import { connectionOptions } from './connection-config.ts'

export const kafkaSinkConfig = z.strictObject({
  ...connectionOptions,
  topic: z
    .string()
    .min(1)
    .describe('Topic to write to; {attribute} stands for an attribute of the event, such as orders.{subject}.'),
  key: z
    .string()
    .min(1)
    .optional()
    .describe(
      'Key of the record, such as {subject}; the partitionkey of the event when not given, and none without that.',
    ),
  mode: z
    .enum(['binary', 'structured'])
    .default('binary')
    .describe('binary: data as value, attributes as ce_ headers. structured: the JSON event format.'),
  compression: z
    .enum(['none', 'gzip', 'snappy', 'lz4', 'zstd'])
    .default('none')
    .describe('How batches are compressed.'),
  timeout: duration()
    .prefault('15s')
    .describe('An attempt that is not answered by then is tried again; the timeout of the route ends it earlier.'),
})

export type KafkaSinkConfig = z.output<typeof kafkaSinkConfig>
