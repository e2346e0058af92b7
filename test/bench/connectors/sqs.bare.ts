/** Reads a queue with the AWS SDK alone, as many receivers at once as the source has: the yardstick of the source. */

import { SQS } from '@aws-sdk/client-sqs'

const [endpoint = '', url = '', wanted = ''] = process.argv.slice(2)
const RECEIVERS = 6
const sqs = new SQS({ endpoint, region: 'us-east-1' })
let seen = 0
let bytes = 0
let began = 0

async function receive(): Promise<void> {
  while (seen < Number(wanted)) {
    const asked = { QueueUrl: url, MaxNumberOfMessages: 10, WaitTimeSeconds: 1, VisibilityTimeout: 60 }
    const { Messages = [] } = await sqs.receiveMessage(asked)
    began ||= performance.now()
    if (Messages.length === 0) continue
    const Entries = Messages.map(({ Body = '', ReceiptHandle }, at) => {
      bytes += Body.length
      return { Id: String(at), ReceiptHandle }
    })
    const { Failed = [] } = await sqs.deleteMessageBatch({ QueueUrl: url, Entries })
    seen += Messages.length - Failed.length
  }
}

await Promise.all(Array.from({ length: RECEIVERS }, receive))
process.stdout.write(`${performance.now() - began}\n`)
process.exit(bytes > 0 ? 0 : 1)
