/** Opens the HTTP face on a free port, with callers that send CloudEvents; and a receiver of webhooks. */

import { Agent, createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  type Arrival,
  type Downstream,
  Orders,
  type Refusal,
  type Sample,
  type SendAnswer,
  type SinkHarness,
  type SourceHarness,
  type Upstream,
} from '#conformance'
import { formatHttpBinary, parseHttpEvent, uuidv7 } from '#connector'
import { Receiver, type Reply } from '../../test/services/receiver.ts'
import connector from './index.ts'

/** The harness that the universal suite runs this source with. */
export const httpHarness: SourceHarness = {
  connector,
  open: openCallers,
  unreachable,
  exempt: { S14: 'it is always there, with no entry under `sources` that could say `as`' },
}

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

/** The harness that the universal suite runs the sink with, in one of its modes. */
export const httpSinkHarness = (mode: 'binary' | 'structured'): SinkHarness => ({
  connector,
  open: () => openReceiver(mode),
})

const SECRETS = ['h00k-of-conformance', 't0ken-of-conformance', Buffer.alloc(24, 'k3y').toString('base64')] as const

async function openReceiver(mode: 'binary' | 'structured'): Promise<Downstream> {
  const [path, token, key] = SECRETS
  const arrivals: Arrival[] = []
  const orders = new Orders()
  const receiver = await Receiver.open(async ({ body, headers, path: asked }) => {
    const event = parseHttpEvent(headers, new Uint8Array(body))
    arrivals.push({ event, key: [headers['idempotency-key']].flat()[0] })
    return reply(await orders.answer(event), `${asked} ${JSON.stringify(headers)} ${SECRETS}`)
  })
  return {
    config: {
      url: `${receiver.url}/${path}`,
      mode,
      headers: { Authorization: `Bearer ${token}` },
      sign: { secret: `whsec_${key}` },
      allow: ['127.0.0.1'],
    },
    secrets: SECRETS,
    arrived: () => arrivals,
    hold: orders.hold,
    release: orders.release,
    refuse: orders.refuse,
    leave: () => receiver.close(),
    comeBack: () => receiver.listen(),
    connections: () => receiver.sockets.size,
    [Symbol.asyncDispose]: () => receiver.close(),
  }
}

function reply(how: Refusal | undefined, body: string): Reply {
  if (how === undefined) return { status: 202 }
  if (how === 'reject') return { status: 422, body }
  if (how === 'retry') return { status: 500, body }
  return { status: 503, headers: { 'retry-after': String(how.retryAfterMs / 1_000) }, body }
}
