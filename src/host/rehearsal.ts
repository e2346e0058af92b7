/** What functions reach where there is no gateway: stores that are forgotten, the path of a test if there is one, no network. */

import { type Host, HostError, type KeyValueStore } from '../pool/host.ts'
import { MemoryDisk } from './shelf.ts'
import { Stores } from './stores.ts'

/** The path, as far as functions ask it. */
export type Path = Pick<Host, 'publish' | 'request' | 'call'>

const NOWHERE: Path = {
  publish: () => nowhere(),
  request: () => nowhere(),
  call: () => nowhere(),
}

const nowhere = (): Promise<never> => Promise.reject(new HostError('unavailable', 'there is no gateway here'))

export class RehearsalHost implements Host {
  #stores = new Stores({}, () => new MemoryDisk())
  #path = NOWHERE
  readonly #begun: () => void

  /** `begun` is called each time that something begins. */
  constructor(begun: () => void = () => undefined) {
    this.#begun = begun
  }

  /** Forgets what the stores hold, and asks this path from now on. */
  begin(path: Path): void {
    this.#begun()
    this.#stores = new Stores({}, () => new MemoryDisk())
    this.#path = path
  }

  store(name: string): Promise<KeyValueStore> {
    return this.#stores.store(name)
  }

  readonly send: Host['send'] = ({ host }) =>
    Promise.reject(
      new HostError('HTTP-request-denied', `"${host}" is allowed, and nothing is dialled without a gateway`),
    )

  readonly publish: Host['publish'] = (...asked) => this.#path.publish(...asked)
  readonly request: Host['request'] = (...asked) => this.#path.request(...asked)
  readonly call: Host['call'] = (...asked) => this.#path.call(...asked)
}
