/** Redis or Valkey for tests: the one of the machine. */

import { spawnSync } from 'node:child_process'
import { connect } from 'node:net'
import { launch, portsOf, type ServerKind } from './server.ts'

const PROGRAMS = ['valkey-server', 'redis-server'] as const

const found = (): string | undefined =>
  PROGRAMS.find((program) => spawnSync(program, ['--version'], { stdio: 'ignore' }).error === undefined)

/** A server without a password; tests keep to keys of their own. */
export const REDIS: ServerKind = {
  name: 'redis',
  variable: 'HEADGATE_REDIS_URL',
  install: 'apt-get install -y redis-server',
  obtain: async () => {
    if (found() === undefined) throw new Error(`none of ${PROGRAMS.join(', ')} is on PATH`)
  },
  start: async (folder) => {
    const [port = 0] = await portsOf(folder, 1)
    const settings = [
      '--port',
      String(port),
      '--bind',
      '127.0.0.1',
      '--save',
      '',
      '--appendonly',
      'yes',
      '--dir',
      folder,
    ]
    const pid = await launch({
      command: found() ?? PROGRAMS[1],
      args: settings,
      folder,
      answers: () => answers(port),
    })
    return { address: `redis://127.0.0.1:${port}`, pid }
  },
}

const answers = (port: number): Promise<boolean> =>
  new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('error', reject)
    socket.once('data', (data) => {
      socket.destroy()
      resolve(data.toString().startsWith('+PONG'))
    })
    socket.write('PING\r\n')
  })
