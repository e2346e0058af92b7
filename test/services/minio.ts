/** MinIO, a server that speaks S3 and posts its notifications: built by Go from its source, as it has no binaries any more. */

import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { CREDENTIALS } from './elasticmq.ts'
import { CACHE, launch, portsOf, type ServerKind } from './server.ts'

const PROGRAM = join(CACHE, 'minio/minio')
/** What bucket notifications are sent to, once it is configured as `HG`. */
export const WEBHOOK_ARN = 'arn:minio:sqs::HG:webhook'

/** A server that posts to an address with a token, and keeps what it could not post. */
export const minio = (webhook: { readonly endpoint: string; readonly token: string }): ServerKind => ({
  name: 'minio',
  variable: 'HEADGATE_TEST_MINIO',
  install: 'bash test/services/minio.sh',
  optional: 'Go builds it from its source, for minutes, and only where its proxy gives that',
  async obtain() {
    if (!existsSync(PROGRAM)) throw new Error(`${PROGRAM} is not there`)
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
