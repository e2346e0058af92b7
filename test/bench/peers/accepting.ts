/** Fronts that check a CloudEvent and answer 202, keeping nothing: what accepting costs without a journal. */

import { freePort, start } from '../child.ts'
import { program, type Subject } from './subject.ts'

function front(name: string, file: string): Subject {
  return {
    name,
    async start() {
      const http = await freePort()
      const child = await start(process.execPath, [program(file), String(http)], { ports: [http] })
      return { ports: { http }, pids: [child.pid], stop: () => child.stop() }
    },
  }
}

export const nodeHttp = front('node:http, nothing kept', 'nodehttp.server.ts')
export const bareFastify = front('Fastify, nothing kept', 'fastify.server.ts')
