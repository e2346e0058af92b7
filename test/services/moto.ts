/** moto, a server that speaks S3, SQS and EventBridge, and sends a bucket's notifications: from PyPI, on Python 3. */

import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { CACHE, launch, portsOf, type ServerKind } from './server.ts'

const HOME = join(CACHE, 'moto')
const SERVER = join(HOME, 'bin/moto_server')
const run = promisify(execFile)

/** Takes any credentials. */
export const MOTO = moto('moto', {})
/** Knows nobody: every request is refused. */
export const MOTO_WITH_RULES = moto('moto-with-rules', { INITIAL_NO_AUTH_ACTION_COUNT: '0' })

function moto(name: string, env: Readonly<Record<string, string>>): ServerKind {
  return {
    name,
    variable: 'HEADGATE_TEST_AWS',
    install: 'apt-get install -y python3-venv',
    async obtain() {
      if (existsSync(SERVER)) return
      await run('python3', ['-m', 'venv', HOME])
      await run(join(HOME, 'bin/pip'), ['install', '-q', 'moto[server]==5.2.5'], { timeout: 300_000 })
    },
    async start(folder) {
      const [port = 0] = await portsOf(folder, 1)
      const address = `http://127.0.0.1:${port}`
      const pid = await launch({
        command: SERVER,
        args: ['-H', '127.0.0.1', '-p', String(port)],
        folder,
        env,
        answers: async () => (await fetch(`${address}/moto-api/`)).ok,
      })
      return { address, pid }
    },
  }
}
