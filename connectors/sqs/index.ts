/** SQS: the messages of a queue as events, and events as messages of a queue. */

import { defineConnector, defineSink, defineSource } from '#connector'
import { sqsConfig, sqsSinkConfig } from './config.ts'
import { SqsSink } from './sink.ts'
import { createSource } from './source.ts'

export default defineConnector({
  type: 'sqs',
  title: 'SQS',
  summary: 'Takes messages from an SQS queue, deletes each once it is on disk, and sends events to queues.',
  stability: 'beta',
  since: '0.1.0',
  source: defineSource({
    config: sqsConfig,
    // Of a FIFO queue, the messages of a group come in order; see the README.
    guarantees: { rejected: 'redelivered', order: 'none', catchesUp: true },
    create: createSource,
  }),
  sink: defineSink({
    config: sqsSinkConfig,
    create: (config, context) => new SqsSink(config, context),
  }),
})
