/** Time, as the controls of a lane see it: replaced where tests, and `check`, make their own. */

export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number
  /** Calls back at that time, or soon after. Returns what takes it back. */
  at(time: number, ring: () => void): () => void
}

/** Node's timers hold no more. */
const LONGEST_MS = 2 ** 31 - 1

/** The clock of the machine. A timer may ring early by a millisecond, and after weeks early by much: whoever is rung looks. */
export const SYSTEM_CLOCK: Clock = {
  now: Date.now,
  at(time, ring) {
    const timer = setTimeout(ring, Math.min(LONGEST_MS, Math.max(1, time - Date.now())))
    return () => clearTimeout(timer)
  },
}

/** Resolves that many milliseconds from now. Rejects with the reason of `signal`. */
export function passTime(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const unset = clock.at(clock.now() + ms, () => {
      signal.removeEventListener('abort', stop)
      resolve()
    })
    const stop = (): void => {
      unset()
      reject(signal.reason)
    }
    if (signal.aborted) stop()
    else signal.addEventListener('abort', stop, { once: true })
  })
}
