/** Stands between a client and a PostgreSQL server, reads what a prepared statement is given, and lets it through or holds it. */

import { once } from 'node:events'
import net, { type AddressInfo, type Server, type Socket } from 'node:net'

/** The values of one execution, as sent: texts or bytes, null for NULL. */
export type Values = readonly (Buffer | null)[]

const BIND = 'B'.charCodeAt(0)

export class PostgresGate implements AsyncDisposable {
  readonly #target: URL
  readonly #sockets = new Set<Socket>()
  readonly #statement: string
  readonly #pass: (values: Values) => Promise<void>
  #server: Server | undefined
  port = 0

  private constructor(target: URL, statement: string, pass: (values: Values) => Promise<void>) {
    this.#target = target
    this.#statement = statement
    this.#pass = pass
  }

  /** `pass` is asked before an execution of `statement` goes on to the server; nothing after it does before that resolves. */
  static async open(target: string, statement: string, pass: (values: Values) => Promise<void>): Promise<PostgresGate> {
    const gate = new PostgresGate(new URL(target), statement, pass)
    await gate.listen()
    return gate
  }

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

  /** Cuts every connection, and refuses new ones until `listen`. */
  async close(): Promise<void> {
    const server = this.#server
    this.#server = undefined
    if (!server) return
    const closed = once(server, 'close')
    server.close()
    for (const socket of this.#sockets) socket.destroy()
    await closed
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #join(client: Socket): void {
    const server = net.connect(Number(this.#target.port), this.#target.hostname)
    this.#sockets.add(client)
    const end = () => {
      this.#sockets.delete(client)
      client.destroy()
      server.destroy()
    }
    for (const socket of [client, server]) socket.on('error', end).on('close', end).setNoDelay()
    server.pipe(client)
    let turn = Promise.resolve()
    const reader = new Reader()
    client.on('data', (chunk: Buffer) => {
      for (const message of reader.read(chunk)) {
        turn = turn.then(async () => {
          const values = bound(message, this.#statement)
          if (values) await this.#pass(values)
          server.write(message)
        })
      }
    })
  }
}

/** Cuts what a client sends into messages. The first has no type. */
class Reader {
  #rest = Buffer.alloc(0)
  #first = true

  read(chunk: Buffer): readonly Buffer[] {
    const messages: Buffer[] = []
    this.#rest = Buffer.concat([this.#rest, chunk])
    for (;;) {
      const head = this.#first ? 0 : 1
      if (this.#rest.length < head + 4) return messages
      const length = head + this.#rest.readUInt32BE(head)
      if (this.#rest.length < length) return messages
      messages.push(this.#rest.subarray(0, length))
      this.#rest = this.#rest.subarray(length)
      this.#first = false
    }
  }
}

/** The values that a Bind message carries for a statement; undefined for any other message. */
function bound(message: Buffer, statement: string): Values | undefined {
  if (message[0] !== BIND) return undefined
  const portalEnd = message.indexOf(0, 5)
  const nameEnd = message.indexOf(0, portalEnd + 1)
  if (message.toString('utf8', portalEnd + 1, nameEnd) !== statement) return undefined
  let at = nameEnd + 1
  at += 2 + 2 * message.readUInt16BE(at)
  const count = message.readUInt16BE(at)
  at += 2
  return Array.from({ length: count }, () => {
    const length = message.readInt32BE(at)
    at += 4
    if (length < 0) return null
    at += length
    return message.subarray(at - length, at)
  })
}
