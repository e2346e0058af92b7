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
