/** Gives the event loop its turn: deliveries that wait for nothing would keep everything else from being served. */

/** Deliveries that begin in one turn of the loop; at 40 us each, 5 ms. */
const MOST = 128

let begun = 0

/** Counts a delivery that is about to begin. When this says no, it is to begin after `nextTurn`. */
export function mayBegin(): boolean {
  if (begun === 0) setImmediate(reset)
  begun += 1
  return begun <= MOST
}

/** Resolves once sockets and timers have had their turn. */
export const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** Work that may be long. Between pieces of it the loop serves others, whenever it has gone on for `PIECE_MS`. */
export class LongWork {
  #begun = performance.now()

  /** Resolves when the next piece may be done: at once, or after sockets and timers have had their turn. */
  readonly goOn = async (): Promise<void> => {
    if (performance.now() - this.#begun < PIECE_MS) return
    await nextTurn()
    this.#begun = performance.now()
  }
}

/** What holds up a call for as long is not seen. */
const PIECE_MS = 8

function reset(): void {
  begun = 0
}
