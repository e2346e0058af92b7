/** Connections to Postgres that write values in one way, and that can be ended whatever state they are in. */

import { Socket } from 'node:net'
import type { Client, ClientConfig } from 'pg'
import { SESSION_SETTINGS } from './values.ts'

const CLOSE_MS = 1_000
const KEEPALIVE_MS = 10_000

/** Where to connect, as whom. */
export interface Target {
  readonly url: string
  /** What the server shows for the connection. */
  readonly application: string
  readonly timeoutMs: number
  /** Cuts the connection at once when aborted. */
  readonly signal?: AbortSignal
}

/** A connection and its socket: a stream that nobody reads cannot be closed in the way of the protocol. */
export interface Connection extends AsyncDisposable {
  readonly client: Client
  /** Runs work on the client when what was asked before is done: a client does one thing at a time. */
  inTurn<T>(work: (client: Client) => Promise<T>): Promise<T>
  /** Resolves with what ended it, when something has. */
  readonly broken: Promise<Error>
}

/** The options of a client, and what cuts its socket. */
export function clientConfig({ url, application, timeoutMs }: Target): {
  readonly config: ClientConfig
  readonly cut: () => void
} {
  const given = new URL(url)
  const settings = Object.entries(SESSION_SETTINGS).map(([name, value]) => `-c ${name}=${value}`)
  given.searchParams.set('options', [given.searchParams.get('options') ?? '', ...settings].join(' ').trim())
  given.searchParams.set('application_name', application)
  let socket: Socket | undefined
  const stream = () => {
    socket = new Socket()
    return socket
  }
  const config: ClientConfig = {
    connectionString: given.href,
    connectionTimeoutMillis: timeoutMs,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEPALIVE_MS,
    stream,
    // Values as the server writes them.
    types: { getTypeParser: () => (value: string | Buffer) => value },
  }
  return { config, cut: () => void socket?.destroy() }
}

/** Resolves once it is open. Rejects with what the server, or the network, has to say. */
export async function connect(target: Target, replication = false): Promise<Connection> {
  const { Client: PgClient } = (await import('pg')).default
  const { config, cut } = clientConfig(target)
  const client = new PgClient({ ...config, ...(replication && { replication: 'database' }) })
  const { promise: broken, resolve } = Promise.withResolvers<Error>()
  client.on('error', resolve)
  client.on('end', () => resolve(new Error('the connection was closed')))
  target.signal?.addEventListener('abort', cut, { once: true })
  try {
    await client.connect()
    target.signal?.throwIfAborted()
  } catch (error) {
    cut()
    throw error
  }
  const end = async () => {
    await close(client.end(), cut)
    target.signal?.removeEventListener('abort', cut)
  }
  let last: Promise<unknown> = Promise.resolve()
  const inTurn = <T>(work: (client: Client) => Promise<T>): Promise<T> => {
    const done = last.then(() => work(client))
    last = done.catch(() => {})
    return done
  }
  return { client, inTurn, broken, [Symbol.asyncDispose]: end }
}

/** Resolves once it has ended, cut off when it does not end soon. */
export async function close(ending: Promise<unknown>, cut: () => void): Promise<void> {
  const { promise: late, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, CLOSE_MS)
  // What fails here had ended before.
  await Promise.race([ending, late]).catch(() => {})
  clearTimeout(timer)
  cut()
}

/** `host:port` of a URL, for messages: nothing of it is secret. */
export function endpointOf(url: string): string {
  const { hostname, port } = new URL(url)
  return `${decodeURIComponent(hostname)}:${port || '5432'}`
}
