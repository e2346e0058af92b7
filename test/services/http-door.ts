/** A door before a real HTTP server: requests that carry an event are seen there, and pass when neither held nor refused. */

import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { Arrival, Downstream, Refusal } from '#conformance'
import type { CloudEvent } from '#connector'

export interface DoorOptions {
  /** Address of the server behind it. */
  readonly server: string
  /** What a request carries; undefined lets it pass unseen. */
  readonly read: (request: IncomingMessage, body: Buffer) => Arrival | undefined
  /** Answers as the server would that refuses. */
  readonly refuse: (response: ServerResponse, how: Refusal) => void
}

export class HttpDoor implements Omit<Downstream, 'config' | 'secrets'> {
  readonly #options: DoorOptions
  readonly #arrivals: Arrival[] = []
  readonly #sockets = new Set<Socket>()
  #gate = Promise.withResolvers<void>()
  #held: (event: CloudEvent) => boolean = () => false
  #refusal: (event: CloudEvent) => Refusal | undefined = () => undefined
  #listening = createServer()
  port = 0

  private constructor(options: DoorOptions) {
    this.#options = options
  }

  /** Resolves once it lets requests through. */
  static async open(options: DoorOptions): Promise<HttpDoor> {
    const door = new HttpDoor(options)
    await door.comeBack()
    return door
  }

  get address(): string {
    return `http://127.0.0.1:${this.port}`
  }

  arrived = (): readonly Arrival[] => this.#arrivals
  connections = (): number => this.#sockets.size
  hold = (which: (event: CloudEvent) => boolean): void => {
    this.#held = which
  }
  refuse = (how: (event: CloudEvent) => Refusal | undefined): void => {
    this.#refusal = how
  }
  release = (): void => {
    this.#gate.resolve()
    this.#gate = Promise.withResolvers()
  }

  leave = async (): Promise<void> => {
    const closed = once(this.#listening, 'close')
    this.#listening.close()
    this.#listening.closeAllConnections()
    await closed
  }

  comeBack = async (): Promise<void> => {
    this.#listening = createServer((request, response) => void this.#pass(request, response))
    this.#listening.on('connection', (socket) => {
      this.#sockets.add(socket)
      socket.once('close', () => this.#sockets.delete(socket))
    })
    this.#listening.listen(this.port, '127.0.0.1')
    await once(this.#listening, 'listening')
    this.port = (this.#listening.address() as AddressInfo).port
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.leave()
  }

  async #pass(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const body = Buffer.concat(chunks)
    const arrival = this.#options.read(request, body)
    if (arrival) {
      this.#arrivals.push(arrival)
      if (this.#held(arrival.event)) await this.#gate.promise
      const refusal = this.#refusal(arrival.event)
      if (refusal !== undefined) return this.#options.refuse(response, refusal)
    }
    await this.#forward(request, body, response)
  }

  async #forward(request: IncomingMessage, body: Buffer, response: ServerResponse): Promise<void> {
    const { connection: _, 'content-length': __, expect: ___, host: ____, ...headers } = request.headers
    const method = request.method ?? 'GET'
    const passed = await fetch(`${this.#options.server}${request.url}`, {
      method,
      headers: headers as Record<string, string>,
      ...(method !== 'GET' && method !== 'HEAD' && { body: new Uint8Array(body) }),
    })
    const type = passed.headers.get('content-type') ?? 'application/octet-stream'
    response.writeHead(passed.status, { 'content-type': type }).end(Buffer.from(await passed.arrayBuffer()))
  }
}
