/** SQS for the `connectors` bench: a queue of its own for each reader, on ElasticMQ in memory. */

import { SQS } from '@aws-sdk/client-sqs'
import { CREDENTIALS, ELASTICMQ_LARGE } from '../../services/elasticmq.ts'
import { startOwn } from '../../services/server.ts'
import { payload, type Upstream, type UpstreamKind } from './upstream.ts'

const REGION = 'us-east-1'
const BATCH = 10
const SENDERS = 8
const ENV = { ...CREDENTIALS, AWS_EC2_METADATA_DISABLED: 'true' }

export const sqs: UpstreamKind = { name: 'sqs', client: '@aws-sdk/client-sqs, 6 receivers', open }

async function open(): Promise<Upstream> {
  const server = await startOwn(ELASTICMQ_LARGE)
  const endpoint = server.address
  const credentials = {
    accessKeyId: CREDENTIALS.AWS_ACCESS_KEY_ID,
    secretAccessKey: CREDENTIALS.AWS_SECRET_ACCESS_KEY,
  }
  const client = new SQS({ endpoint, region: REGION, credentials })
  let before: string | undefined
  return {
    async fill(messages) {
      // The one before was read, or is not wanted any longer: a million messages are gigabytes.
      if (before !== undefined) await client.deleteQueue({ QueueUrl: before })
      const queue = `backlog-${crypto.randomUUID()}`
      const { QueueUrl = '' } = await client.createQueue({ QueueName: queue })
      before = QueueUrl
      await send(client, QueueUrl, messages)
      return {
        source: { sqs: { region: REGION, endpoint, queue } },
        env: ENV,
        bare: [new URL('./sqs.bare.ts', import.meta.url).pathname, endpoint, QueueUrl, `${messages}`],
      }
    },
    async [Symbol.asyncDispose]() {
      client.destroy()
      await server[Symbol.asyncDispose]()
    },
  }
}

async function send(client: SQS, url: string, count: number): Promise<void> {
  let next = 0
  const sender = async () => {
    for (let from = next; from < count; from = next) {
      next += BATCH
      const Entries = Array.from({ length: Math.min(BATCH, count - from) }, (_, at) => ({
        Id: String(at),
        MessageBody: payload(from + at).toString(),
      }))
      const { Failed = [] } = await client.sendMessageBatch({ QueueUrl: url, Entries })
      if (Failed.length > 0) throw new Error(`not sent: ${Failed[0]?.Code}`)
    }
  }
  await Promise.all(Array.from({ length: SENDERS }, sender))
}
