/** Apache Kafka for tests: one KRaft node on Java, its jars through Maven, with a listener for each kind of security. */

import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import kafkajs from 'kafkajs'
import { mendRequestQueue } from '../../connectors/kafka/request-queue.ts'
import { certify } from './certificates.ts'
import { CACHE, launch, portsOf, type Running, type ServerKind } from './server.ts'

/** 4.4.0 is published without one of the jars that it wants. */
const VERSION = '4.3.1'
const HOME = join(CACHE, 'kafka', VERSION)
const JARS = join(HOME, 'libs')
const PLUGIN = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies'

/** Who may come in where a listener asks for it. */
export const KAFKA_USER = { username: 'ada', password: 'correct-horse-battery' } as const

/** PEM files that the server made for itself: the authority of its certificate, and a client's certificate and key. */
export const kafkaFiles = (folder: string) => ({
  ca: join(folder, 'ca.crt'),
  cert: join(folder, 'client.crt'),
  key: join(folder, 'client.key'),
})

/**
 * Its `address` is without security; `more` has `sasl`, `tls` (with SASL), `mtls` (wants the client's certificate),
 * `behind` and `door` (of `openKafkaDoor`), and the `folder` of the PEM files.
 */
export const KAFKA: ServerKind = {
  name: 'kafka',
  variable: 'HEADGATE_KAFKA',
  install: 'apt-get install -y maven openjdk-17-jre-headless openssl',
  obtain,
  start,
}

const POM = `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion><groupId>headgate</groupId><artifactId>kafka-for-tests</artifactId><version>1</version><dependencies>
<dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>${VERSION}</version></dependency>
<dependency><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>1.7.36</version></dependency>
</dependencies></project>
`

async function obtain(): Promise<void> {
  for (const [command, flag] of [
    ['java', '-version'],
    ['openssl', 'version'],
  ] as const)
    if (spawnSync(command, [flag], { stdio: 'ignore' }).error) throw new Error(`kafka: there is no ${command}`)
  if (existsSync(JARS)) return
  mkdirSync(HOME, { recursive: true })
  writeFileSync(join(HOME, 'pom.xml'), POM)
  const coming = join(HOME, 'coming')
  rmSync(coming, { recursive: true, force: true })
  const flags = ['-q', '-B', PLUGIN, '-DincludeScope=runtime', `-DoutputDirectory=${coming}`]
  await run('mvn', flags, HOME)
  renameSync(coming, JARS)
}

async function start(folder: string): Promise<Running> {
  const ports = await portsOf(folder, 7)
  const at = (port: number | undefined) => `127.0.0.1:${port}`
  const [plain, sasl, tls, mtls, , behind, door] = ports
  const properties = join(folder, 'server.properties')
  if (!existsSync(properties)) await prepare(folder, properties, ports)
  const pid = await launch({
    command: 'java',
    // A small heap, and no compiler that would take the cores from the tests.
    args: ['-Xmx384m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', ...java, 'kafka.Kafka', properties],
    folder,
    answers: () => isUp(at(plain)),
  })
  return {
    address: at(plain),
    more: { sasl: at(sasl), tls: at(tls), mtls: at(mtls), behind: at(behind), door: at(door), folder },
    pid,
  }
}

const java = ['-Dorg.slf4j.simpleLogger.defaultLogLevel=warn', '-cp', join(JARS, '*')]

async function prepare(folder: string, properties: string, ports: readonly number[]): Promise<void> {
  await certify(folder, ['server', 'client'])
  const both = ['server.key', 'server.crt'].map((file) => readFileSync(join(folder, file), 'utf8'))
  writeFileSync(join(folder, 'server.pem'), both.join(''))
  writeFileSync(properties, settings(folder, ports))
  const { username, password } = KAFKA_USER
  const scram = ['SCRAM-SHA-256', 'SCRAM-SHA-512'].flatMap((kind) => [
    '-S',
    `${kind}=[name=${username},password=${password}]`,
  ])
  const id = 'MkU3OEVBNTcwNTJENDM2Qk'
  await run('java', [...java, 'kafka.tools.StorageTool', 'format', '-t', id, '-c', properties, ...scram], folder)
}

function settings(folder: string, [plain, sasl, tls, mtls, controller, behind, door]: readonly number[]): string {
  const { username, password } = KAFKA_USER
  const plainModule = 'org.apache.kafka.common.security.plain.PlainLoginModule'
  const jaas = (module: string, options = '') => `${module} required ${options};`
  const modules = (listener: string) => `
listener.name.${listener}.plain.sasl.jaas.config=${jaas(plainModule, `user_${username}="${password}"`)}
listener.name.${listener}.scram-sha-256.sasl.jaas.config=${jaas('org.apache.kafka.common.security.scram.ScramLoginModule')}
listener.name.${listener}.scram-sha-512.sasl.jaas.config=${jaas('org.apache.kafka.common.security.scram.ScramLoginModule')}
listener.name.${listener}.oauthbearer.sasl.jaas.config=${jaas('org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule', 'unsecuredLoginStringClaim_sub="server"')}`
  const open = `PLAINTEXT://127.0.0.1:${plain},SASL://127.0.0.1:${sasl},TLS://127.0.0.1:${tls},MTLS://127.0.0.1:${mtls}`
  // Clients that come to `behind` are sent on to `door`, where a test stands in their way.
  const own = (port: number | undefined) => `${open},BEHIND://127.0.0.1:${port}`
  return `process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:${controller}
listeners=${own(behind)},CONTROLLER://127.0.0.1:${controller}
advertised.listeners=${own(door)}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,SASL:SASL_PLAINTEXT,TLS:SASL_SSL,MTLS:SSL,BEHIND:PLAINTEXT,CONTROLLER:PLAINTEXT
sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER${modules('sasl')}${modules('tls')}
ssl.keystore.type=PEM
ssl.keystore.location=${folder}/server.pem
ssl.truststore.type=PEM
ssl.truststore.location=${folder}/ca.crt
listener.name.mtls.ssl.client.auth=required
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
allow.everyone.if.no.acl.found=true
super.users=User:ANONYMOUS
log.dirs=${folder}/data
num.network.threads=2
num.io.threads=2
auto.create.topics.enable=false
offsets.topic.num.partitions=4
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=2
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
log.cleaner.dedupe.buffer.size=4194304
message.max.bytes=1048588
`
}

/** Whether it answers, for groups as well: the topic that keeps their offsets is made when the first one is asked for. */
async function isUp(address: string): Promise<boolean> {
  mendRequestQueue(createRequire(import.meta.url))
  const client = new kafkajs.Kafka({
    brokers: [address],
    retry: { retries: 3, initialRetryTime: 100 },
    connectionTimeout: 500,
    logLevel: kafkajs.logLevel.NOTHING,
  })
  const admin = client.admin()
  try {
    await admin.connect()
    await admin.fetchOffsets({ groupId: 'ready' })
    return true
  } finally {
    await admin.disconnect()
  }
}

/** Resolves when a program has ended well; rejects with what it printed. */
async function run(command: string, args: readonly string[], cwd: string): Promise<void> {
  const child = spawn(command, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  child.stdout.on('data', (text) => (output += text))
  child.stderr.on('data', (text) => (output += text))
  const [code] = await once(child, 'close')
  if (code !== 0) throw new Error(`kafka: ${command} ended with ${code}: ${output.slice(-2_000)}`)
}
