/** The CloudEvent as it travels inside the gateway: attributes decoded, data left as the bytes that arrived. */

/** A value of an extension attribute. CloudEvents binary, URI and timestamp values travel in their string form. */
export type ExtensionValue = string | number | boolean

/** One event, CloudEvents 1.0.2. `source` + `id` names the occurrence, and is stable across redeliveries. */
export interface CloudEvent {
  readonly specversion: '1.0'
  readonly id: string
  readonly source: string
  readonly type: string
  readonly subject?: string
  /** RFC 3339, kept as it was written. */
  readonly time?: string
  readonly datacontenttype?: string
  readonly dataschema?: string
  /** Extension attributes; names are lower-case letters and digits, as the specification requires. */
  readonly extensions?: Readonly<Record<string, ExtensionValue>>
  /** The body, byte for byte. Absent and empty are different. */
  readonly data?: Uint8Array
}

/** Where an event came in: the source that emitted it, and the address within that source. */
export interface Origin {
  /** A source's name in the configuration, or `mqtt`, `http`, `call`, `function` for the built-in ones. */
  readonly source: string
  /** MQTT topic, `POST /path`, Kafka topic, function name: what the source calls the place. */
  readonly address: string
}

/** The source of the copies that a route sends to its `dead_letter`: they are records of the gateway, not news. */
export const DEAD_LETTER_SOURCE = 'dead_letter'

/** The extension attributes with which an event is a call. They travel in the envelope, so every transport carries them. */
export const CALL_EXTENSIONS = {
  /** Names the call. A repeated one inside the retention gets the first answer again. */
  callId: 'callid',
  /** MQTT topic that the reply goes to; `replies/<callId>` when absent. */
  replyTo: 'replyto',
  /** How the reply is written: `envelope`, `event` (the default), `mqtt5`, or `http` (the caller waits, no topic). */
  replyForm: 'replyform',
  /** MQTT 5 Correlation Data, base64. */
  correlationData: 'correlationdata',
  /** RFC 3339 instant after which the caller no longer waits. */
  deadline: 'deadline',
} as const

/** Returns an extension of an event as text, or undefined. */
export const extension = (event: CloudEvent, name: string): string | undefined => {
  const value = event.extensions?.[name]
  return value === undefined ? undefined : String(value)
}

/** Returns the event with these extensions added; an undefined value removes one. */
export function withExtensions(
  event: CloudEvent,
  added: Readonly<Record<string, ExtensionValue | undefined>>,
): CloudEvent {
  const extensions: Record<string, ExtensionValue> = { ...event.extensions }
  for (const [name, value] of Object.entries(added)) {
    if (value === undefined) delete extensions[name]
    else extensions[name] = value
  }
  return { ...event, extensions }
}
