/** A broker in a process of its own, for tests that kill it: prints its port, takes `in/#` and appends each to a ledger file. */

import { appendFileSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { brokerConfig, createBroker } from '../../../src/broker/index.ts'

const [path = await mkdtemp(join(tmpdir(), 'headgate-broker-')), port = '0', ledger] = process.argv.slice(2)
const say = (_fields: object, message: string): void => void process.stderr.write(`${message}\n`)
const config = brokerConfig.parse({ listen: [`tcp://127.0.0.1:${port}`], path })
const broker = createBroker(config, { log: { debug: () => {}, info: say, warn: say, error: say } })
if (ledger !== undefined)
  broker.intercept(['in/#'], async ({ payload, identity }) =>
    appendFileSync(ledger, `${identity} ${Buffer.from(payload)}\n`),
  )
await broker.start(AbortSignal.timeout(10_000))
process.stdout.write(`${broker.addresses()[0]?.split(':').at(-1)}\n`)
