/** The three sources of storage: a directory, a bucket, and what MinIO posts. */

import type { Context, Source } from '#connector'
import { createBucketSource } from './bucket-source.ts'
import type { StorageConfig } from './config.ts'
import { DirectorySource } from './directory-source.ts'
import { WebhookSource } from './webhook-source.ts'

/** Makes the source that a configuration asks for; the schema has seen to it that this is one. */
export function createSource(config: StorageConfig, context: Context): Source {
  const { directory, s3, webhook } = config
  if (s3) return createBucketSource(config, s3, context)
  return webhook ? new WebhookSource(config, webhook, context) : new DirectorySource(config, directory ?? '.', context)
}
