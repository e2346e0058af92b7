/** What names a queue: its name, URL or ARN, and what can be read off each. Pure. */

export interface QueueAddress {
  readonly name: string
  /** As it was given; else SQS is asked. */
  readonly url?: string
  readonly region?: string
  readonly account?: string
}

const NAME = /^(?:[\w-]{1,80}|[\w-]{1,75}\.fifo)$/
const ARN = /^arn:[\w-]+:sqs:([\w-]+):(\d+):(\S+)$/
/** sqs.<region>.amazonaws.com, and the same of China, of FIPS and of a VPC's own. */
const HOST = /(?:^|\.)sqs(?:-fips)?\.([\w-]+)\.(?:vpce\.)?amazonaws\.com(?:\.cn)?$/

/** Reads what was given; undefined when it names no queue. */
export function readQueueAddress(text: string): QueueAddress | undefined {
  const [, region, account, named = ''] = ARN.exec(text) ?? []
  if (region !== undefined && account !== undefined)
    return NAME.test(named) ? { name: named, region, account } : undefined
  if (!/^https?:\/\//.test(text)) return NAME.test(text) ? { name: text } : undefined
  if (!URL.canParse(text)) return undefined
  const { hostname, pathname } = new URL(text)
  const name = pathname.split('/').at(-1) ?? ''
  const [, host] = HOST.exec(hostname) ?? []
  return NAME.test(name) ? { name, url: text, ...(host !== undefined && { region: host }) } : undefined
}
