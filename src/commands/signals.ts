/** The signals that end `run`: the first asks, a later one insists. */

/**
 * A terminal sends Ctrl-C to the whole group and npm passes it on as well, so `npm start` gets it twice within a few
 * milliseconds. Nobody types it twice that fast.
 */
const SAME_MS = 400

const NUMBERS = { SIGINT: 2, SIGTERM: 15 } as const

export class Signals {
  /** Resolves with the first signal. */
  readonly first: Promise<NodeJS.Signals>
  #at: number | undefined

  /** Listens from now on. */
  constructor() {
    const { promise, resolve } = Promise.withResolvers<NodeJS.Signals>()
    this.first = promise
    for (const name of ['SIGINT', 'SIGTERM'] as const)
      process.on(name, () => {
        const now = performance.now()
        if (this.#at !== undefined && now - this.#at > SAME_MS) process.exit(128 + NUMBERS[name])
        this.#at ??= now
        resolve(name)
      })
  }
}
