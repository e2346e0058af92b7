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

function reset(): void {
  begun = 0
}
