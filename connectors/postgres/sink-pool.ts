/** A few connections that are used in turn, and cut where what they are doing is no longer wanted. */

import type { Client } from 'pg'
import { Deadline, unlessAborted } from '#connector'
import type { Connection } from './connection.ts'
import { stateOf } from './trouble.ts'

export class Pool {
  readonly #open: () => Promise<Connection>
  readonly #max: number
  readonly #closing = new AbortController()
  readonly #idle: Connection[] = []
  readonly #broken = new WeakSet<Connection>()
  readonly #waiting: (() => void)[] = []
  readonly #leaving = new Set<Promise<void>>()
  #used = 0

  constructor(open: () => Promise<Connection>, max: number) {
    this.#open = open
    this.#max = max
  }

  /** Resolves with what `work` does on a connection of its own. Rejects with the reason of `signal` once that is aborted. */
  async use<T>(signal: AbortSignal, work: (client: Client) => Promise<T>): Promise<T> {
    const either = new Deadline(Number.POSITIVE_INFINITY, signal, this.#closing.signal)
    try {
      either.signal.throwIfAborted()
      return await this.#inTurn(either.signal, work)
    } finally {
      either.end()
    }
  }

  /** Ends every connection; whoever uses one is told the reason. Resolves once they are closed. */
  async close(reason: Error): Promise<void> {
    this.#closing.abort(reason)
    for (const connection of this.#idle.splice(0)) this.#leave(connection)
    await Promise.all(this.#leaving)
  }

  async #inTurn<T>(signal: AbortSignal, work: (client: Client) => Promise<T>): Promise<T> {
    await this.#turn(signal)
    try {
      return await this.#with(this.#idle.pop() ?? (await this.#connect(signal)), signal, work)
    } finally {
      this.#used -= 1
      this.#waiting.shift()?.()
    }
  }

  /** Resolves when there is a connection to have. Whoever gives up waiting leaves the queue. */
  async #turn(signal: AbortSignal): Promise<void> {
    while (this.#used >= this.#max) {
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#waiting.push(resolve)
      try {
        await unlessAborted(signal, promise)
      } catch (error) {
        const at = this.#waiting.indexOf(resolve)
        if (at >= 0) this.#waiting.splice(at, 1)
        else this.#waiting.shift()?.()
        throw error
      }
    }
    this.#used += 1
  }

  async #connect(signal: AbortSignal): Promise<Connection> {
    const opening = this.#open()
    try {
      const connection = await unlessAborted(signal, opening)
      void connection.broken.then(() => this.#forget(connection))
      return connection
    } catch (error) {
      if (signal.aborted) opening.then((connection) => this.#leave(connection)).catch(() => {})
      throw error
    }
  }

  async #with<T>(connection: Connection, signal: AbortSignal, work: (client: Client) => Promise<T>): Promise<T> {
    try {
      const result = await unlessAborted(signal, work(connection.client))
      this.#keep(connection)
      return result
    } catch (error) {
      // The server has said no, and listens on.
      if (!signal.aborted && stateOf(error) !== undefined) this.#keep(connection)
      else this.#leave(connection)
      throw error
    }
  }

  #keep(connection: Connection): void {
    if (!this.#broken.has(connection)) this.#idle.push(connection)
  }

  #forget(connection: Connection): void {
    this.#broken.add(connection)
    const at = this.#idle.indexOf(connection)
    if (at >= 0) this.#idle.splice(at, 1)
  }

  #leave(connection: Connection): void {
    const leaving = Promise.resolve(connection[Symbol.asyncDispose]())
    this.#leaving.add(leaving)
    void leaving.finally(() => this.#leaving.delete(leaving))
  }
}
