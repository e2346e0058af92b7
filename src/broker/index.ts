/** The embedded MQTT broker: listeners, sessions, ingress, replies. */

export { type Broker, type BrokerParts, type BrokerStats, createBroker } from './broker.ts'
export { type BrokerConfig, type BrokerLimits, brokerConfig } from './config.ts'
export { topicMatches, topicProblem } from './topics.ts'
