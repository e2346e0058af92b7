/** The options of the storage source and sink. */

import * as z from 'zod'
import { duration, secret, size } from '#connector'

const region = z.string().min(1).optional().describe('Its region. Not given: AWS_REGION, or that of the profile.')
const endpoint = z
  .url({ protocol: /^https?$/, error: 'expected an http:// or https:// URL' })
  .optional()
  .describe('Where S3 is, and SQS with it, when it is not the one of AWS. Not given: as the AWS SDK finds them.')
const bucket = z.string().min(1).describe('The bucket.')

const bucketSource = z.strictObject({
  bucket,
  queue: z
    .string()
    .min(1)
    .optional()
    .describe(
      'The SQS queue that gets its notifications, from S3 itself, through SNS or through EventBridge: name, URL or ARN. Not given: the one that the notifications of the bucket are set to.',
    ),
  region,
  endpoint,
  visibility: duration().prefault('60s').describe('How long a received notification stays hidden from others.'),
  wait: duration()
    .refine((ms) => ms <= 20_000, { error: 'is longer than 20s' })
    .prefault('20s')
    .describe('How long the queue may wait for notifications before it answers that there are none.'),
})

const webhook = z.strictObject({
  path: z
    .string()
    .regex(/^\/[\w.~/-]*$/, { error: 'expected a path such as /storage/images' })
    .optional()
    .describe('The path of the HTTP face that MinIO posts to. Not given: `/storage/<name of the source>`.'),
  token: secret()
    .refine((text) => text.length >= 8, { error: 'a token has at least 8 characters' })
    .describe('What MinIO sends as `Authorization`: MINIO_NOTIFY_WEBHOOK_AUTH_TOKEN_<id>.'),
})

export const storageConfig = z
  .strictObject({
    directory: z.string().min(1).optional().describe('A directory of this machine, with all below it.'),
    s3: bucketSource.optional().describe('A bucket of S3, or of what speaks like it, by its notifications.'),
    webhook: webhook.optional().describe('Notifications that MinIO posts.'),
    events: z
      .array(z.enum(['created', 'deleted']))
      .min(1)
      .default(['created', 'deleted'])
      .describe('What is told of. A file or object that is written anew is created.'),
    prefix: z.array(z.string().min(1)).default([]).describe('What a path or key begins with: any of these.'),
    suffix: z
      .array(z.string().min(1))
      .default([])
      .describe('What a path or key ends with: any of these.')
      .meta({ examples: [['.jpg', '.png']] }),
    fetch: z
      .boolean()
      .default(false)
      .describe('Whether what was created is the data of its event; else the event says where it is (dataref).'),
    fetch_limit: size()
      .refine((bytes) => bytes <= 64 * 2 ** 20, { error: 'is more than 64MiB' })
      .prefault('1MiB')
      .describe('What is larger is not fetched.'),
    stable: duration()
      .prefault('1s')
      .describe('directory: a file is complete once its size and time of change have been the same for so long.'),
    hidden: z
      .boolean()
      .default(false)
      .describe(
        'directory: whether names that begin with a dot count. Programs write to such names before they rename.',
      ),
    rescan: duration()
      .refine((ms) => ms >= 100, { error: 'is shorter than 100ms' })
      .prefault('5m')
      .describe('directory: how often all of it is looked at, for what the system did not tell of.'),
  })
  .refine(({ directory, s3, webhook: posted }) => [directory, s3, posted].filter(Boolean).length === 1, {
    error: 'expected one of directory, s3 and webhook',
  })
  .refine(({ fetch, webhook: posted }) => !(fetch && posted), {
    error: 'wants directory or s3: a webhook knows no credentials to fetch with',
    path: ['fetch'],
  })

export type StorageConfig = z.output<typeof storageConfig>
export type BucketConfig = z.output<typeof bucketSource>
export type WebhookConfig = z.output<typeof webhook>

export const storageSinkConfig = z
  .strictObject({
    directory: z
      .string()
      .min(1)
      .optional()
      .describe('The directory in which files are written; made when it is missing.'),
    s3: z.strictObject({ bucket, region, endpoint }).optional().describe('The bucket in which objects are put.'),
    path: z
      .string()
      .min(1)
      .optional()
      .describe(
        'Template of the path or key, such as `{type}/{id}.json`. Not given: a name made of source and id. The same path again is written over.',
      ),
    mode: z
      .enum(['structured', 'data'])
      .default('structured')
      .describe('What is written: the whole event as JSON, or its data alone.'),
    timeout: duration().prefault('30s').describe('How long S3 may take to answer.'),
  })
  .refine(({ directory, s3 }) => (directory === undefined) !== (s3 === undefined), {
    error: 'expected one of directory and s3',
  })

export type StorageSinkConfig = z.output<typeof storageSinkConfig>
