/** What stores on disk write and have not on disk yet: writes that come together go together, and nobody reads what may be lost. */

/** The disk, keys in order: the store of the journal is one. */
export interface Disk {
  get(key: Buffer): Buffer | undefined
  keys(start: Buffer, end: Buffer, limit?: number): Iterable<Buffer>
  /** Resolves once all of it is on disk, and nothing of it when it rejects. */
  commit(changes: readonly (readonly [key: Buffer, value: Buffer | undefined])[]): Promise<void>
  close(): Promise<void>
}

/** Changes that become durable together, by key. */
class Batch {
  readonly changes = new Map<string, readonly [key: Buffer, value: Buffer | undefined]>()
  readonly done = Promise.withResolvers<void>()

  constructor() {
    // Whoever wrote awaits it, too.
    this.done.promise.catch(() => {})
  }
}

export class Shelf {
  readonly #disk: Disk
  #writing: Batch | undefined
  #gathering: Batch | undefined

  constructor(disk: Disk) {
    this.#disk = disk
  }

  /** The value as the last write left it, on disk or on its way there. */
  latest(key: Buffer): Buffer | undefined {
    const name = nameOf(key)
    const change = this.#gathering?.changes.get(name) ?? this.#writing?.changes.get(name)
    return change ? change[1] : this.#disk.get(key)
  }

  /** Resolves with the value once it is on disk. */
  async durable(key: Buffer): Promise<Buffer | undefined> {
    const name = nameOf(key)
    const batch = [this.#gathering, this.#writing].find((one) => one?.changes.has(name))
    if (!batch) return this.#disk.get(key)
    const value = batch.changes.get(name)?.[1]
    await batch.done.promise
    return value
  }

  /** Keys from `start` up to and without `end` that are on disk. */
  keys(start: Buffer, end: Buffer, limit: number): Buffer[] {
    return [...this.#disk.keys(start, end, limit)]
  }

  /** Resolves once the changes are on disk, all or nothing of them. */
  write(changes: readonly (readonly [key: Buffer, value: Buffer | undefined])[]): Promise<void> {
    this.#gathering ??= new Batch()
    const batch = this.#gathering
    for (const change of changes) batch.changes.set(nameOf(change[0]), change)
    if (!this.#writing) void this.#flush()
    return batch.done.promise
  }

  /** Resolves once everything is on disk. */
  async close(): Promise<void> {
    while (this.#writing) await this.#writing.done.promise.catch(() => {})
    await this.#disk.close()
  }

  async #flush(): Promise<void> {
    for (let batch = this.#next(); batch; batch = this.#next()) {
      try {
        await this.#disk.commit([...batch.changes.values()])
        batch.done.resolve()
      } catch (error) {
        batch.done.reject(error)
        // What gathered meanwhile was computed from what is not there.
        this.#gathering?.done.reject(error)
        this.#gathering = undefined
      }
    }
  }

  #next(): Batch | undefined {
    this.#writing = this.#gathering
    this.#gathering = undefined
    return this.#writing
  }
}

const nameOf = (key: Buffer): string => key.toString('latin1')

/** A disk that forgets, for tests and for gateways whose journal is in memory. */
export class MemoryDisk implements Disk {
  readonly #values = new Map<string, Buffer>()

  get(key: Buffer): Buffer | undefined {
    return this.#values.get(nameOf(key))
  }

  keys(start: Buffer, end: Buffer, limit = Number.MAX_SAFE_INTEGER): Iterable<Buffer> {
    const all = [...this.#values.keys()].filter((name) => name >= nameOf(start) && name < nameOf(end)).sort()
    return all.slice(0, limit).map((name) => Buffer.from(name, 'latin1'))
  }

  async commit(changes: readonly (readonly [key: Buffer, value: Buffer | undefined])[]): Promise<void> {
    for (const [key, value] of changes)
      if (value) this.#values.set(nameOf(key), value)
      else this.#values.delete(nameOf(key))
  }

  async close(): Promise<void> {}
}
