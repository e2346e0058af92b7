/** PostgreSQL: changes of rows as events, and events as rows. */

import { defineConnector, defineSink, defineSource } from '#connector'
import { postgresConfig } from './config.ts'
import { PostgresSink } from './sink.ts'
import { postgresSinkConfig } from './sink-config.ts'
import { PostgresSource } from './source.ts'

export default defineConnector({
  type: 'postgres',
  title: 'PostgreSQL',
  summary: 'Emits an event for each row that is inserted, updated or deleted, and writes events into a table.',
  stability: 'beta',
  since: '0.1.0',
  source: defineSource({
    config: postgresConfig,
    guarantees: { rejected: 'redelivered', order: 'subject', catchesUp: true },
    create: (config, context) => new PostgresSource(config, context),
  }),
  sink: defineSink({
    config: postgresSinkConfig,
    create: (config, context) => new PostgresSink(config, context),
  }),
})
