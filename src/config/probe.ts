/** Makes the probe of a function of its options. */

import type { FunctionConfig } from '../pool/config.ts'
import type { Probe } from '../pool/pool.ts'

/** The event is the same each time: what a function did about it once it can tell from anything else. */
export function makeProbe({ event, reply, timeout }: NonNullable<FunctionConfig['probe']>): Probe {
  const { data, datacontenttype, subject, type, ...extensions } = event
  const content = datacontenttype ?? (data === undefined ? undefined : 'application/json')
  return {
    event: {
      specversion: '1.0',
      id: 'probe',
      source: '/headgate/probe',
      type,
      ...(subject === undefined ? {} : { subject }),
      ...(content === undefined ? {} : { datacontenttype: content }),
      ...(data === undefined ? {} : { data: bytesOf(data, content) }),
      ...(Object.keys(extensions).length === 0 ? {} : { extensions }),
    },
    ...(reply === undefined ? {} : { reply }),
    timeoutMs: timeout,
  }
}

/** Plain bytes, as a configuration that was read in a thread has them. */
const bytesOf = (data: unknown, content = 'application/json'): Uint8Array =>
  new TextEncoder().encode(typeof data === 'string' && !/[/+]json\b/i.test(content) ? data : JSON.stringify(data))
