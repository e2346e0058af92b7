/** Opens the HTTP face on a free port, with callers that send CloudEvents. */

import { Agent, createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Sample, SendAnswer, SourceHarness, Upstream } from '#conformance'
import { formatHttpBinary, uuidv7 } from '#connector'
import connector from './index.ts'

/** The harness that the universal suite runs this source with. */
export const httpHarness: SourceHarness = { connector, open: openCallers, unreachable }

/** A port of the loopback that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

async function openCallers(): Promise<Upstream> {
  const port = await freePort()
  const agent = new Agent({ keepAlive: true })
  let open = 0
  const post = async (sample: Sample): Promise<SendAnswer> => {
    open += 1
    const status = await postEvent(agent, port, sample)
    open -= 1
    return status === 202 ? 'accepted' : 'refused'
  }
  return {
    config: { listen: `127.0.0.1:${port}` },
    send: (messages) => Promise.all(messages.map(post)),
    unacknowledged: async () => open,
    interrupt: async () => {
      for (const sockets of Object.values(agent.sockets)) for (const socket of sockets ?? []) socket.destroy()
      for (const sockets of Object.values(agent.freeSockets)) for (const socket of sockets ?? []) socket.destroy()
    },
    [Symbol.asyncDispose]: async () => agent.destroy(),
  }
}

/** Resolves with the status; a connection that broke counts as none. */
function postEvent(agent: Agent, port: number, { subject, data }: Sample): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<number>()
  const { headers } = formatHttpBinary({
    specversion: '1.0',
    id: uuidv7(),
    source: '/harness',
    type: 'sample',
    subject,
  })
  const sent = request({ agent, host: '127.0.0.1', port, method: 'POST', path: '/events', headers }, (response) => {
    response.resume()
    response.once('close', () => resolve(response.statusCode ?? 0))
  })
  sent.once('error', () => resolve(0))
  sent.end(data)
  return promise
}

/** A port that another program has taken: this one. */
async function unreachable(): Promise<{ readonly config: unknown; readonly names: string }> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  // Ends with the process; nothing waits for it.
  server.unref()
  const names = `127.0.0.1:${(server.address() as AddressInfo).port}`
  return { config: { listen: names }, names }
}
