/** The system's clock, for a source that is lent no other. */

import { setTimeout as sleep } from 'node:timers/promises'
import type { Clock } from '#connector'

/** Timers do not see the clock being set: looking as often as this bounds how late that is noticed. */
const LONGEST_SLEEP_MS = 5_000

export const systemClock: Clock = {
  now: () => Date.now(),
  until: (at, signal) => sleep(Math.min(Math.max(0, at - Date.now()), LONGEST_SLEEP_MS), undefined, { signal }),
}
