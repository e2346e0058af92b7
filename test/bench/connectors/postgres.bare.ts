/** Reads a slot with pg-logical-replication alone, acknowledging each commit: the yardstick of the source. */

import { LogicalReplicationService, type Pgoutput, PgoutputPlugin } from 'pg-logical-replication'

const [url = '', wanted = ''] = process.argv.slice(2)
const service = new LogicalReplicationService(
  { connectionString: url },
  { acknowledge: { auto: false, timeoutSeconds: 0 }, flowControl: { enabled: true } },
)
let seen = 0
let bytes = 0
let began = 0

function take(_lsn: string, message: Pgoutput.Message): void {
  began ||= performance.now()
  if (message.tag === 'insert') {
    bytes += String(message.new['message']).length
    seen += 1
  }
  if (message.tag === 'commit') void service.acknowledge(message.commitLsn ?? '0/0').then(end)
}

function end(): void {
  if (seen < Number(wanted)) return
  process.stdout.write(`${performance.now() - began}\n`)
  process.exit(bytes > 0 ? 0 : 1)
}

service.on('data', take)
await service.subscribe(new PgoutputPlugin({ protoVersion: 1, publicationNames: ['backlog'] }), 'backlog', '0/0')
