/** MinIO, a server that speaks S3 and posts its notifications: built by Go from its source, as it has no binaries any more. */

import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { CREDENTIALS } from './elasticmq.ts'
import { CACHE, launch, portsOf, type ServerKind } from './server.ts'

const HOME = join(CACHE, 'minio')
const PROGRAM = join(HOME, 'minio')
const BUILD = { GOFLAGS: '-modcacherw', GOMODCACHE: join(HOME, 'mod'), GOCACHE: join(HOME, 'build'), GOBIN: HOME }
/** What bucket notifications are sent to, once it is configured as `HG`. */
export const WEBHOOK_ARN = 'arn:minio:sqs::HG:webhook'

/** A server that posts to an address with a token, and keeps what it could not post. */
export const minio = (webhook: { readonly endpoint: string; readonly token: string }): ServerKind => ({
  name: 'minio',
  variable: 'HEADGATE_TEST_MINIO',
  install: 'apt-get install -y golang-go',
  async obtain() {
    if (existsSync(PROGRAM)) return
    mkdirSync(HOME, { recursive: true })
    const env = { ...process.env, ...BUILD, PATH: `${process.env['PATH']}:/usr/local/go/bin` }
    // Five minutes of one core, once, and two gigabytes that are of no use afterwards.
    await promisify(execFile)('go', ['install', 'github.com/minio/minio@v0.0.0-20260212201848-7aac2a2c5b7c'], {
      env,
      timeout: 1_200_000,
    })
    for (const folder of [BUILD.GOMODCACHE, BUILD.GOCACHE]) rmSync(folder, { recursive: true, force: true })
  },
  async start(folder) {
    const [port = 0, console = 0] = await portsOf(folder, 2)
    const address = `http://127.0.0.1:${port}`
    for (const name of ['data', 'queue']) mkdirSync(join(folder, name), { recursive: true })
    const pid = await launch({
      command: PROGRAM,
      args: [
        'server',
        '--address',
        `127.0.0.1:${port}`,
        '--console-address',
        `127.0.0.1:${console}`,
        join(folder, 'data'),
      ],
      folder,
      env: {
        MINIO_ROOT_USER: CREDENTIALS.AWS_ACCESS_KEY_ID,
        MINIO_ROOT_PASSWORD: CREDENTIALS.AWS_SECRET_ACCESS_KEY,
        MINIO_NOTIFY_WEBHOOK_ENABLE_HG: 'on',
        MINIO_NOTIFY_WEBHOOK_ENDPOINT_HG: webhook.endpoint,
        MINIO_NOTIFY_WEBHOOK_AUTH_TOKEN_HG: webhook.token,
        MINIO_NOTIFY_WEBHOOK_QUEUE_DIR_HG: join(folder, 'queue'),
      },
      answers: async () => (await fetch(`${address}/minio/health/live`)).ok,
    })
    return { address, pid }
  },
})
