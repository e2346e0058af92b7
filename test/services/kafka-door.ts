/** The one door before a real Kafka broker, and what a test does there to the answers to what is produced: holds or spoils them. */

import type { Socket } from 'node:net'
import { type Between, Relay } from './relay.ts'
import type { Running } from './server.ts'

const PRODUCE = 0

/** An error of Kafka's protocol, by its number: 10 MESSAGE_TOO_LARGE, 19 NOT_ENOUGH_REPLICAS. */
export type KafkaError = 10 | 19

/** The broker names itself to its clients by the address of the door: there is one. Resolves once it is open. */
export const openKafkaDoor = (
  { more = {} }: Running,
  { between }: { readonly between: Between } = new KafkaAnswers(),
): Promise<Relay> => Relay.open(more['behind'] ?? '', { port: Number(more['door']?.split(':')[1]), between })

export class KafkaAnswers {
  /** Answers to what is produced wait for `release` when this is true. */
  isHolding = false
  /** What is produced is answered with this error, although it was written. */
  error: KafkaError | undefined
  #gate = Promise.withResolvers<void>()

  release(): void {
    this.#gate.resolve()
    this.#gate = Promise.withResolvers()
  }

  readonly between: Between = (client, upstream) => {
    /** Version of each request to produce that is not answered, by its correlation id. */
    const produced = new Map<number, number>()
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
