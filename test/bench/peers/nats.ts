/** NATS with a micro service in Node: another protocol, nothing durable, the same question and answer. */

import { freePort, start } from '../child.ts'
import { installed } from './npm.ts'
import { need, program, type Subject } from './subject.ts'

export const nats: Subject = {
  name: 'NATS micro service',
  async start() {
    need('nats-server', 'apt-get install -y nats-server')
    const folder = installed('nats', '2.29.3')
    const port = await freePort()
    const server = await start('nats-server', ['-a', '127.0.0.1', '-p', String(port)], { ports: [port] })
    const args = [program('nats.service.ts'), folder, String(port)]
    const service = await start(process.execPath, args, { ports: [] })
    const stop = async (): Promise<void> => {
      await service.stop()
      await server.stop()
    }
    return { ports: { nats: port }, pids: [server.pid, service.pid], stop }
  },
}
