/** What a function reaches when it is called without a gateway: empty stores, topics that nobody has, servers if that is asked for. */

import { Outgoing } from '../host/outgoing.ts'
import { RehearsalHost } from '../host/rehearsal.ts'
import { type Host, HostError, type KeyValueStore, type Message } from '../pool/host.ts'
import { shown } from './terminal.ts'

/** One key of a store, as it was left. */
export interface Kept {
  readonly store: string
  readonly key: string
  readonly value: string
}

/** Longer values are cut. */
const LONGEST = 200
const TEXT = new TextDecoder('utf-8', { fatal: true })

export class TrialHost implements Host {
  readonly published: Message[] = []
  readonly #rehearsal = new RehearsalHost()
  readonly #outgoing: Outgoing | undefined
  readonly #opened = new Set<string>()

  /** With `sends` requests leave this machine; without it they are refused. */
  constructor(sends: boolean) {
    this.#outgoing = sends ? new Outgoing() : undefined
  }

  store(name: string): Promise<KeyValueStore> {
    this.#opened.add(name)
    return this.#rehearsal.store(name)
  }

  readonly send: Host['send'] = (request, caller) =>
    this.#outgoing
      ? this.#outgoing.send(request, caller)
      : Promise.reject(new HostError('HTTP-request-denied', `"${request.host}" is allowed; --send has it sent`))

  /** Nobody has it, and it is told. */
  readonly publish: Host['publish'] = async (message) => {
    this.published.push(message)
  }

  readonly request: Host['request'] = (...asked) => this.#rehearsal.request(...asked)
  readonly call: Host['call'] = (...asked) => this.#rehearsal.call(...asked)

  /** Resolves with what lies in the stores, by store and key: the first page of each. */
  async kept(): Promise<readonly Kept[]> {
    const stores = [...this.#opened].toSorted().map(async (name) => {
      const store = await this.#rehearsal.store(name)
      const { keys } = await store.keys(undefined)
      const values = await store.get(keys)
      return keys.map((key, at) => ({ store: name, key, value: legible(values[at] ?? new Uint8Array()) }))
    })
    return (await Promise.all(stores)).flat()
  }

  /** Ends the connections. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#outgoing?.close()
  }
}

/** On one line, whatever is in it. */
export function legible(bytes: Uint8Array): string {
  try {
    const text = shown(TEXT.decode(bytes))
    return text.length > LONGEST ? `${text.slice(0, LONGEST)}... (${bytes.length} bytes)` : text
  } catch {
    return `(${bytes.length} bytes)`
  }
}
