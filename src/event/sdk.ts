/** Events of the npm `cloudevents` SDK, which the embedding API accepts and returns, to ours and back. */

import { type CloudEventV1, CloudEvent as SdkEvent } from 'cloudevents'
import { GatewayError } from '../errors.ts'
import { assemble } from './attributes.ts'
import type { CloudEvent } from './event.ts'
import { uuidv7 } from './id.ts'
import { checkJson } from './json.ts'
import { isJsonType, mediaType } from './text.ts'
import { checkEvent } from './validate.ts'

/** An event as a program has it: of the SDK's class, a plain object of its shape, or one of ours. Without an id it gets one. */
export type AnyEvent = CloudEvent | (Partial<CloudEventV1<unknown>> & Pick<CloudEventV1<unknown>, 'source' | 'type'>)

/** The body of an event: its bytes, and what they are. */
export type Content = Pick<CloudEvent, 'data' | 'datacontenttype'>

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/**
 * Returns the event as the gateway keeps it; bytes are not copied. Data is written as `contentOf` says. Throws
 * EVENT_INVALID that names each broken rule.
 */
export function fromSdk(given: AnyEvent): CloudEvent {
  const {
    data,
    data_base64: base64,
    datacontenttype,
    extensions,
    ...attributes
  } = given as Partial<CloudEventV1<unknown>>
  const all = {
    id: uuidv7(),
    specversion: '1.0',
    ...attributes,
    ...(isRecord(extensions) ? extensions : { extensions }),
  }
  const body = data === undefined && typeof base64 === 'string' ? Buffer.from(base64, 'base64') : data
  const content = contentOf(body, datacontenttype)
  // An attribute that the SDK holds as undefined is one that is not there.
  const set = Object.entries(all).filter(([, value]) => value !== undefined)
  return checkEvent(assemble(set, content.datacontenttype, content.data), 'event (program): reading')
}

/**
 * Returns a value as the body of an event: bytes stay what they are, a string is the text itself, anything else
 * becomes JSON. Throws EVENT_INVALID for text that is not the JSON that `datacontenttype` says it is, and for a value
 * that JSON cannot hold.
 */
export function contentOf(value: unknown, datacontenttype?: string): Content {
  const typed = (data: Uint8Array, usual?: string): Content => {
    const type = datacontenttype ?? usual
    return type === undefined ? { data } : { data, datacontenttype: type }
  }
  if (value === undefined) return datacontenttype === undefined ? {} : { datacontenttype }
  if (ArrayBuffer.isView(value)) return typed(new Uint8Array(value.buffer, value.byteOffset, value.byteLength))
  if (value instanceof ArrayBuffer) return typed(new Uint8Array(value))
  if (typeof value === 'string') {
    const data = encoder.encode(value)
    if (datacontenttype !== undefined && isJsonType(datacontenttype)) checkJson(data)
    return typed(data, 'text/plain')
  }
  return typed(encoder.encode(toJson(value)), 'application/json')
}

/**
 * Returns the event as one of the SDK: data is a value if it is JSON, a string if it is text, bytes otherwise. The SDK
 * gives an event without a time the present one.
 */
export function toSdk({ data, extensions, ...attributes }: CloudEvent): SdkEvent<unknown> {
  const value = data && readData(data, attributes.datacontenttype)
  // Checked already, and by more exact rules than the SDK's.
  return new SdkEvent<unknown>({ ...extensions, ...attributes, ...(data && { data: value }) }, false)
}

/** Data that is not what its type says stays bytes. */
function readData(data: Uint8Array, datacontenttype: string | undefined): unknown {
  if (isJsonType(datacontenttype)) {
    try {
      return JSON.parse(decoder.decode(data)) as unknown
    } catch {
      return data
    }
  }
  return mediaType(datacontenttype ?? '').startsWith('text/') ? decoder.decode(data) : data
}

function toJson(value: unknown): string {
  const wrong = (why: string, cause?: unknown) =>
    new GatewayError(
      'EVENT_INVALID',
      `event (program): writing data: ${why}; give text, bytes, or what JSON can hold`,
      {
        cause,
      },
    )
  let text: string | undefined
  try {
    text = JSON.stringify(value)
  } catch (cause) {
    throw wrong(cause instanceof Error ? (cause.message.split('\n')[0] ?? '') : String(cause), cause)
  }
  if (text === undefined) throw wrong(`a ${typeof value} is no data`)
  return text
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null
