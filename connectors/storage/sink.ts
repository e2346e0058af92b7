/** Writes events as files, or puts them as objects. */

import { mkdir, open, rename, rm } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { type CloudEvent, type Context, Deadline, type ErrorOptions, GatewayError, type Sink, uuidv7 } from '#connector'
import { isForGood, retryAfterOf } from '../sqs/problem.ts'
import type { StorageSinkConfig } from './config.ts'
import { Bucket } from './objects.ts'
import { toWritten, type Written } from './written.ts'

/** Errors of a file system that come of the name alone; time or an operator may cure the others. */
const FOR_GOOD = /^(EISDIR|ENAMETOOLONG|EINVAL|ENOTEMPTY)$/

export class StorageSink implements Sink {
  readonly #config: StorageSinkConfig
  readonly #owner: string
  readonly #ending = new AbortController()
  #bucket: Bucket | undefined
  #root: string | undefined

  constructor(config: StorageSinkConfig, context: Context) {
    this.#config = config
    this.#owner = `${context.name} (storage)`
  }

  /** Rejects with SINK_UNAVAILABLE that names the bucket or directory, and what is wrong with it. */
  async start(_signal: AbortSignal): Promise<void> {
    const { directory, s3, timeout } = this.#config
    if (s3) {
      const bucket = await Bucket.prepare({ ...s3, timeoutMs: timeout, attempts: 1 })
      try {
        await bucket.check(this.#owner, 'SINK_UNAVAILABLE')
      } catch (error) {
        bucket.close()
        throw error
      }
      this.#bucket = bucket
      return
    }
    const root = resolve(directory ?? '.')
    await mkdir(root, { recursive: true }).catch((thrown: unknown) => {
      const why = thrown instanceof Error ? thrown.message : thrown
      throw new GatewayError('SINK_UNAVAILABLE', `${this.#owner}: opening directory "${directory}": ${why}`)
    })
    this.#root = root
  }

  /**
   * Resolves once the file is on disk under its name, or the bucket has the object. Rejects with SINK_REJECTED what
   * makes no path or what S3 will never take, else with SINK_UNAVAILABLE.
   */
  async deliver(event: CloudEvent, signal: AbortSignal): Promise<void> {
    const [bucket, root] = [this.#bucket, this.#root]
    if (this.#ending.signal.aborted || (bucket === undefined && root === undefined))
      throw this.#error('SINK_UNAVAILABLE', 'it is stopped')
    if (signal.aborted) throw this.#error('SINK_UNAVAILABLE', 'there was no time left')
    const written = this.#written(event)
    if (bucket) await this.#put(bucket, written, signal)
    else if (root !== undefined) await this.#write(root, written)
  }

  /** What is under way ends. */
  async stop(): Promise<void> {
    this.#ending.abort()
    this.#bucket?.close()
    this.#bucket = undefined
    this.#root = undefined
  }

  async #put(bucket: Bucket, { body, path, type }: Written, signal: AbortSignal): Promise<void> {
    // The client has a time of its own.
    const work = new Deadline(Number.POSITIVE_INFINITY, signal, this.#ending.signal)
    try {
      await bucket.put(path, body, type, work.signal)
    } catch (thrown) {
      const why = bucket.reason(thrown, 's3:PutObject')
      const retryAfterMs = retryAfterOf(thrown)
      if (isForGood(thrown)) throw this.#error('SINK_REJECTED', why, { fingerprint: 's3' })
      throw this.#error('SINK_UNAVAILABLE', why, retryAfterMs === undefined ? {} : { retryAfterMs })
    } finally {
      work.end()
    }
  }

  /** Under a name of its own first: who looks sees the whole file or none, also after a power cut. */
  async #write(root: string, { body, path }: Written): Promise<void> {
    const file = join(root, path)
    const folder = dirname(file)
    const draft = join(folder, `.${uuidv7()}.tmp`)
    try {
      await mkdir(folder, { recursive: true })
      await synced(draft, 'wx', (handle) => handle.writeFile(body))
      await rename(draft, file)
      await synced(folder, 'r', async () => {})
    } catch (thrown) {
      await rm(draft, { force: true }).catch(() => {})
      const { code = '', message } = (
        thrown instanceof Error ? thrown : new Error(`${thrown}`)
      ) as NodeJS.ErrnoException
      const why = `writing "${path}": ${message}`
      throw this.#error(FOR_GOOD.test(code) ? 'SINK_REJECTED' : 'SINK_UNAVAILABLE', why, {
        fingerprint: `file ${code}`,
      })
    }
  }

  #written(event: CloudEvent): Written {
    try {
      return toWritten(event, this.#config)
    } catch (cause) {
      throw this.#error('SINK_REJECTED', cause instanceof Error ? cause.message : `${cause}`, { fingerprint: 'path' })
    }
  }

  #error(code: 'SINK_REJECTED' | 'SINK_UNAVAILABLE', why: string, options: ErrorOptions = {}): GatewayError {
    return new GatewayError(code, `${this.#owner}: writing: ${why}`, options)
  }
}

/** Resolves once what was done with a file, or what a directory holds, is on disk. */
async function synced(
  path: string,
  flags: 'wx' | 'r',
  use: (handle: Awaited<ReturnType<typeof open>>) => Promise<void>,
): Promise<void> {
  await using handle = await open(path, flags)
  await use(handle)
  await handle.sync()
}
