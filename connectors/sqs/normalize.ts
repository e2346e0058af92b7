/** Pure: an SQS message becomes a CloudEvent; what already is one passes through. */

import {
  type CloudEvent,
  eventFromTexts,
  isAttributeName,
  mediaType,
  parseJsonEvent,
  STRUCTURED_TYPE,
  validateEvent,
} from '#connector'
import type { Message } from './queue.ts'

const DOING = 'event (sqs): reading'
/** Before the name of an attribute, in binary mode: Headgate writes the first. */
const PREFIX = /^ce[-_]/i

type Attributes = NonNullable<Message['MessageAttributes']>

/** Returns the event of a message of the queue with this ARN; the same one whenever SQS sends the message again. */
export const normalize = (message: Message, arn: string): CloudEvent => eventOf(message) ?? plainEvent(message, arn)

/** Returns the event that a message carries, in structured or binary mode; undefined when it carries none. */
export function eventOf({ Body = '', MessageAttributes = {} }: Message): CloudEvent | undefined {
  const body = Buffer.from(Body)
  const contentType = contentTypeOf(MessageAttributes)
  return structured(body, contentType) ?? binary(body, MessageAttributes, contentType)
}

/** A JSON object with a `specversion` that reads as an event is one; whatever else it is, it is passed on as it is. */
function structured(body: Buffer, contentType: string | undefined): CloudEvent | undefined {
  const said = contentType !== undefined && mediaType(contentType) === STRUCTURED_TYPE
  if (!said && !(/^\s*\{/.test(body.toString('latin1', 0, 64)) && body.includes('"specversion"'))) return undefined
  return readable(() => parseJsonEvent(body))
}

function binary(body: Buffer, attributes: Attributes, contentType: string | undefined): CloudEvent | undefined {
  const texts = Object.entries(attributes)
    .filter(([name]) => PREFIX.test(name))
    .map(([name, { StringValue = '' }]) => [name.replace(PREFIX, '').toLowerCase(), StringValue] as const)
  if (!texts.some(([name]) => name === 'specversion')) return undefined
  const type = contentType ?? texts.find(([name]) => name === 'datacontenttype')?.[1]
  const named = texts.filter(([name]) => name !== 'datacontenttype')
  return readable(() => eventFromTexts(named, type, body, DOING))
}

/** Returns the event made of a message that carries none. */
export function plainEvent(message: Message, arn: string): CloudEvent {
  const { Attributes: system = {}, Body = '', MessageAttributes = {}, MessageId = '' } = message
  const contentType = contentTypeOf(MessageAttributes)
  const { MessageGroupId, SentTimestamp, SequenceNumber } = system
  const extensions = {
    ...named(MessageAttributes),
    ...(MessageGroupId !== undefined && { partitionkey: MessageGroupId }),
    ...(SequenceNumber !== undefined && { sequence: SequenceNumber.padStart(20, '0') }),
  }
  const event: CloudEvent = {
    specversion: '1.0',
    id: MessageId,
    source: arn,
    type: 'com.amazon.sqs.message',
    ...(SentTimestamp !== undefined && { time: new Date(Number(SentTimestamp)).toISOString() }),
    ...(Object.keys(extensions).length > 0 && { extensions }),
    data: Buffer.from(Body),
  }
  const typed = contentType === undefined ? event : { ...event, datacontenttype: contentType }
  return validateEvent(typed).length === 0 ? typed : event
}

/** `sqsmsg` and the name of each message attribute in lower-case letters and digits; what cannot be one is left out. */
function named(attributes: Attributes): Record<string, string> {
  const extensions: Record<string, string> = {}
  for (const [name, { BinaryValue, StringValue }] of Object.entries(attributes)) {
    const value = StringValue ?? (BinaryValue && Buffer.from(BinaryValue).toString('base64'))
    const extension = `sqsmsg${name.toLowerCase().replace(/[^a-z0-9]/g, '')}`
    if (value === undefined || extension in extensions || !isAttributeName(extension)) continue
    const one: CloudEvent = { specversion: '1.0', id: '1', source: '/', type: 't', extensions: { [extension]: value } }
    if (validateEvent(one).length === 0) extensions[extension] = value
  }
  return extensions
}

function readable(read: () => CloudEvent): CloudEvent | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}

const contentTypeOf = (attributes: Attributes): string | undefined =>
  (attributes['content-type'] ?? attributes['contentType'] ?? attributes['Content-Type'])?.StringValue
