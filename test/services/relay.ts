/** A relay between a client and a server, at which a test cuts connections, refuses new ones, lets them in again, and may stand in between. */

import { once } from 'node:events'
import net, { type AddressInfo, type Server, type Socket } from 'node:net'

/** Passes on what a client and the server send to each other. That either of them ends is the relay's to see to. */
export type Between = (client: Socket, upstream: Socket) => void

export interface RelayOptions {
  /** The port to listen on; a free one when absent. */
  readonly port?: number
  /** Absent: everything goes through as it comes. */
  readonly between?: Between
}

const through: Between = (client, upstream) => {
  client.pipe(upstream)
  upstream.pipe(client)
}

export class Relay implements AsyncDisposable {
  readonly #target: { readonly host: string; readonly port: number }
  readonly #between: Between
  readonly #sockets = new Set<Socket>()
  readonly #upstream = new Set<Socket>()
  #server: Server | undefined
  /** Stays the same for as long as the relay lives. */
  port: number

  private constructor({ hostname: host, port }: URL, options: RelayOptions) {
    this.#target = { host, port: Number(port) }
    this.#between = options.between ?? through
    this.port = options.port ?? 0
  }

  /** `target` is `host:port`, or a URL of it. Resolves once connections are taken. */
  static async open(target: string, options: RelayOptions = {}): Promise<Relay> {
    const relay = new Relay(new URL(target.includes('://') ? target : `tcp://${target}`), options)
    await relay.listen()
    return relay
  }

  get address(): string {
    return `127.0.0.1:${this.port}`
  }

  /** Connections that clients have open. */
  get connections(): number {
    return this.#sockets.size
  }

  /** Takes connections, on the same port as before. */
  async listen(): Promise<void> {
    const server = net.createServer((socket) => this.#join(socket))
    server.listen(this.port, '127.0.0.1')
    await once(server, 'listening')
    this.port = (server.address() as AddressInfo).port
    this.#server = server
  }

  /** Ends every connection at once; new ones are taken. */
  cut(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy()
  }

  /** Neither end of a connection that is open hears of the other any more, nor that it has gone; new ones go through. */
  hang(): void {
    for (const socket of [...this.#sockets, ...this.#upstream]) socket.pause()
  }

  /** Cuts, and refuses new connections until `listen`. */
  async close(): Promise<void> {
    const server = this.#server
    this.#server = undefined
    if (!server) return
    const closed = once(server, 'close')
    server.close()
    this.cut()
    await closed
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #join(client: Socket): void {
    const upstream = net.connect(this.#target)
    this.#sockets.add(client)
    this.#upstream.add(upstream)
    const end = () => {
      this.#sockets.delete(client)
      this.#upstream.delete(upstream)
      client.destroy()
      upstream.destroy()
    }
    for (const socket of [client, upstream]) socket.on('error', end).on('close', end).setNoDelay()
    this.#between(client, upstream)
  }
}
