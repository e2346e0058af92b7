/** The key-value stores of a gateway, by name: each opened when the first function asks for it. */

import type { KeyValueStore } from '../pool/host.ts'
import { type StoreConfig, storeConfig } from './config.ts'
import { DiskStore } from './disk-store.ts'
import { RedisStore } from './redis-store.ts'
import { type Disk, Shelf } from './shelf.ts'

export class Stores {
  readonly #configs: Readonly<Record<string, StoreConfig>>
  readonly #open: () => Disk
  readonly #stores = new Map<string, Promise<KeyValueStore>>()
  readonly #closing: (() => Promise<void>)[] = []
  #shelf: Shelf | undefined

  /** One that has no options has the defaults. `open` opens the disk that those share that are on one. */
  constructor(configs: Readonly<Record<string, StoreConfig>>, open: () => Disk) {
    this.#configs = configs
    this.#open = open
  }

  /** Resolves with the store of this name; the grant of a function says which there are. */
  store(name: string): Promise<KeyValueStore> {
    const known = this.#stores.get(name)
    if (known) return known
    const opened = this.#make(name, this.#configs[name] ?? storeConfig.parse({}))
    this.#stores.set(name, opened)
    // What could not be opened is tried again by who asks next.
    opened.catch(() => this.#stores.delete(name))
    return opened
  }

  /** Resolves once everything is written and closed. */
  async close(): Promise<void> {
    await Promise.all(this.#closing.map((close) => close()))
    await this.#shelf?.close()
  }

  async #make(name: string, config: StoreConfig): Promise<KeyValueStore> {
    if (config.redis !== undefined) {
      const store = await RedisStore.open(name, config.redis, config)
      this.#closing.push(() => store.close())
      return store
    }
    this.#shelf ??= new Shelf(this.#open())
    return new DiskStore(name, config, this.#shelf)
  }
}
