/** ElasticMQ, a server that speaks SQS: its jars come from Maven Central, and run on Java 17. */

import { execFile } from 'node:child_process'
import { existsSync, globSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { CACHE, launch, portsOf, type ServerKind } from './server.ts'

const JARS = join(CACHE, 'elasticmq')
const FETCH = [
  '-B',
  '-q',
  '-f',
  join(import.meta.dirname, 'elasticmq.pom.xml'),
  `-Dmaven.repo.local=${join(CACHE, 'maven')}`,
  'dependency:copy-dependencies',
  `-DoutputDirectory=${JARS}`,
]

/** What clients sign with; any will do here. */
export const CREDENTIALS = { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 's3cret-of-the-tests' } as const

/** Keeps messages in memory: the one for speed. */
export const ELASTICMQ = elasticmq('elasticmq', [])
/** Keeps queues and messages on disk, so that they are there when it is started again. */
export const ELASTICMQ_ON_DISK = elasticmq('elasticmq-on-disk', [
  '-Dqueues-storage.enabled=true',
  '-Dqueues-storage.path=queues.conf',
  '-Dmessages-storage.enabled=true',
  '-Dmessages-storage.uri=jdbc:h2:./messages;DB_CLOSE_ON_EXIT=FALSE',
])

/** For a million messages in memory. */
export const ELASTICMQ_LARGE = elasticmq('elasticmq-large', ['-Xmx6g'])

function elasticmq(name: string, options: readonly string[]): ServerKind {
  return {
    name,
    variable: 'HEADGATE_TEST_SQS',
    install: 'apt-get install -y openjdk-17-jre-headless maven',
    async obtain() {
      if (!existsSync(JARS) || globSync('elasticmq-server_*.jar', { cwd: JARS }).length === 0)
        await promisify(execFile)('mvn', FETCH, { timeout: 300_000 })
    },
    async start(folder) {
      const [port = 0] = await portsOf(folder, 1)
      const address = `http://127.0.0.1:${port}`
      const pid = await launch({
        command: 'java',
        args: [
          '-Xmx512m',
          '-XX:+UseSerialGC',
          `-Drest-sqs.bind-port=${port}`,
          '-Drest-sqs.bind-hostname=127.0.0.1',
          '-Dgenerate-node-address=true',
          ...options,
          '-cp',
          join(JARS, '*'),
          'org.elasticmq.server.Main',
        ],
        folder,
        answers: async () => (await fetch(`${address}/?Action=ListQueues`)).ok,
      })
      return { address, pid }
    },
  }
}
