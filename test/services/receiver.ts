/** A real HTTP server on the loopback that receives webhooks, keeps them, and answers as a test says. */

import { once } from 'node:events'
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http'
import type { AddressInfo, Socket } from 'node:net'

export interface Received {
  readonly method: string
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
  /** Milliseconds since the epoch. */
  readonly at: number
}

/** An answer; `never` keeps the request open, `cut` ends its connection. */
export type Reply =
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: string | Buffer }
  | 'never'
  | 'cut'
  /** Sends a head and half a body, and no more. */
  | 'half'

export type Script = (received: Received, count: number) => Reply | Promise<Reply>

export class Receiver implements AsyncDisposable {
  readonly received: Received[] = []
  readonly sockets = new Set<Socket>()
  /** Connections there have been. */
  connected = 0
  script: Script
  port = 0
  #server: Server | undefined

  private constructor(script: Script) {
    this.script = script
  }

  /** `script` says how the request number `count`, from 1, is answered; 204 unless told. */
  static async open(script: Script = () => ({ status: 204 })): Promise<Receiver> {
    const receiver = new Receiver(script)
    await receiver.listen()
    return receiver
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/in`
  }

  /** Listens, on the same port as before. */
  async listen(): Promise<void> {
    const server = createServer((request, response) => void this.#take(request, response))
    server.on('connection', (socket) => {
      this.connected += 1
      this.sockets.add(socket)
      socket.once('close', () => this.sockets.delete(socket))
    })
    server.listen(this.port, '127.0.0.1')
    await once(server, 'listening')
    this.port = (server.address() as AddressInfo).port
    this.#server = server
  }

  /** Nobody listens any more, and every connection is cut. */
  async close(): Promise<void> {
    const server = this.#server
    this.#server = undefined
    if (!server) return
    const closed = once(server, 'close')
    server.close()
    server.closeAllConnections()
    await closed
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body: Buffer[] = []
    try {
      for await (const chunk of request) body.push(chunk)
    } catch {
      return
    }
    const { headers, method = '', url: path = '' } = request
    const received = { method, path, headers, body: Buffer.concat(body), at: Date.now() }
    this.received.push(received)
    const reply = await this.script(received, this.received.length)
    if (reply === 'never') return
    if (reply === 'cut') return void request.socket.destroy()
    if (reply === 'half') return void response.writeHead(200, { 'content-length': '10' }).write('half')
    response.writeHead(reply.status, reply.headers).end(reply.body)
  }
}
