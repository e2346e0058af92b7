/** What functions reach while they run, put together: stores, requests that go out, and the path. */

import { join } from 'node:path'
import type { Config } from './config/index.ts'
import { AskedByFunctions, type AskedParts } from './delivery/asked.ts'
import { GatewayError } from './errors.ts'
import { Outgoing } from './host/outgoing.ts'
import { type Disk, MemoryDisk } from './host/shelf.ts'
import { Stores } from './host/stores.ts'
import { CommitError, Store } from './journal/store.ts'
import type { Lifecycle } from './lifecycle.ts'
import type { Host } from './pool/host.ts'

export interface HostingParts extends AskedParts {
  readonly config: Pick<Config, 'journal' | 'stores'>
  readonly life: Lifecycle
  /** Hears what ends the gateway. */
  readonly failed: (error: Error) => void
}

/** Opens nothing yet: a store is opened when the first function asks for it. Stopped with `life`. */
export async function openHost(parts: HostingParts): Promise<Host> {
  const { config, life } = parts
  const stores = await life.open(
    'stores',
    async () => new Stores(config.stores, () => openDisk(parts)),
    (opened) => opened.close(),
  )
  const outgoing = await life.open(
    'requests of functions',
    async () => new Outgoing(),
    (opened) => opened.close(),
  )
  const asked = new AskedByFunctions(parts)
  return {
    store: (name) => stores.store(name),
    send: (request, caller) => outgoing.send(request, caller),
    publish: (message, caller) => asked.publish(message, caller),
    request: (message, caller, timeoutMs) => asked.request(message, caller, timeoutMs),
    call: (name, parameters, caller, pool) => asked.call(name, parameters, caller, pool),
  }
}

/** Within the folder of the journal, which one process has at a time; a file of its own, so that neither waits for the other. */
function openDisk({ config, failed }: HostingParts): Disk {
  const { memory, path } = config.journal
  if (memory) return new MemoryDisk()
  const store = new Store(join(path, 'stores'))
  return {
    get: (key) => store.get(key),
    keys: (start, end, limit) => store.keys(start, end, limit),
    commit: (changes) => store.commit(changes).catch((error: unknown) => refused(error, failed)),
    close: () => store.close(),
  }
}

/** A disk that is full refuses a write; one that fails ends the gateway, as it does for the journal. */
function refused(error: unknown, failed: (error: Error) => void): never {
  if (error instanceof CommitError && !error.full)
    failed(new GatewayError('JOURNAL_IO', `stores (lmdb): writing: ${error.message}`, { cause: error }))
  throw error
}
