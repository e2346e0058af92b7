/** Kafka: records of topics as events, and events as records. */

import { defineConnector, defineSink, defineSource } from '#connector'
import { kafkaConfig } from './config.ts'
import { KafkaSink } from './sink.ts'
import { kafkaSinkConfig } from './sink-config.ts'
import { KafkaSource } from './source.ts'

export default defineConnector({
  type: 'kafka',
  title: 'Kafka',
  summary: 'Reads topics as a member of a consumer group, and writes events to topics.',
  stability: 'beta',
  since: '0.1.0',
  source: defineSource({
    config: kafkaConfig,
    guarantees: { rejected: 'redelivered', order: 'subject', catchesUp: true },
    create: (config, context) => new KafkaSource(config, context),
  }),
  sink: defineSink({
    config: kafkaSinkConfig,
    create: (config, context) => new KafkaSink(config, context),
  }),
})
