/** Loads kafkajs, which nobody without Kafka in the configuration pays for, mends it, and opens clients of a cluster. */

import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import type { ConnectionOptions } from 'node:tls'
import type { Kafka, logCreator, SASLOptions } from 'kafkajs'
import type { Log } from '#connector'
import { installCodecs } from './codecs.ts'
import type { ConnectionConfig, TlsConfig } from './connection-config.ts'
import { mendRequestQueue } from './request-queue.ts'
import { Sockets } from './sockets.ts'
import { tokenProvider } from './token.ts'

type Library = typeof import('kafkajs')

let library: Promise<Library> | undefined

/** Resolves with kafkajs, mended and with every codec. */
export function loadKafka(): Promise<Library> {
  library ??= import('kafkajs').then(({ default: loaded }) => {
    const require = createRequire(import.meta.url)
    mendRequestQueue(require)
    installCodecs(loaded, require)
    return loaded
  })
  return library
}

/** How long one attempt to connect, and one to log in, may take. Milliseconds. */
const CONNECT_MS = 5_000

/** A client of one cluster. */
export interface Client {
  readonly kafka: Kafka
  /** Breaks every connection that is left, and those to come. */
  end(): void
}

/** Resolves with a client; connects to nothing yet. Rejects when a file of the TLS options cannot be read. */
export async function openClient(config: ConnectionConfig, log: Log, name: string): Promise<Client> {
  const { Kafka, logLevel } = await loadKafka()
  const sockets = new Sockets()
  const kafka = new Kafka({
    brokers: [...config.brokers],
    clientId: config.client_id,
    ssl: await tlsOf(config.tls),
    ...(config.sasl && { sasl: saslOf(config.sasl) }),
    connectionTimeout: CONNECT_MS,
    authenticationTimeout: CONNECT_MS,
    // What goes wrong is told once by the source or sink, in its own words: these lines are for looking closer.
    logLevel: logLevel.INFO,
    logCreator: toDebug(log, name),
    retry: { initialRetryTime: 200, maxRetryTime: 5_000, retries: 3 },
    socketFactory: sockets.make,
  })
  return { kafka, end: () => sockets.end() }
}

const toDebug =
  (log: Log, name: string): logCreator =>
  () =>
  ({ log: { message }, namespace }) =>
    log.debug({ part: name, namespace }, `${name} (kafka): ${message}`)

async function tlsOf(tls: boolean | TlsConfig): Promise<boolean | ConnectionOptions> {
  if (typeof tls === 'boolean') return tls
  const { ca, cert, key, server_name } = tls
  return {
    ...(ca !== undefined && { ca: await pem(ca) }),
    ...(cert !== undefined && { cert: await pem(cert) }),
    ...(key !== undefined && { key: await pem(key) }),
    ...(server_name !== undefined && { servername: server_name }),
  }
}

const pem = async (text: string): Promise<string> => (text.includes('-----BEGIN') ? text : readFile(text, 'utf8'))

function saslOf(sasl: NonNullable<ConnectionConfig['sasl']>): SASLOptions {
  if (sasl.mechanism === 'oauthbearer') return { mechanism: 'oauthbearer', oauthBearerProvider: tokenProvider(sasl) }
  return sasl
}
