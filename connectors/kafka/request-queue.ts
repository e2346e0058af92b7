/** Mends how kafkajs 2.2.4 waits: each connection sets a timer of 1 ms over and over, with a warning on Node 24 and later. */

/** What of the request queue the new method uses. */
interface RequestQueue {
  throttleCheckTimeoutId: NodeJS.Timeout | null
  readonly throttledUntil: number
  readonly pending: readonly unknown[]
  checkPendingRequests(): void
}

/** How often requests that wait for others are looked at, as in kafkajs. Milliseconds. */
const LOOK_AGAIN_MS = 10

/**
 * Sets a timer only while something waits. Unmended, `throttledUntil - now` is negative and each timer sets the next:
 * about 880 a second and 4 to 5 % of a core for an idle connection (tulios/kafkajs#1751, unmerged #1755).
 */
export function mendRequestQueue(require: NodeJS.Require): void {
  const { prototype } = require('kafkajs/src/network/requestQueue') as { readonly prototype: Record<string, unknown> }
  prototype['scheduleCheckPendingRequests'] = function (this: RequestQueue): void {
    if (this.throttleCheckTimeoutId) return
    let wait = this.throttledUntil - Date.now()
    if (wait <= 0) {
      if (this.pending.length === 0) return
      wait = LOOK_AGAIN_MS
    }
    this.throttleCheckTimeoutId = setTimeout(() => {
      this.throttleCheckTimeoutId = null
      this.checkPendingRequests()
    }, wait)
  }
}
