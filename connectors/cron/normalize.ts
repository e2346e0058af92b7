/** Pure: a tick of a schedule becomes a CloudEvent, named as Knative's PingSource names it. */

import type { CloudEvent } from '#connector'
import type { CronConfig } from './config.ts'

export interface Tick {
  /** The source's name. */
  readonly name: string
  /** Milliseconds since the epoch at which the tick was due, not at which it came. */
  readonly slot: number
  readonly data?: CronConfig['data']
  readonly contentType?: string | undefined
}

/** Returns the event of a tick. A slot always gets the same id, so that it fires once. */
export function normalize({ name, slot, data, contentType }: Tick): CloudEvent {
  const time = new Date(slot).toISOString()
  const isText = typeof data === 'string'
  return {
    specversion: '1.0',
    id: `${name}/${time}`,
    source: `/cron/${encodeURIComponent(name)}`,
    type: 'dev.knative.sources.ping',
    subject: name,
    time,
    ...(data !== undefined && {
      datacontenttype: contentType ?? (isText ? 'text/plain' : 'application/json'),
      data: Buffer.from(isText ? data : JSON.stringify(data)),
    }),
  }
}
