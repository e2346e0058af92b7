/** The HTTP face: CloudEvents, calls that wait for their reply, and routes by method and path. */

import { defineConnector, defineSource } from '#connector'
import { httpConfig } from './config.ts'
import { HttpSource } from './source.ts'

export { type HttpConfig, httpConfig } from './config.ts'
export { HttpSource } from './source.ts'

export default defineConnector({
  type: 'http',
  title: 'HTTP',
  summary: 'Takes CloudEvents and plain requests over HTTP, and answers those that wait with the reply.',
  stability: 'beta',
  since: '0.1.0',
  source: defineSource({
    config: httpConfig,
    guarantees: { rejected: 'reported', order: 'none', catchesUp: false },
    create: (config, context) => new HttpSource(config, context),
  }),
})
