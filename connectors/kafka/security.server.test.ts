/** The Kafka source and sink on listeners that ask who is there. */

import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { memoryContext } from '#conformance'
import { KAFKA, KAFKA_USER, kafkaFiles } from '../../test/services/kafka.ts'
import { describeServers } from '../../test/services/server.ts'
import { Face } from './face.ts'
import { Topic } from './harness.ts'
import { KafkaSink } from './sink.ts'
import { kafkaSinkConfig } from './sink-config.ts'

const LONG = { timeout: 60_000 }
const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')

/** A token that a broker takes which is told to take unsigned ones. */
const token = (): string => {
  const now = Math.floor(Date.now() / 1_000)
  return `${part({ alg: 'none' })}.${part({ sub: 'ada', iat: now - 1, exp: now + 600 })}.`
}

await describeServers([KAFKA], 'kafka, security', ({ address, more = {} }) => {
  const { folder = '', mtls, sasl, tls } = more
  const files = kafkaFiles(folder)
  const login = (mechanism: string) => ({ mechanism, ...KAFKA_USER })
  /** Writes an event and reads it, both the same way. */
  const passes = async (options: object) => {
    await using topic = await Topic.open(address, 1)
    const sink = new KafkaSink(kafkaSinkConfig.parse({ ...options, topic: topic.name }), memoryContext())
    await sink.start(AbortSignal.timeout(10_000))
    const event = { specversion: '1.0', id: '1', source: '/s', type: 't', data: Buffer.from('hello') } as const
    await sink.deliver(event, AbortSignal.timeout(10_000)).finally(() => sink.stop())
    await using face = await Face.begin({ ...options, group: topic.group, topic: topic.name })
    await face.has(1)
    expect(face.accepted).toEqual(['hello'])
  }

  test.each(['plain', 'scram-sha-256', 'scram-sha-512'])('%s', LONG, (mechanism) =>
    passes({ brokers: [sasl], sasl: login(mechanism) }),
  )

  test('oauthbearer with a token', LONG, () =>
    passes({ brokers: [sasl], sasl: { mechanism: 'oauthbearer', token: token() } }),
  )

  test('oauthbearer with tokens from a server', LONG, async () => {
    const asked: string[] = []
    const server = createServer(async (request, response) => {
      let body = ''
      for await (const chunk of request) body += chunk
      asked.push(`${Buffer.from(request.headers.authorization?.slice(6) ?? '', 'base64')} ${body}`)
      response.end(JSON.stringify({ access_token: token(), expires_in: 600 }))
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const token_url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/token`
    const client = { client_id: 'headgate', client_secret: 's3cret of the client', scope: 'kafka' }
    await passes({ brokers: [sasl], sasl: { mechanism: 'oauthbearer', token_url, ...client } })
    server.close()
    expect(new Set(asked)).toEqual(
      new Set(['headgate:s3cret%20of%20the%20client grant_type=client_credentials&scope=kafka']),
    )
  })

  test('TLS with an authority of its own, and SASL', LONG, () =>
    passes({ brokers: [tls], tls: { ca: files.ca }, sasl: login('scram-sha-256') }),
  )

  test('TLS with a certificate of the client, in place', LONG, () => {
    const [ca, cert, key] = [files.ca, files.cert, files.key].map((file) => readFileSync(file, 'utf8'))
    return passes({ brokers: [mtls], tls: { ca, cert, key } })
  })

  test.each([
    [
      'a wrong password',
      { brokers: [sasl], sasl: { ...login('scram-sha-256'), password: 'wr0ng-of-the-tests' } },
      'do not take these credentials',
    ],
    ['a mechanism that is not asked for', { brokers: [tls], tls: { ca: files.ca } }, ''],
    ['an authority that is not known', { brokers: [tls], tls: true, sasl: login('plain') }, 'certificate'],
    ['no certificate of the client', { brokers: [mtls], tls: { ca: files.ca } }, ''],
    ['a file that is not there', { brokers: [tls], tls: { ca: '/no/such.pem' } }, '/no/such.pem'],
  ])('%s refuses the start, and tells no secret', LONG, async (_, options, why) => {
    const face = new Face({ ...options, group: 'g', topic: 'any' })
    const error = await face.start().catch((thrown: unknown) => thrown)
    expect(`${error}`).toContain(`orders (kafka): consuming "any" at ${options.brokers[0]}: `)
    expect(`${error}`).toContain(why)
    expect(`${error} ${JSON.stringify(face.log.lines)}`).not.toMatch(/wr0ng-of-the-tests|correct-horse-battery/)
  })
})
