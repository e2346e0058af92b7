/** CloudEvent -> SQS message: structured in the body, or data in the body and attributes beside it. Pure. */

import { isUtf8 } from 'node:buffer'
import { hash } from 'node:crypto'
import type { MessageAttributeValue, SendMessageCommandInput } from '@aws-sdk/client-sqs'
import {
  attributeTexts,
  type CloudEvent,
  expandTemplate,
  extension,
  formatJsonEvent,
  STRUCTURED_TYPE,
} from '#connector'

export interface Writing {
  readonly mode: 'structured' | 'binary'
  readonly isFifo: boolean
  /** Template of the message group. */
  readonly group?: string | undefined
}

/** SQS takes no more of them. */
const MOST_ATTRIBUTES = 10
/** What a body or attribute may hold: XML's characters. */
const FORBIDDEN = /[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/u
const GROUP = /^[\w!"#$%&'()*+,./:;<=>?@[\\\]^`{|}~-]{1,128}$/

/** The key that tells a redelivery from another event. */
export const idempotencyKey = ({ id, source }: CloudEvent): string => hash('sha256', `${source}\0${id}`, 'base64url')

/** Returns the message of an event. Throws an error that says why there is none. */
export function toMessage(
  event: CloudEvent,
  { group, isFifo, mode }: Writing,
): Omit<SendMessageCommandInput, 'QueueUrl'> {
  const key = idempotencyKey(event)
  const body = mode === 'structured' ? inBody(event) : beside(event)
  if (body.MessageBody === '') throw new Error('it has no data, and SQS takes no empty body; use mode: structured')
  const attributes = { 'idempotency-key': key, ...body.attributes }
  if (Object.keys(attributes).length > MOST_ATTRIBUTES)
    throw new Error(`it has more attributes than the ten that SQS takes; use mode: structured`)
  return {
    MessageBody: body.MessageBody,
    MessageAttributes: Object.fromEntries(Object.entries(attributes).map(([name, text]) => [name, asText(text)])),
    ...(isFifo && { MessageDeduplicationId: key, MessageGroupId: groupOf(event, group) }),
  }
}

interface Written {
  readonly MessageBody: string
  readonly attributes: Readonly<Record<string, string>>
}

const inBody = (event: CloudEvent): Written => ({
  MessageBody: escaped(Buffer.from(formatJsonEvent(event)).toString()),
  attributes: { 'content-type': STRUCTURED_TYPE },
})

/** JSON may hold noncharacters that SQS does not take, in its strings alone: written as escapes they mean the same. */
const escaped = (json: string): string =>
  FORBIDDEN.test(json)
    ? json.replace(new RegExp(FORBIDDEN, 'gu'), (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`)
    : json

function beside(event: CloudEvent): Written {
  const data = Buffer.from(event.data ?? [])
  const MessageBody = data.toString()
  if (!isUtf8(data) || FORBIDDEN.test(MessageBody))
    throw new Error('its data are not the text that an SQS body is; use mode: structured')
  const texts = attributeTexts(event).map(([name, text]) => [`ce-${name}`, text] as const)
  const { datacontenttype } = event
  const typed = datacontenttype === undefined ? [] : [['content-type', datacontenttype] as const]
  return { MessageBody, attributes: Object.fromEntries([...texts, ...typed]) }
}

/** Any text as a group: what SQS does not take as one is replaced by its digest, so that equal ones stay equal. */
function groupOf(event: CloudEvent, template: string | undefined): string {
  const wished = template === undefined ? extension(event, 'partitionkey') : expandTemplate(template, event)
  const group = wished === undefined || wished === '' ? event.source : wished
  return GROUP.test(group) ? group : hash('sha256', group, 'base64url')
}

const asText = (text: string): MessageAttributeValue => ({ DataType: 'String', StringValue: text })
