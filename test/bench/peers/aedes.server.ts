/** Program: aedes on a port, answering req/... on rep/... */

import { createServer } from 'node:net'
import { Aedes } from 'aedes'

const broker = await Aedes.createBroker()
broker.subscribe(
  'req/#',
  (packet, done) => {
    const topic = `rep${packet.topic.slice(3)}`
    broker.publish({ cmd: 'publish', topic, payload: packet.payload, qos: 1, retain: false, dup: false }, () => {})
    // At once: a handler that waits for its own publish holds one of the emitter's 100 places, and all wait at 100.
    done()
  },
  () => createServer({ noDelay: true }, broker.handle).listen(Number(process.argv[2]), '127.0.0.1'),
)
