/** A test of the configuration, its names settled and its place known. */

import type { CloudEvent, Origin } from '../event/index.ts'
import type { Failing, TestConfig, TestEvent } from '../router/config.ts'
import type { Hidden } from './interpolate.ts'

/** Everything that a test says, but for what is told apart below. */
type Said = Omit<TestConfig, 'name' | 'event' | 'from' | 'fail' | 'to' | 'at' | 'repeat'>

export interface ConfigTest extends Said {
  readonly name: string
  /** Where it stands; line and column from 1. */
  readonly file: string
  readonly line: number
  readonly column: number
  /** The one route whose deliveries are looked at; those of all when absent. */
  readonly route?: string
  /** Milliseconds since the epoch. */
  readonly begins: number
  readonly events: readonly TestEvent[]
  /** Where the events come in. */
  readonly origin: Origin
  readonly repeat: { readonly times: number; readonly every: number }
  readonly failing?: Failing
  /** Empty when nothing may be sent; absent when that is not asked. */
  readonly to?: readonly string[]
  /** What variables stood for: their names are shown instead. */
  readonly hidden: readonly Hidden[]
}

/** The event that a test writes, with what an event must have; unchecked. */
export function testEvent(
  { id, source, type, subject, time, datacontenttype, dataschema, data, ...extensions }: TestEvent,
  made: { readonly id: string; readonly now: number },
): CloudEvent {
  return {
    specversion: '1.0',
    id: id ?? made.id,
    source: source ?? '/headgate/check',
    type,
    ...(subject === undefined ? {} : { subject }),
    time: time ?? new Date(made.now).toISOString(),
    ...(data === undefined
      ? datacontenttype === undefined
        ? {}
        : { datacontenttype }
      : { datacontenttype: datacontenttype ?? 'application/json', data: bytesOf(data, datacontenttype) }),
    ...(dataschema === undefined ? {} : { dataschema }),
    ...(Object.keys(extensions).length === 0 ? {} : { extensions }),
  }
}

/** Text of a type that is not JSON is what it says; anything else is written as JSON. */
const bytesOf = (data: unknown, contentType = 'application/json'): Uint8Array =>
  Buffer.from(typeof data === 'string' && !/[/+]json\b/i.test(contentType) ? data : JSON.stringify(data))
