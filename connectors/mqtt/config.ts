/** The options of the MQTT source and sink. The source is fed by the gateway from the routes, not written under `sources:`. */

import * as z from 'zod'

/** A topic filter of MQTT: `#` last, `+` and `#` each alone in their level. */
const topicFilter = z.string().regex(/^(?!\$)(?:(?:[^+#/\0]*|\+)\/)*(?:[^+#/\0]*|\+|#)$/, {
  error: ({ input }) => `"${input}" is not a topic filter; + and # stand alone in a level, # in the last one`,
})

export const mqttSourceConfig = z.strictObject({
  filters: z.array(topicFilter.min(1)).describe('Topic filters whose publishes become events.'),
  service_prefix: z
    .string()
    .min(1)
    .default('service')
    .describe('First level of the topics on which services are called: <prefix>/<name>.'),
})

export const mqttSinkConfig = z.strictObject({
  topic: z
    .string()
    .min(1)
    .refine((text) => !/[+#\0]|^\$/.test(text), {
      error: ({ input }) => `"${input}" cannot be published to; no wildcards, and no $ in front`,
    })
    .describe('Topic to publish on; {attribute} stands for an attribute of the event, such as alarms/{subject}.'),
  mode: z
    .enum(['binary', 'structured'])
    .default('binary')
    .describe('binary: data as payload, attributes as MQTT 5 user properties. structured: the JSON event format.'),
  qos: z
    .union([z.literal(0), z.literal(1), z.literal(2)])
    .default(1)
    .describe('Quality of service to publish with.'),
  retain: z.boolean().default(false).describe('Whether the broker keeps the message for later subscribers.'),
})

export type MqttSourceConfig = z.output<typeof mqttSourceConfig>
export type MqttSinkConfig = z.output<typeof mqttSinkConfig>
