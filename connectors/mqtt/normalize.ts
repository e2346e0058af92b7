/** MQTT message -> CloudEvent, pure: what already is an event passes through, everything else becomes `headgate.mqtt.publish`. */

import {
  CALL_EXTENSIONS,
  type ClientPublish,
  type CloudEvent,
  type ExtensionValue,
  eventFromTexts,
  extension,
  mediaType,
  type PublishProperties,
  parseJsonEvent,
  uuidv7,
  validateEvent,
  withExtensions,
} from '#connector'

const DOING = 'event (mqtt): reading'
const STRUCTURED = 'application/cloudevents+json'

/** Returns the event that a publish is. Throws EVENT_INVALID when an MQTT 5 client says that it is one and it is not. */
export function normalize(publish: ClientPublish): CloudEvent {
  return withResponseTopic(eventOf(publish) ?? plainEvent(publish), publish.properties)
}

/** Returns the event that a publish says it is; undefined when it does not say so. */
export function eventOf({ protocol, payload, properties }: ClientPublish): CloudEvent | undefined {
  if (protocol !== 5) return structuredByContent(payload)
  const { contentType, userProperties } = properties ?? {}
  if (contentType !== undefined && mediaType(contentType) === STRUCTURED) return parseJsonEvent(payload)
  if (!userProperties?.some(([name]) => name === 'specversion')) return undefined
  return eventFromTexts(userProperties, contentType, payload, DOING)
}

/** MQTT 3 carries no content type: a JSON object with a `specversion` that reads as an event is one. */
function structuredByContent(payload: Uint8Array): CloudEvent | undefined {
  const bytes = Buffer.isBuffer(payload) ? payload : Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength)
  if (!beginsObject(bytes) || !bytes.includes('"specversion"')) return undefined
  try {
    return parseJsonEvent(payload)
  } catch {
    return undefined
  }
}

/** Whether there is a brace, after 63 characters of white space at most. */
function beginsObject(bytes: Uint8Array): boolean {
  let at = 0
  while (at < 63 && WHITE.has(bytes[at] ?? 0)) at++
  return bytes[at] === OPEN
}

const OPEN = 0x7b
/** Tab, line feed, carriage return, space. */
const WHITE: ReadonlySet<number> = new Set([9, 10, 13, 32])

function plainEvent(publish: ClientPublish): CloudEvent {
  const { topic, payload, qos, retain, properties } = publish
  const event: CloudEvent = {
    ...head(publish),
    type: 'headgate.mqtt.publish',
    subject: topic,
    extensions: { qos, retain },
    data: payload,
  }
  if (!properties) return event
  const typed = { ...event, ...(properties.contentType !== undefined && { datacontenttype: properties.contentType }) }
  const readable = validateEvent(typed).length === 0 ? typed : event
  return properties.userProperties ? withUserProperties(readable, properties.userProperties) : readable
}

/** What each event of a client has: the identity of its publish, kept when it is sent again. */
export const head = ({ clientId, identity }: ClientPublish): Pick<CloudEvent, 'specversion' | 'id' | 'source'> => ({
  specversion: '1.0',
  id: identity ?? uuidv7(),
  source: `/mqtt/${encodeURIComponent(clientId)}`,
})

/** Names become those of extensions: lower-case letters and digits. The first of a name counts; what cannot be one is left out. */
function withUserProperties(event: CloudEvent, properties: readonly (readonly [string, string])[]): CloudEvent {
  const added: Record<string, ExtensionValue> = {}
  for (const [name, value] of properties) {
    const extensionName = name.toLowerCase().replace(/[^a-z0-9]/g, '')
    if (extensionName in event || extensionName in (event.extensions ?? {}) || extensionName in added) continue
    const one = { ...event, extensions: { [extensionName]: value } }
    if (validateEvent(one).length === 0) added[extensionName] = value
  }
  return withExtensions(event, added)
}

/** MQTT 5 request/response: the publish is a call, unless the event names a reply topic itself. */
export function withResponseTopic(event: CloudEvent, properties: PublishProperties | undefined): CloudEvent {
  const { responseTopic, correlationData } = properties ?? {}
  if (responseTopic === undefined || extension(event, CALL_EXTENSIONS.replyTo) !== undefined) return event
  return withExtensions(event, {
    [CALL_EXTENSIONS.replyTo]: responseTopic,
    [CALL_EXTENSIONS.replyForm]: 'mqtt5',
    ...(correlationData && { [CALL_EXTENSIONS.correlationData]: Buffer.from(correlationData).toString('base64') }),
  })
}

/** MQTT 5 Message Expiry of a call: its caller waits no longer than that. `now` in milliseconds since the epoch. */
export function withExpiry(event: CloudEvent, properties: PublishProperties | undefined, now: number): CloudEvent {
  const { messageExpiry } = properties ?? {}
  const { callId, deadline, replyTo } = CALL_EXTENSIONS
  const isCall = extension(event, callId) !== undefined || extension(event, replyTo) !== undefined
  if (messageExpiry === undefined || !isCall || extension(event, deadline) !== undefined) return event
  return withExtensions(event, { [deadline]: new Date(now + messageExpiry * 1_000).toISOString() })
}
