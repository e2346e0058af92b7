/** A relay between a client and a server, at which a test cuts connections, refuses new ones, and lets them in again. */

import { once } from 'node:events'
import net, { type AddressInfo, type Server, type Socket } from 'node:net'

export class Relay implements AsyncDisposable {
  readonly #target: { readonly host: string; readonly port: number }
  readonly #sockets = new Set<Socket>()
  #server: Server | undefined
  /** Stays the same for as long as the relay lives. */
  port = 0

  private constructor(target: { readonly host: string; readonly port: number }) {
    this.#target = target
  }

  /** `target` is `host:port`, or a URL of it. Resolves once connections are taken. */
  static async open(target: string): Promise<Relay> {
    const { hostname, port } = new URL(target.includes('://') ? target : `tcp://${target}`)
    const relay = new Relay({ host: hostname, port: Number(port) })
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
    const end = () => {
      this.#sockets.delete(client)
      client.destroy()
      upstream.destroy()
    }
    for (const socket of [client, upstream]) socket.on('error', end).on('close', end).setNoDelay()
    client.pipe(upstream)
    upstream.pipe(client)
  }
}
