/** The HTTP face: CloudEvents, calls that wait for their reply, and routes by method and path; and webhooks out. */

import { defineConnector, defineSink, defineSource } from '#connector'
import { httpConfig } from './config.ts'
import { HttpSink } from './sink.ts'
import { httpSinkConfig } from './sink-config.ts'
import { HttpSource } from './source.ts'
import { trial } from './trial.ts'

export { type HttpConfig, httpConfig } from './config.ts'
export { HttpSource } from './source.ts'

export default defineConnector({
  type: 'http',
  title: 'HTTP',
  summary:
    'Takes CloudEvents and plain requests over HTTP, answers those that wait with the reply, and delivers events as webhooks.',
  stability: 'beta',
  since: '0.1.0',
  source: defineSource({
    config: httpConfig,
    guarantees: { rejected: 'reported', order: 'none', catchesUp: false },
    create: (config, context) => new HttpSource(config, context),
    trial,
  }),
  sink: defineSink({
    config: httpSinkConfig,
    create: (config, context) => new HttpSink(config, context),
  }),
})
