/** What happens on the path, as lines of JSON for as long as somebody reads them. */

import { Readable } from 'node:stream'
import type { CloudEvent, Origin } from '../event/index.ts'
import type { AdminParts } from './parts.ts'
import { activityView, originOf } from './views.ts'

/** Lines that wait for a slow reader; what comes beyond that is left out and counted. */
const MOST_WAITING = 1_024

type Predicate = (event: CloudEvent, origin: Origin) => boolean

/** Returns a stream of lines. It holds nothing of the gateway up, and ends its subscription when it is closed. */
export function tail(subscribe: AdminParts['subscribe'], when: Predicate | undefined, now: () => number): Readable {
  let skipped = 0
  const stream = new Readable({ objectMode: true, highWaterMark: MOST_WAITING, read: () => {} })
  const end = subscribe((activity) => {
    if (when && !when(activity.event, originOf(activity))) return
    if (stream.readableLength >= MOST_WAITING) {
      skipped += 1
      return
    }
    if (skipped > 0) stream.push(line({ time: new Date(now()).toISOString(), kind: 'skipped', lines: skipped }))
    skipped = 0
    stream.push(line(activityView(activity, now())))
  })
  stream.once('close', end)
  return stream
}

const line = (view: object): Buffer => Buffer.from(`${JSON.stringify(view)}\n`)
