/** Starts parts in order and stops them in the opposite one, naming the part that hangs. */

import { GatewayError, toGatewayError } from './errors.ts'

export interface Patience {
  readonly startMs: number
  readonly stopMs: number
}

interface Started {
  readonly name: string
  readonly opened: unknown
  readonly stop: () => Promise<unknown>
}

/** Holds what a gateway has opened, so that it is closed again in the opposite order. */
export class Lifecycle {
  readonly #patience: Patience
  /** In the order of their start. */
  readonly #started = new Set<Started>()
  /** By what they opened: of very many, one is closed as fast as of few. */
  readonly #byOpened = new Map<unknown, Started>()
  #stopping: Promise<void> | undefined

  constructor(patience: Patience) {
    this.#patience = patience
  }

  /** Resolves to what `start` opened; `stop` will close it. Rejects with its error, or naming the part when it hangs. */
  async open<T>(
    name: string,
    start: (signal: AbortSignal) => Promise<T>,
    stop: (opened: T) => Promise<unknown>,
    startMs = this.#patience.startMs,
  ): Promise<T> {
    const abort = new AbortController()
    const starting = start(abort.signal)
    // Never once it has started: Node closes a server that was given the signal to listen with.
    const opened = await within(starting, startMs, `${name} (part): starting: not done after ${startMs} ms`).catch(
      (error: unknown) => {
        abort.abort(error)
        throw error
      },
    )
    const one = { name, opened, stop: () => stop(opened) }
    this.#started.add(one)
    this.#byOpened.set(opened, one)
    return opened
  }

  /** Closes one of them now. Resolves once it is closed, also when it is none of these; rejects naming it when it hangs. */
  async close(opened: unknown): Promise<void> {
    const one = this.#byOpened.get(opened)
    if (one === undefined) return
    this.#started.delete(one)
    this.#byOpened.delete(opened)
    await this.#close(one)
  }

  /** Opens what starts and stops by itself. Resolves when it has started. */
  async run(name: string, part: { start(signal: AbortSignal): Promise<void>; stop(): Promise<void> }): Promise<void> {
    const start = async (signal: AbortSignal) => {
      await part.start(signal)
      return part
    }
    await this.open(name, start, () => part.stop())
  }

  /** Resolves once everything is closed; rejects with the first problem, after trying all. Stopping twice is stopping once. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop()
    return this.#stopping
  }

  async #stop(): Promise<void> {
    const problems: GatewayError[] = []
    const started = [...this.#started].reverse()
    this.#started.clear()
    this.#byOpened.clear()
    for (const one of started) {
      await this.#close(one).catch((error: unknown) => {
        problems.push(toGatewayError(error))
      })
    }
    if (problems[0]) throw problems[0]
  }

  #close({ name, stop }: Started): Promise<unknown> {
    const { stopMs } = this.#patience
    return within(stop(), stopMs, `${name} (part): stopping: not done after ${stopMs} ms`)
  }
}

async function within<T>(work: Promise<T>, limitMs: number, message: string): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new GatewayError('INTERNAL', message)), limitMs)
  try {
    return await Promise.race([work, promise])
  } finally {
    clearTimeout(timer)
  }
}
