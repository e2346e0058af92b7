/** mosquitto: alone with persistence on, and with a responder beside it in Node (mqtt.js) or in C. */

import { writeFileSync } from 'node:fs'
import { connectAsync } from 'mqtt'
import { type Child, freePort, start } from '../child.ts'
import { client, flags } from '../load.ts'
import { need, program, type Running, type Subject, scratch } from './subject.ts'

/** Starts a broker with persistence on. Without `set_tcp_nodelay` each call would wait 40 ms for a delayed ACK. */
export async function broker(): Promise<Running & { readonly mqtt: number }> {
  need('mosquitto', 'apt-get install -y mosquitto')
  const mqtt = await freePort()
  const folder = scratch('mosquitto')
  const lines = [
    `listener ${mqtt} 127.0.0.1`,
    'allow_anonymous true',
    'set_tcp_nodelay true',
    'persistence true',
    `persistence_location ${folder.path}/`,
    'max_inflight_messages 0',
    'max_queued_messages 0',
    'log_type error',
    // As root it would drop to a user that cannot write here.
    ...(process.getuid?.() === 0 ? ['user root'] : []),
  ]
  writeFileSync(`${folder.path}/mosquitto.conf`, `${lines.join('\n')}\n`)
  const child = await start('mosquitto', ['-c', `${folder.path}/mosquitto.conf`], { ports: [mqtt] })
  const stop = async (): Promise<void> => {
    await child.stop()
    folder.remove()
  }
  return { mqtt, ports: { mqtt }, pids: [child.pid], stop }
}

function withResponder(name: string, responder: (mqtt: number) => Promise<Child>): Subject {
  return {
    name,
    async start() {
      const server = await broker()
      const child = await responder(server.mqtt)
      const stop = async (): Promise<void> => {
        await child.stop()
        await server.stop()
      }
      return { ports: server.ports, pids: [...server.pids, child.pid], stop }
    },
  }
}

/** Persistence on, as Debian configures it: to disk every half hour and at the end. */
export const mosquitto: Subject = { name: 'mosquitto, persistence on', start: broker }

/** The same with a session that is away: the broker must keep each message, in memory until the next save. */
export const mosquittoKept: Subject = {
  name: 'mosquitto, kept for a session',
  async start() {
    const server = await broker()
    const session = await connectAsync(`mqtt://127.0.0.1:${server.mqtt}`, { clientId: 'away', clean: false })
    await session.subscribeAsync('accept/#', { qos: 1 })
    await session.endAsync()
    return server
  },
}

export const mosquittoNode: Subject = withResponder('mosquitto + mqtt.js responder', (mqtt) =>
  start(process.execPath, [program('mqttjs.responder.ts'), String(mqtt)], { ports: [] }),
)

export const mosquittoC: Subject = withResponder('mosquitto + C responder', (mqtt) =>
  start(client(), flags({ protocol: 'mqtt', mode: 'respond', clients: 1, window: 1 }, mqtt, 7200, 0), { ports: [] }),
)
