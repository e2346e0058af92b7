/** Every connection of one client, so that all can be ended: kafkajs waits for answers before it closes one, however long. */

import net, { type Socket } from 'node:net'
import tls, { type ConnectionOptions } from 'node:tls'

const KEEP_ALIVE_MS = 60_000

/** What kafkajs asks of a maker of sockets. */
export interface SocketWish {
  readonly host: string
  readonly port: number
  /** Absent or empty without TLS. */
  readonly ssl?: ConnectionOptions | undefined
  onConnect(): void
}

export class Sockets {
  readonly #open = new Set<Socket>()
  #hasEnded = false

  /** Connects, as kafkajs itself does. After `end` the connection is broken at once. */
  make = ({ host, onConnect, port, ssl }: SocketWish): Socket => {
    const name = net.isIP(host) === 0 ? { servername: host } : {}
    const socket = ssl
      ? tls.connect({ host, port, ...name, ...ssl }, onConnect)
      : net.connect({ host, port }, onConnect)
    socket.setKeepAlive(true, KEEP_ALIVE_MS)
    this.#open.add(socket)
    socket.once('close', () => this.#open.delete(socket))
    if (this.#hasEnded) process.nextTick(() => socket.destroy(ended()))
    return socket
  }

  /** Breaks every connection, and those to come. */
  end(): void {
    this.#hasEnded = true
    for (const socket of this.#open) socket.destroy(ended())
  }
}

/** Kafkajs hears of errors alone: a socket that closes without one leaves its requests waiting. */
const ended = (): Error => new Error('the client has ended')
