/** An event's attributes as named texts: what every binary binding carries, in headers or in properties. */

import type { CloudEvent } from './event.ts'
import { CONTEXT_ATTRIBUTES } from './text.ts'
import { checkEvent } from './validate.ts'

/** Returns each attribute that is set, as the text that a binary binding carries; `datacontenttype` is left out, data has its own place. */
export function attributeTexts(event: CloudEvent): [name: string, text: string][] {
  const { data: _, datacontenttype: __, extensions = {}, ...attributes } = event
  const texts: [string, string][] = []
  for (const [name, value] of Object.entries(attributes)) if (value !== undefined) texts.push([name, value])
  for (const [name, value] of Object.entries(extensions)) texts.push([name, String(value)])
  return texts
}

/**
 * Builds the event that a binary message is. Extensions are text: the binding does not say what type they had. Throws
 * EVENT_INVALID that names each broken rule; `doing` says what was going on, such as `event (http): reading headers`.
 */
export function eventFromTexts(
  texts: Iterable<readonly [name: string, text: string]>,
  datacontenttype: string | undefined,
  data: Uint8Array | undefined,
  doing: string,
): CloudEvent {
  return checkEvent(assemble(texts, datacontenttype, data), doing)
}

/** Puts an event together out of what was read, unchecked: `checkEvent` it. Attributes that are null are absent. */
export function assemble(
  attributes: Iterable<readonly [name: string, value: unknown]>,
  datacontenttype: string | undefined,
  data: Uint8Array | undefined,
): CloudEvent {
  const event: Record<string, unknown> = {}
  const extensions: (readonly [string, unknown])[] = []
  for (const attribute of attributes) {
    const [name, value] = attribute
    if (value === null) continue
    if (CONTEXT_ATTRIBUTES.has(name)) event[name] = value
    else extensions.push(attribute)
  }
  if (datacontenttype !== undefined) event['datacontenttype'] ??= datacontenttype
  // fromEntries defines: a member named __proto__ becomes a bad name, not a prototype.
  if (extensions.length > 0) event['extensions'] = Object.fromEntries(extensions)
  if (data !== undefined) event['data'] = data
  return event as unknown as CloudEvent
}
