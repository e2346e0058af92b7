/** A signal that ends with others, or at its time. */

/** The longest that a timer waits: with more it would end at once. */
const LONGEST_MS = 2 ** 31 - 1

/** What is open of each signal that others end with. */
const known = new WeakMap<AbortSignal, Ends>()

/**
 * The time that a piece of work may take. `AbortSignal.any` and `AbortSignal.timeout` are six times the price, and leave
 * a timer behind that runs on after the work is over, with all that the collector has to find again.
 */
export class Deadline {
  readonly #controller = new AbortController()
  readonly #end: End = (reason) => this.#controller.abort(reason)
  readonly #others: readonly AbortSignal[]
  readonly #timer: NodeJS.Timeout | undefined
  #passed = false

  /**
   * Ends in that many milliseconds (never by itself when they are infinitely many), or with the first of `others`, with
   * its reason. `end` it when the work is over: nothing of it is left on `others` then.
   */
  constructor(ms: number, ...others: readonly AbortSignal[]) {
    this.#others = others
    for (const other of others) {
      if (other.aborted) this.#end(other.reason)
      else add(other, this.#end)
    }
    if (ms !== Number.POSITIVE_INFINITY) this.#timer = setTimeout(this.#pass, Math.min(ms, LONGEST_MS))
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** Whether the time was over before the work was. */
  get passed(): boolean {
    return this.#passed
  }

  /** Ends the signal now, with this reason: whoever waits for it on behalf of the work is to know. */
  giveUp(reason: unknown): void {
    this.#end(reason)
  }

  /** The work is over: nothing ends the signal any more. */
  end(): void {
    clearTimeout(this.#timer)
    for (const other of this.#others) remove(other, this.#end)
  }

  readonly #pass = (): void => {
    this.#passed = true
    this.#end(new DOMException('the time for it is over', 'TimeoutError'))
  }
}

type End = (reason: unknown) => void

/**
 * What ends with one signal, which has one listener for all of it, and none while there is nothing. Nothing here holds
 * the signal: one that lives for a single piece of work would be collected later, at twice the price of all of this.
 */
interface Ends {
  readonly open: Set<End>
  readonly endAll: (event: Event) => void
}

function add(signal: AbortSignal, end: End): void {
  const { endAll, open } = endsOf(signal)
  if (open.size === 0) signal.addEventListener('abort', endAll, { once: true })
  open.add(end)
}

function remove(signal: AbortSignal, end: End): void {
  const ends = known.get(signal)
  if (ends?.open.delete(end) && ends.open.size === 0) signal.removeEventListener('abort', ends.endAll)
}

function endsOf(signal: AbortSignal): Ends {
  const held = known.get(signal)
  if (held) return held
  const open = new Set<End>()
  const endAll = ({ target }: Event): void => {
    for (const end of open) end(target instanceof AbortSignal ? target.reason : undefined)
  }
  const ends = { open, endAll }
  known.set(signal, ends)
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
