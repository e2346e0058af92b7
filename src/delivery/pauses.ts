/** Sources that an operator has paused: they find no credit, and so leave what comes where it is, until they are resumed. */

import type { Credit } from '../connector/connector.ts'
import { GatewayError } from '../errors.ts'

/** What a sender is told to wait. Milliseconds. */
const AFTER_MS = 1_000

export class Pauses {
  /** Who waits for each paused source. */
  readonly #paused = new Map<string, PromiseWithResolvers<void>>()
  readonly #sources: () => readonly string[]

  /** `sources` are those of the configuration that runs. */
  constructor(sources: () => readonly string[]) {
    this.#sources = sources
  }

  /** Names of the sources that are paused. */
  get names(): readonly string[] {
    return [...this.#paused.keys()]
  }

  /** What is paused, in words; undefined when nothing is. */
  told(): string | undefined {
    if (this.#paused.size === 0) return undefined
    return `paused: ${this.names.map((name) => `${name} (headgate resume ${name})`).join(', ')}; what comes for it waits upstream`
  }

  /** Holds until it is resumed or the gateway ends, across reloads. Returns whether it was running; undefined when there is no such source. */
  pause(source: string): boolean | undefined {
    if (!this.#sources().includes(source)) return undefined
    if (this.#paused.has(source)) return false
    this.#paused.set(source, Promise.withResolvers())
    return true
  }

  /** Returns whether it was paused; undefined when there is no such source. */
  resume(source: string): boolean | undefined {
    this.#paused.get(source)?.resolve()
    return this.#paused.delete(source) || (this.#sources().includes(source) ? false : undefined)
  }

  /** The credit of one source: none while it is paused, else what `whole` has. */
  credit(source: string, whole: Credit): Credit {
    return {
      refusal: () => (this.#paused.has(source) ? refusalOf(source) : whole.refusal()),
      wait: async (signal) => {
        await whole.wait(signal)
        for (;;) {
          const paused = this.#paused.get(source)
          if (paused === undefined) return
          await until(paused.promise, signal)
          await whole.wait(signal)
        }
      },
    }
  }
}

const refusalOf = (source: string): GatewayError =>
  new GatewayError('OVERLOADED', `${source} (source): accepting: it is paused; run: headgate resume ${source}`, {
    retryAfterMs: AFTER_MS,
  })

async function until(resumed: Promise<void>, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted()
  const { promise, reject } = Promise.withResolvers<never>()
  const stop = () => reject(signal.reason)
  signal.addEventListener('abort', stop, { once: true })
  await Promise.race([resumed, promise]).finally(() => signal.removeEventListener('abort', stop))
}
