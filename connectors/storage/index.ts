/** Storage: files and objects that come and go as events, and events as files and objects. */

import { defineConnector, defineSink, defineSource } from '#connector'
import { storageConfig, storageSinkConfig } from './config.ts'
import { StorageSink } from './sink.ts'
import { createSource } from './source.ts'

export default defineConnector({
  type: 'storage',
  title: 'Storage',
  summary:
    'Tells of files of a directory and of objects of S3 or MinIO that come and go, and writes events as files and objects.',
  stability: 'beta',
  since: '0.1.0',
  source: defineSource({
    config: storageConfig,
    guarantees: { rejected: 'redelivered', order: 'none', catchesUp: true },
    create: (config, context) => createSource(config, context),
  }),
  sink: defineSink({
    config: storageSinkConfig,
    create: (config, context) => new StorageSink(config, context),
  }),
})
