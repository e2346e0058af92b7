/** Pure: notifications of S3 in all their forms, and changes of files, become CloudEvents. */

import { pathToFileURL } from 'node:url'
import * as z from 'zod'
import { type CloudEvent, validateEvent } from '#connector'
import { mediaTypeOf } from './media.ts'

/** What happened to one object or file. */
export interface Change {
  readonly kind: 'created' | 'deleted' | 'other'
  /** The key of the object, or the path of the file below its directory. */
  readonly key: string
  readonly bucket: string
  readonly version?: string | undefined
  readonly event: CloudEvent
}

const text = z.string()
const record = z.looseObject({
  eventVersion: text.regex(/^2\./),
  eventSource: text,
  awsRegion: text.optional(),
  eventTime: text.optional(),
  eventName: text,
  responseElements: z.record(text, text).nullish(),
  s3: z.looseObject({
    bucket: z.looseObject({ name: text }),
    object: z.looseObject({
      key: text,
      eTag: text.nullish(),
      versionId: text.nullish(),
      sequencer: text.nullish(),
    }),
  }),
})
const bridged = z.looseObject({
  source: z.literal('aws.s3'),
  'detail-type': text,
  id: text,
  time: text.optional(),
  region: text.optional(),
  detail: z.looseObject({
    bucket: z.looseObject({ name: text }),
    object: z.looseObject({ key: text, 'version-id': text.nullish(), sequencer: text.nullish() }),
    'request-id': text.nullish(),
    reason: text.nullish(),
    'deletion-type': text.nullish(),
  }),
})
const notification = z.looseObject({ Records: z.array(record).min(1) })
const testEvent = z.looseObject({ Service: z.literal('Amazon S3'), Event: z.literal('s3:TestEvent') })
const wrapped = z.looseObject({ Type: z.literal('Notification'), Message: text })

/**
 * Reads a notification as S3, MinIO, EventBridge and SNS write it; a test event has no changes. Undefined when it is
 * none of these.
 */
export function readNotification(body: string): readonly Change[] | undefined {
  const value = readJson(body)
  if (testEvent.safeParse(value).success) return []
  const records = notification.safeParse(value)
  if (records.success) return records.data.Records.map(ofRecord)
  const event = bridged.safeParse(value)
  if (event.success) return [ofBridged(event.data)]
  const inner = wrapped.safeParse(value)
  return inner.success ? readNotification(inner.data.Message) : undefined
}

function ofRecord(given: z.output<typeof record>): Change {
  const { awsRegion = '', eventName, eventSource, eventTime = '', responseElements, s3 } = given
  const { object } = s3
  const name = eventName.replace(/^s3:/, '')
  const key = decodeKey(object.key)
  const request = responseElements ?? {}
  const ids = [request['x-amz-request-id'], request['x-amz-id-2']].filter(Boolean)
  // One request may be several records: of DeleteObjects one for each key.
  const what = [object.key, object.sequencer ?? object.versionId ?? object.eTag ?? '']
  return change(name, { key, bucket: s3.bucket.name, version: object.versionId }, given, {
    id: [...(ids.length > 0 ? ids : [eventTime]), ...what].join('.'),
    source: [eventSource, awsRegion, s3.bucket.name].filter((part) => part !== '').join('.'),
    time: eventTime,
    sequencer: object.sequencer,
  })
}

/** What EventBridge calls the reason, as notifications call it. */
const REASONS: Readonly<Record<string, string>> = {
  PutObject: 'Put',
  'POST Object': 'Post',
  CopyObject: 'Copy',
  'Permanently Deleted': 'Delete',
  'Delete Marker Created': 'DeleteMarkerCreated',
}
const KINDS: Readonly<Record<string, string>> = { 'Object Created': 'ObjectCreated', 'Object Deleted': 'ObjectRemoved' }

function ofBridged(given: z.output<typeof bridged>): Change {
  const { detail, id, region = '', time = '' } = given
  const { bucket, object, reason } = detail
  const kind = KINDS[given['detail-type']] ?? given['detail-type'].replaceAll(' ', '')
  const why = detail['deletion-type'] ?? reason ?? ''
  const name = why === '' ? kind : `${kind}:${REASONS[why] ?? why.replaceAll(' ', '')}`
  return change(name, { key: object.key, bucket: bucket.name, version: object['version-id'] }, detail, {
    id: [detail['request-id'] ?? id, encodeURIComponent(object.key), object.sequencer ?? ''].join('.'),
    source: ['aws:s3', region, bucket.name].filter((part) => part !== '').join('.'),
    time,
    sequencer: object.sequencer,
  })
}

interface Named {
  readonly id: string
  readonly source: string
  readonly time: string
  readonly sequencer: string | null | undefined
}

interface Thing {
  readonly key: string
  readonly bucket: string
  readonly version?: string | null | undefined
}

function change(name: string, { bucket, key, version }: Thing, data: unknown, named: Named): Change {
  const kind = /^ObjectCreated\b/.test(name) ? 'created' : DELETED.test(name) ? 'deleted' : 'other'
  const where = `s3://${bucket}/${key.split('/').map(encodeURIComponent).join('/')}`
  const { id, sequencer, source, time } = named
  const event: CloudEvent = {
    specversion: '1.0',
    id,
    source,
    type: `com.amazonaws.s3.${name}`,
    subject: printable(key),
    ...(time !== '' && { time }),
    datacontenttype: 'application/json',
    extensions: {
      // As text, sequencers of one key compare once they are of one length.
      ...(sequencer && { sequence: sequencer.padStart(32, '0') }),
      ...(kind === 'created' && { dataref: where }),
    },
    data: Buffer.from(JSON.stringify(data)),
  }
  return { kind, key, bucket, event, ...(version && { version }) }
}

const DELETED = /^(ObjectRemoved|LifecycleExpiration)\b/

/** A file as it was when it was complete, or was last seen. */
export interface FileSeen {
  /** Below the directory, with slashes. */
  readonly path: string
  /** Tells apart what the path was at different times: inode, nanoseconds of its last change, size. */
  readonly stamp: string
}

/** Returns the change of a file of a source's directory. The same file unchanged is always the same event. */
export function fileChange(kind: 'created' | 'deleted', { path, stamp }: FileSeen, name: string, root: string): Change {
  const [, mtime = '0', size = '0'] = stamp.split('-')
  const at = new Date(Number(BigInt(mtime) / 1_000_000n)).toISOString()
  const event: CloudEvent = {
    specversion: '1.0',
    id: `${encodeURI(path)}#${stamp}${kind === 'deleted' ? '-deleted' : ''}`,
    source: `/storage/${encodeURIComponent(name)}`,
    type: `headgate.storage.${kind}`,
    subject: printable(path),
    ...(kind === 'created' && { time: at }),
    datacontenttype: 'application/json',
    ...(kind === 'created' && { extensions: { dataref: pathToFileURL(`${root}/${path}`).href } }),
    data: Buffer.from(JSON.stringify({ path, size: Number(size), mtime: at })),
  }
  return { kind, key: path, bucket: '', event }
}

/** Returns the event with these bytes as its data. What they are is what was told, else what the name says. */
export const withData = ({ event, key }: Change, data: Uint8Array, told?: string): CloudEvent => {
  const typed = { ...event, datacontenttype: mediaTypeOf(key, told), data }
  return validateEvent(typed).length === 0 ? typed : { ...typed, datacontenttype: mediaTypeOf(key) }
}

export interface Wishes {
  readonly events: readonly string[]
  readonly prefix: readonly string[]
  readonly suffix: readonly string[]
}

/** Whether an operator wants to hear of a change. */
export const isWanted = ({ key, kind }: Pick<Change, 'key' | 'kind'>, wishes: Wishes): boolean =>
  wishes.events.includes(kind) && isNamed(key, wishes)

/** Whether an operator wants to hear of what has this name. */
export const isNamed = (key: string, { prefix, suffix }: Omit<Wishes, 'events'>): boolean =>
  (prefix.length === 0 || prefix.some((each) => key.startsWith(each))) &&
  (suffix.length === 0 || suffix.some((each) => key.endsWith(each)))

/** S3 writes keys as forms do: a plus is a blank. */
function decodeKey(key: string): string {
  try {
    return decodeURIComponent(key.replaceAll('+', ' '))
  } catch {
    return key
  }
}

/** A key may hold what no attribute may. */
const printable = (key: string): string => (FORBIDDEN.test(key) || key === '' ? encodeURIComponent(key) || '/' : key)
const FORBIDDEN = /[\p{Cc}\p{Cs}\p{Noncharacter_Code_Point}]/u

function readJson(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    return undefined
  }
}
