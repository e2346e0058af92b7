/** Reads a topic with kafkajs alone, each batch committed once its records were looked at: the yardstick of the source. */

import kafkajs from 'kafkajs'

const [address = '', topic = '', groupId = '', wanted = ''] = process.argv.slice(2)
const kafka = new kafkajs.Kafka({ brokers: [address], logLevel: kafkajs.logLevel.NOTHING })
const consumer = kafka.consumer({ groupId })
let seen = 0
let bytes = 0
let began = 0

await consumer.connect()
await consumer.subscribe({ topic, fromBeginning: true })
await consumer.run({
  autoCommit: false,
  eachBatchAutoResolve: false,
  partitionsConsumedConcurrently: 6,
  eachBatch: async ({ batch, commitOffsetsIfNecessary, heartbeat, resolveOffset, uncommittedOffsets }) => {
    began ||= performance.now()
    for (const { offset, value } of batch.messages) {
      bytes += value?.length ?? 0
      seen += 1
      resolveOffset(offset)
    }
    await commitOffsetsIfNecessary(uncommittedOffsets())
    await heartbeat()
    if (seen < Number(wanted)) return
    process.stdout.write(`${performance.now() - began}\n`)
    process.exit(bytes > 0 ? 0 : 1)
  },
})
