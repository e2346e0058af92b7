/** The objects of a bucket, as the AWS SDK reaches them. The SDK is loaded with the first one: at rest it costs nothing. */

import type { S3 } from '@aws-sdk/client-s3'
import { GatewayError } from '#connector'
import { reasonOf } from '../sqs/problem.ts'

export interface BucketOptions {
  readonly bucket: string
  readonly region?: string | undefined
  readonly endpoint?: string | undefined
  readonly timeoutMs: number
  /** How often a request is tried in all. */
  readonly attempts: number
}

/** An object's bytes. */
export interface Fetched {
  readonly data: Uint8Array
  readonly type: string | undefined
}

const CONNECT_MS = 5_000
const quiet = (): void => {}
const SILENT = { trace: quiet, debug: quiet, info: quiet, warn: quiet, error: quiet }

export class Bucket {
  readonly name: string
  readonly #options: BucketOptions
  readonly #s3: S3

  private constructor(s3: S3, options: BucketOptions) {
    this.#s3 = s3
    this.#options = options
    this.name = options.bucket
  }

  /** Makes a client without asking for anything. */
  static async prepare(options: BucketOptions): Promise<Bucket> {
    const { S3 } = await import('@aws-sdk/client-s3')
    const { attempts, endpoint, region, timeoutMs } = options
    const agent = { maxSockets: 64, keepAlive: true }
    const s3 = new S3({
      maxAttempts: attempts,
      logger: SILENT,
      // Names of buckets in host names are for AWS alone.
      forcePathStyle: endpoint !== undefined,
      requestHandler: {
        connectionTimeout: CONNECT_MS,
        requestTimeout: timeoutMs,
        throwOnRequestTimeout: true,
        httpAgent: agent,
        httpsAgent: agent,
      },
      ...(region !== undefined && { region }),
      ...(endpoint !== undefined && { endpoint }),
    })
    return new Bucket(s3, options)
  }

  /** Says what is wrong, of this bucket. */
  reason = (thrown: unknown, permissions: string): string =>
    reasonOf(thrown, { what: `bucket "${this.name}"`, permissions, endpoint: this.#options.endpoint })

  /** Resolves once S3 knows the bucket. Rejects with a GatewayError that names what is wrong. */
  async check(owner: string, code: 'SOURCE_UNAVAILABLE' | 'SINK_UNAVAILABLE'): Promise<void> {
    try {
      await this.#s3.headBucket({ Bucket: this.name })
    } catch (thrown) {
      throw new GatewayError(code, `${owner}: connecting: ${this.reason(absent(thrown), 's3:ListBucket')}`)
    }
  }

  /** Resolves with the ARN of the queue that the bucket sends its notifications to; undefined when there is none. */
  async queue(): Promise<string | undefined> {
    const told = await this.#s3.getBucketNotificationConfiguration({ Bucket: this.name })
    return told.QueueConfigurations?.find(({ QueueArn }) => QueueArn !== undefined)?.QueueArn
  }

  /** Resolves with an object's bytes; with nothing when it is larger than `limit`, or is there no longer. */
  async fetch(key: string, version: string | undefined, limit: number): Promise<Fetched | undefined> {
    const asked = { Bucket: this.name, Key: key, ...(version !== undefined && { VersionId: version }) }
    try {
      const { Body, ContentLength = 0, ContentType } = await this.#s3.getObject(asked)
      if (Body === undefined) return undefined
      if (ContentLength > limit) {
        if ('destroy' in Body) Body.destroy()
        return undefined
      }
      return { data: await Body.transformToByteArray(), type: ContentType }
    } catch (thrown) {
      if (thrown instanceof Error && /^(NoSuchKey|NoSuchVersion|NotFound)$/.test(thrown.name)) return undefined
      throw thrown
    }
  }

  /** Resolves once the object is there. */
  async put(key: string, body: Uint8Array, type: string, abortSignal: AbortSignal): Promise<void> {
    await this.#s3.putObject({ Bucket: this.name, Key: key, Body: body, ContentType: type }, { abortSignal })
  }

  close(): void {
    this.#s3.destroy()
  }
}

/** An answer to HEAD has no body, so no name of its error. */
function absent(thrown: unknown): unknown {
  if (!(thrown instanceof Error) || thrown.name !== 'NotFound') return thrown
  return Object.assign(new Error('there is none'), { name: 'NoSuchBucket' })
}
