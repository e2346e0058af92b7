/** A thread of the pool, and what it tells: heard when the event loop comes to it, or at once. */

import {
  MessageChannel,
  type MessagePort,
  receiveMessageOnPort,
  type Transferable,
  type Worker,
} from 'node:worker_threads'
import type { Asked, Left } from './asking.ts'
import type { Report, ThreadData } from './protocol.ts'
import { startThread } from './start.ts'

/** What it tells: answers as bytes. */
export type Heard = ArrayBuffer | Report | Asked | Left

export class HeardThread {
  readonly #thread: Worker
  readonly #port: MessagePort
  readonly #hear: (heard: Heard) => void
  #ended = false

  /** `died` is told when it ends without being asked to. */
  constructor(data: Omit<ThreadData, 'port'>, hear: (heard: Heard) => void, died: (error: Error) => void) {
    const { port1, port2: port } = new MessageChannel()
    this.#hear = hear
    this.#port = port1
    this.#port.on('message', (heard) => this.#told(heard))
    this.#thread = startThread('thread.ts', { ...data, port } satisfies ThreadData, [port])
    let last = new Error('a worker thread ended by itself')
    this.#thread.on('error', (error: Error) => {
      last = error
    })
    this.#thread.on('exit', () => {
      if (!this.#ended) died(last)
    })
  }

  get id(): number {
    return this.#thread.threadId
  }

  post(message: unknown, transfer: readonly Transferable[] = []): void {
    if (!this.#ended) this.#thread.postMessage(message, transfer)
  }

  /** Hears all that it told by now. The event loop looks at the time first: when it was held up, deadlines are passed. */
  catchUp(): void {
    for (let next = receiveMessageOnPort(this.#port); next; next = receiveMessageOnPort(this.#port))
      this.#told(next.message)
  }

  /** Hears nothing more of it. */
  abandon(): void {
    this.#ended = true
    this.#port.close()
  }

  /** Ends it, also in the middle of a call. Resolves when it is gone. */
  async end(): Promise<void> {
    this.abandon()
    await this.#thread.terminate()
  }

  #told(heard: Heard): void {
    if (!this.#ended) this.#hear(heard)
  }
}
