/** CloudEvent -> Kafka record: the binary and the structured mode of the protocol binding. Pure. */

import { attributeTexts, type CloudEvent, expandTemplate, extension, formatJsonEvent } from '#connector'
import type { KafkaSinkConfig } from './sink-config.ts'

export interface OutgoingRecord {
  readonly key: string | null
  /** Null is a tombstone: what an event without data is in binary mode. */
  readonly value: Buffer | null
  readonly headers: Record<string, string>
}

const STRUCTURED = 'application/cloudevents+json; charset=UTF-8'

/** Returns the record of an event. The key is its `partitionkey` unless the sink says otherwise; an empty one is none. */
export function toRecord(event: CloudEvent, { key, mode }: Pick<KafkaSinkConfig, 'key' | 'mode'>): OutgoingRecord {
  const text = key === undefined ? extension(event, 'partitionkey') : expandTemplate(key, event)
  const head = { key: text === undefined || text === '' ? null : text }
  if (mode === 'structured')
    return { ...head, value: bytes(formatJsonEvent(event)), headers: { 'content-type': STRUCTURED } }
  const headers: Record<string, string> = {}
  for (const [name, value] of attributeTexts(event)) headers[`ce_${name}`] = value
  if (event.datacontenttype !== undefined) headers['content-type'] = event.datacontenttype
  return { ...head, value: event.data === undefined ? null : bytes(event.data), headers }
}

/** Bytes that stand in a record beside its value, roughly: what the sizes of batches are reckoned with. */
export const sizeOf = ({ headers, key, value }: OutgoingRecord): number => {
  let size = 64 + (key?.length ?? 0) + (value?.length ?? 0)
  for (const name in headers) size += name.length + (headers[name]?.length ?? 0) + 4
  return size
}

const bytes = (data: Uint8Array): Buffer => Buffer.from(data.buffer, data.byteOffset, data.byteLength)
