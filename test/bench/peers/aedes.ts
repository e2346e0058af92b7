/** aedes alone, with a responder in its process and nothing durable: the ceiling of anything built on it. */

import { freePort, start } from '../child.ts'
import { program, type Subject } from './subject.ts'

export const aedes: Subject = {
  name: 'aedes, in-process responder',
  async start() {
    const mqtt = await freePort()
    const child = await start(process.execPath, [program('aedes.server.ts'), String(mqtt)], { ports: [mqtt] })
    return { ports: { mqtt }, pids: [child.pid], stop: () => child.stop() }
  },
}
