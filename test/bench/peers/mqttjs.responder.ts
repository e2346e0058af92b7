/** Program: a service in Node as one writes it: mqtt.js answers req/... on rep/..., QoS 1. */

import { connectAsync } from 'mqtt'

const client = await connectAsync(`mqtt://127.0.0.1:${process.argv[2]}`)
client.on('message', (topic, payload) => {
  client.publish(`rep${topic.slice(3)}`, payload, { qos: 1 })
})
await client.subscribeAsync('req/#', { qos: 1 })
