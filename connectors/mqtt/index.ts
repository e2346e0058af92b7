/** MQTT: what clients publish as events, calls of services, and events as messages. */

import { defineConnector, defineSink, defineSource } from '#connector'
import { mqttSinkConfig, mqttSourceConfig } from './config.ts'
import { MqttSink } from './sink.ts'
import { MqttSource } from './source.ts'

export { toPublish } from './publish.ts'

export default defineConnector({
  type: 'mqtt',
  title: 'MQTT',
  summary: 'Takes what clients publish on the embedded broker before it is acknowledged, and publishes events on it.',
  stability: 'beta',
  since: '0.1.0',
  source: defineSource({
    config: mqttSourceConfig,
    // A publish that is not accepted is not acknowledged: MQTT clients send it again when they reconnect.
    guarantees: { rejected: 'redelivered', order: 'subject', catchesUp: true },
    create: (config, context) => new MqttSource(config, context),
  }),
  sink: defineSink({
    config: mqttSinkConfig,
    create: (config, context) => new MqttSink(config, context),
  }),
})
