/** CloudEvent -> MQTT message: the binary and the structured mode of the protocol binding. Pure. */

import { attributeTexts, type CloudEvent, expandTemplate, formatJsonEvent, type Publish } from '#connector'
import type { MqttSinkConfig } from './config.ts'

const EMPTY = new Uint8Array()
const STRUCTURED = 'application/cloudevents+json'

/** Returns the message to publish. In binary mode MQTT 3 subscribers see the data alone. */
export function toPublish(event: CloudEvent, { topic, mode, qos, retain }: MqttSinkConfig): Publish {
  const head = { topic: expandTemplate(topic, event), qos, retain }
  if (mode === 'structured')
    return { ...head, payload: formatJsonEvent(event), properties: { contentType: STRUCTURED, payloadIsText: true } }
  const { datacontenttype } = event
  return {
    ...head,
    payload: event.data ?? EMPTY,
    properties: {
      userProperties: attributeTexts(event),
      ...(datacontenttype !== undefined && { contentType: datacontenttype }),
    },
  }
}
