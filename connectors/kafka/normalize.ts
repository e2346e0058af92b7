/** Kafka record -> CloudEvent, pure: what already is an event passes through, everything else becomes `dev.knative.kafka.event`. */

import { isUtf8 } from 'node:buffer'
import {
  type CloudEvent,
  type ExtensionValue,
  eventFromTexts,
  GatewayError,
  mediaType,
  parseJsonEvent,
  validateEvent,
} from '#connector'

/** A header as kafkajs gives it: a list when the name came more than once. */
export type HeaderValue = Buffer | string | (Buffer | string)[] | undefined

/** What of a record becomes an event. */
export interface KafkaRecord {
  readonly key: Buffer | null
  /** Null is a tombstone. */
  readonly value: Buffer | null
  readonly headers?: Readonly<Record<string, HeaderValue>>
  /** Milliseconds since the epoch, as text; -1 when there is none. */
  readonly timestamp: string
  readonly offset: string
}

export interface Origin {
  /** The source's name, as a URI may hold it. */
  readonly name: string
  readonly topic: string
  readonly partition: number
}

export interface Normalized {
  readonly event: CloudEvent
  /** The record was no event. */
  readonly made: boolean
}

const DOING = 'event (kafka): reading headers'
const PLAIN = /^[\x20-\x7e]{1,1024}$/

/** Returns the event of a record. Never throws: what says it is an event and is none is taken as any other record. */
export function normalize(record: KafkaRecord, origin: Origin): Normalized {
  const carried = eventOf(record)
  return { event: carried ?? plainEvent(record, origin), made: carried === undefined }
}

/** The event that a record says it is; undefined when it does not say so, or is not one. */
function eventOf({ headers, value }: KafkaRecord): CloudEvent | undefined {
  if (headers === undefined) return undefined
  const contentType = text(headers['content-type'])
  try {
    if (contentType?.toLowerCase().startsWith('application/cloudevents'))
      return mediaType(contentType) === 'application/cloudevents+json' && value !== null
        ? parseJsonEvent(value)
        : undefined
    return headers['ce_specversion'] === undefined ? undefined : binaryEvent(headers, contentType, value)
  } catch (error) {
    if (error instanceof GatewayError) return undefined
    throw error
  }
}

/** Header values are plain UTF-8, not percent-encoded as in HTTP (Kafka binding 3.2.4). */
function binaryEvent(
  headers: NonNullable<KafkaRecord['headers']>,
  contentType: string | undefined,
  value: Buffer | null,
): CloudEvent {
  const texts: [string, string][] = []
  for (const name in headers) {
    const found = name.startsWith('ce_') ? text(headers[name]) : undefined
    if (found !== undefined) texts.push([name.slice(3), found])
  }
  return eventFromTexts(texts, contentType, value ?? undefined, DOING)
}

function plainEvent(
  { headers, key, offset, timestamp, value }: KafkaRecord,
  { name, partition, topic }: Origin,
): CloudEvent {
  const extensions: Record<string, ExtensionValue> = {}
  if (key !== null && key.length > 0) extensions['partitionkey'] = keyText(key)
  const contentType = text(headers?.['content-type'])
  for (const header in headers) if (header !== 'content-type') addHeader(extensions, header, text(headers[header]))
  const event: CloudEvent = {
    specversion: '1.0',
    id: `partition:${partition}/offset:${offset}`,
    source: `/kafka/${name}#${topic}`,
    type: 'dev.knative.kafka.event',
    subject: `partition:${partition}#${offset}`,
    ...timed(timestamp),
    extensions,
    ...(value !== null && { data: value }),
  }
  if (contentType === undefined) return event
  const typed = { ...event, datacontenttype: contentType }
  return validateEvent(typed).length === 0 ? typed : event
}

/** A key that is no text is told in base64. */
function keyText(key: Buffer): string {
  const found = isUtf8(key) ? key.toString('utf8') : undefined
  return found !== undefined && isValue(found) ? found : key.toString('base64')
}

function addHeader(extensions: Record<string, ExtensionValue>, header: string, value: string | undefined): void {
  const name = `kafkaheader${header.toLowerCase().replace(/[^a-z0-9]/g, '')}`
  if (value === undefined || name in extensions || !isValue(value)) return
  extensions[name] = value
}

const isValue = (value: string): boolean =>
  PLAIN.test(value) ||
  validateEvent({ specversion: '1.0', id: '1', source: '/', type: 't', extensions: { value } }).length === 0

function timed(timestamp: string): { readonly time?: string } {
  const ms = Number(timestamp)
  return ms >= 0 && ms < 253_402_300_800_000 ? { time: new Date(ms).toISOString() } : {}
}

/** The first value of a header as text; undefined when it has none, or bytes that are no text. */
function text(value: HeaderValue): string | undefined {
  const first = Array.isArray(value) ? value[0] : value
  if (first === undefined || first === null || typeof first === 'string') return first ?? undefined
  return isUtf8(first) ? first.toString('utf8') : undefined
}
