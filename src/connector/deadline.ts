/** A signal that ends with others, or at its time. */

/** What is open of each signal that others end with: it has one listener for all of them. */
const open = new WeakMap<AbortSignal, Set<(reason: unknown) => void>>()

/**
 * The time that a piece of work may take. `AbortSignal.any` and `AbortSignal.timeout` are six times the price, and leave
 * a timer behind that runs on after the work is over, with all that the collector has to find again.
 */
export class Deadline {
  readonly #controller = new AbortController()
  readonly #end = (reason: unknown): void => this.#controller.abort(reason)
  readonly #others: readonly AbortSignal[]
  readonly #timer: NodeJS.Timeout
  #passed = false

  /** Ends in that many milliseconds, or with the first of `others`, with its reason. `end` it when the work is over. */
  constructor(ms: number, ...others: readonly AbortSignal[]) {
    this.#others = others
    for (const other of others) {
      if (other.aborted) this.#end(other.reason)
      else openOf(other).add(this.#end)
    }
    this.#timer = setTimeout(this.#pass, ms)
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** Whether the time was over before the work was. */
  get passed(): boolean {
    return this.#passed
  }

  /** The work is over: nothing ends the signal any more. */
  end(): void {
    clearTimeout(this.#timer)
    for (const other of this.#others) open.get(other)?.delete(this.#end)
  }

  readonly #pass = (): void => {
    this.#passed = true
    this.#end(new DOMException('the time for it is over', 'TimeoutError'))
  }
}

function openOf(signal: AbortSignal): Set<(reason: unknown) => void> {
  const held = open.get(signal)
  if (held) return held
  const ends = new Set<(reason: unknown) => void>()
  open.set(signal, ends)
  const endAll = (): void => {
    for (const end of ends) end(signal.reason)
  }
  signal.addEventListener('abort', endAll, { once: true })
  return ends
}

/**
 * Resolves or rejects as `work` does, but for an abort, with which it rejects at once: undici (8.12.4) hears of it once it
 * has a connection or gave up on one, and a host that drops the SYN would hold an attempt beyond its time. A request that
 * was aborted is not sent when there is one later.
 */
export async function unlessAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>()
  const stop = () => reject(signal.reason)
  signal.addEventListener('abort', stop, { once: true })
  if (signal.aborted) stop()
  try {
    return await Promise.race([work, promise])
  } finally {
    signal.removeEventListener('abort', stop)
  }
}
