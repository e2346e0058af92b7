/** A door before a real Kafka broker, at which a test cuts connections, and holds or spoils the answers to what is produced. */

import { once } from 'node:events'
import net, { type Server, type Socket } from 'node:net'
import type { Running } from './server.ts'

const PRODUCE = 0

/** An error of Kafka's protocol, by its number: 10 MESSAGE_TOO_LARGE, 19 NOT_ENOUGH_REPLICAS. */
export type KafkaError = 10 | 19

export class KafkaDoor implements AsyncDisposable {
  /** Answers to what is produced wait for `release` when this is true. */
  isHolding = false
  /** What is produced is answered with this error, although it was written. */
  error: KafkaError | undefined
  readonly #behind: number
  readonly #port: number
  readonly #sockets = new Set<Socket>()
  #server: Server | undefined
  #gate = Promise.withResolvers<void>()

  private constructor(behind: string, door: string) {
    this.#behind = Number(behind.split(':')[1])
    this.#port = Number(door.split(':')[1])
  }

  /** There is one door to a server: resolves once it is open. */
  static async open({ more = {} }: Running): Promise<KafkaDoor> {
    const door = new KafkaDoor(more['behind'] ?? '', more['door'] ?? '')
    await door.listen()
    return door
  }

  get address(): string {
    return `127.0.0.1:${this.#port}`
  }

  /** Connections that clients have open. */
  get connections(): number {
    return this.#sockets.size
  }

  async listen(): Promise<void> {
    const server = net.createServer((socket) => this.#join(socket)).listen(this.#port, '127.0.0.1')
    await once(server, 'listening')
    this.#server = server
  }

  release(): void {
    this.#gate.resolve()
    this.#gate = Promise.withResolvers()
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
    const upstream = net.connect(this.#behind, '127.0.0.1')
    /** Version of each request to produce that is not answered, by its correlation id. */
    const produced = new Map<number, number>()
    this.#sockets.add(client)
    const end = () => {
      this.#sockets.delete(client)
      client.destroy()
      upstream.destroy()
    }
    for (const socket of [client, upstream]) socket.on('error', end).on('close', end).setNoDelay()
    client.on('data', (chunk) => upstream.write(chunk))
    frames(client, (frame) => {
      if (frame.readInt16BE(4) === PRODUCE) produced.set(frame.readInt32BE(8), frame.readInt16BE(6))
    })
    frames(upstream, (frame) => void this.#answer(client, frame, produced))
  }

  async #answer(client: Socket, frame: Buffer, produced: Map<number, number>): Promise<void> {
    const version = produced.get(frame.readInt32BE(4))
    if (version !== undefined) {
      produced.delete(frame.readInt32BE(4))
      if (this.error !== undefined) spoil(frame, this.error)
      if (this.isHolding) await this.#gate.promise
    }
    client.write(frame)
  }
}

/** Calls `take` with each frame: a length of four bytes, and as many bytes. */
function frames(socket: Socket, take: (frame: Buffer) => void): void {
  let held: Buffer = Buffer.alloc(0)
  socket.on('data', (chunk: Buffer) => {
    held = held.length === 0 ? chunk : Buffer.concat([held, chunk])
    while (held.length >= 4 && held.length >= held.readInt32BE(0) + 4) {
      const end = held.readInt32BE(0) + 4
      take(held.subarray(0, end))
      held = held.subarray(end)
    }
  })
}

/** Writes an error into each partition of a Produce response of version 5 to 7. */
function spoil(frame: Buffer, error: KafkaError): void {
  let at = 8
  const topics = frame.readInt32BE(at)
  at += 4
  for (let topic = 0; topic < topics; topic++) {
    at += 2 + frame.readInt16BE(at)
    const partitions = frame.readInt32BE(at)
    at += 4
    for (let partition = 0; partition < partitions; partition++) {
      frame.writeInt16BE(error, at + 4)
      // Its number, the error, the first offset, the time of the append, the first offset of the log.
      at += 4 + 2 + 8 + 8 + 8
    }
  }
}
