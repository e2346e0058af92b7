/** The sockets that the broker listens on: MQTT over TCP and over WebSocket. */

import { createServer as createHttpServer, type IncomingMessage } from 'node:http'
import { createServer, type Server, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { WebSocketServer } from 'ws'
import { GatewayError } from '../errors.ts'
import type { BrokerLimits, ListenUrl } from './config.ts'
import { WebSocketStream } from './websocket.ts'

/** Takes a new connection. */
export type Accept = (stream: Duplex, request?: IncomingMessage) => void

export interface Listener {
  /** What it listens on, with the port that was taken when 0 was asked for. */
  readonly address: string
  /** Stops taking connections; those that are open stay. */
  close(): void
}

/** Resolves when listening. Rejects with ADDRESS_IN_USE, or INTERNAL when the address cannot be had at all. */
export async function listen(url: ListenUrl, limits: BrokerLimits, accept: Accept): Promise<Listener> {
  const server = url.scheme === 'tcp' ? tcpServer(limits, accept) : wsServer(limits, accept)
  // Sockets beyond the clients: those that have not sent CONNECT yet.
  server.maxConnections = limits.max_clients + 1_000
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(listenError(url, error)))
    server.listen({ host: url.host, port: url.port, backlog: 1_024 }, resolve)
  })
  server.removeAllListeners('error')
  server.on('error', () => {}) // EMFILE while accepting: the connection is refused, those that are open go on.
  const bound = server.address()
  const port = bound && typeof bound === 'object' ? bound.port : url.port
  return { address: format({ ...url, port }), close: () => void server.close() }
}

const format = ({ scheme, host, port }: ListenUrl): string =>
  `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`

function listenError(url: ListenUrl, error: NodeJS.ErrnoException): GatewayError {
  const doing = `broker (mqtt): listening on "${format(url)}"`
  if (error.code === 'EADDRINUSE')
    return new GatewayError(
      'ADDRESS_IN_USE',
      `${doing}: port ${url.port} is taken; stop what uses it, or change broker.listen in the configuration`,
      { cause: error },
    )
  return new GatewayError('INTERNAL', `${doing}: ${error.code ?? error.message}; change broker.listen`, {
    cause: error,
  })
}

const tcpServer = (_limits: BrokerLimits, accept: Accept): Server =>
  createServer({ noDelay: true, keepAlive: true, keepAliveInitialDelay: 60_000 }, (socket: Socket) => accept(socket))

/** How often connections are looked at for being too slow; Node's 30 s would make a timeout of 10 s one of 40. */
const CHECK_MS = 1_000

function wsServer(limits: BrokerLimits, accept: Accept): Server {
  const sockets = new WebSocketServer({
    noServer: true,
    // A larger message is closed with 1009 before it is buffered.
    maxPayload: limits.max_packet_size,
    perMessageDeflate: false,
    // [MQTT-6.0.0-3] the sub-protocol is "mqtt"; old clients say "mqttv3.1".
    handleProtocols: (offered) => ['mqtt', 'mqttv3.1'].find((name) => offered.has(name)) ?? false,
  })
  const server = createHttpServer(
    {
      requestTimeout: limits.connect_timeout,
      headersTimeout: limits.connect_timeout,
      connectionsCheckingInterval: Math.min(CHECK_MS, limits.connect_timeout),
    },
    (_request, response) =>
      response
        .writeHead(426, { 'content-type': 'text/plain', connection: 'close' })
        .end('this is the MQTT listener: connect by WebSocket with the sub-protocol "mqtt"\n'),
  )
  server.on('upgrade', (request, socket, head) => {
    socket.on('error', () => {})
    sockets.handleUpgrade(request, socket, head, (webSocket) => accept(new WebSocketStream(webSocket), request))
  })
  return server
}
