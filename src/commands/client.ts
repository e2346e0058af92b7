/** Talks to a running gateway over HTTP: one request, or lines as they come. */

import { type IncomingHttpHeaders, type IncomingMessage, type RequestOptions, request } from 'node:http'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import * as z from 'zod'
import { address } from '../schema/index.ts'
import { CommandError, EXIT, inputError } from './exit.ts'
import { shown } from './terminal.ts'

/** How soon a gateway must take the connection. */
const CONNECT_MS = 5_000

/** A face of the gateway: where it listens, and the flag that says so. */
export interface Face {
  readonly host: string
  readonly port: number
  readonly flag: '--http' | '--admin'
}

export interface Question {
  readonly method: string
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array | string
}

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

/** Reads `host:port`, or a URL as the banner of `run` prints it. */
export function face(text: string, flag: Face['flag']): Face {
  const read = address().safeParse(text.replace(/^http:\/\//, '').replace(/\/$/, ''))
  if (!read.success) throw inputError(`${flag}: ${read.error.issues[0]?.message}`)
  return { ...read.data, flag }
}

/** Resolves to the answer, whatever its status. Rejects with exit code 2 when the gateway cannot be reached. */
export async function ask(at: Face, question: Question): Promise<Answer> {
  const response = await open(at, question)
  const chunks: Buffer[] = []
  try {
    for await (const chunk of response) chunks.push(chunk as Buffer)
  } catch (error) {
    throw unreachable(at, error)
  }
  return { status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) }
}

/** Resolves to the JSON of a 2xx answer. Rejects with what the gateway says is wrong, under the exit code of its status. */
export async function askJson(at: Face, question: Question): Promise<unknown> {
  const answer = await ask(at, question)
  if (answer.status >= 300) throw refusal(at, question, answer.status, answer.body.toString())
  return parse(at, answer.body.toString())
}

/** Yields the values of newline-delimited JSON as they arrive, until the gateway ends them. */
export async function* askLines(at: Face, question: Question, signal: AbortSignal): AsyncGenerator<unknown> {
  const response = await open(at, question, signal)
  if ((response.statusCode ?? 0) >= 300) throw refusal(at, question, response.statusCode ?? 0, await text(response))
  try {
    for await (const line of createInterface({ input: response })) if (line !== '') yield parse(at, line)
  } catch (error) {
    if (!signal.aborted) throw unreachable(at, error)
  }
}

function open(at: Face, { method, path, headers, body }: Question, signal?: AbortSignal): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  const length = body === undefined ? {} : { 'content-length': Buffer.byteLength(body) }
  const options: RequestOptions = { host: at.host, port: at.port, method, path, agent: false }
  const outgoing = request({ ...options, headers: { ...headers, ...length }, ...(signal ? { signal } : {}) })
  const timer = setTimeout(() => outgoing.destroy(new Error(`no answer within ${CONNECT_MS / 1_000} s`)), CONNECT_MS)
  outgoing.on('socket', (socket) => socket.once('connect', () => clearTimeout(timer)))
  outgoing.on('response', resolve)
  outgoing.on('close', () => clearTimeout(timer))
  outgoing.on('error', (error) => reject(unreachable(at, error)))
  outgoing.end(body)
  return promise
}

function parse(at: Face, body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    throw new CommandError(EXIT.failed, 'NOT_HEADGATE', `${where(at)} answers, but not as a gateway; ${advice(at)}`)
  }
}

const where = ({ host, port }: Face): string => `${host.includes(':') ? `[${host}]` : host}:${port}`
const advice = ({ flag }: Face): string =>
  `say where the gateway listens with ${flag} or HEADGATE_${flag.slice(2).toUpperCase()}`

function unreachable(at: Face, error: unknown): CommandError {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  const reason =
    { ECONNREFUSED: 'nothing listens there', ECONNRESET: 'the connection was cut', ENOTFOUND: 'no such host' }[code] ??
    (error instanceof Error ? error.message : String(error))
  return new CommandError(
    EXIT.unreachable,
    'UNREACHABLE',
    `reaching the gateway at ${where(at)}: ${reason}; start it with "headgate run", or ${advice(at)}`,
  )
}

/** Returns the error of an answer that says no: problem+json, or whatever text there is. */
export function refusal(at: Face, { method, path }: Question, status: number, body: string): CommandError {
  const exit = status >= 400 && status < 500 && status !== 408 && status !== 429 ? EXIT.input : EXIT.failed
  const said = problemOf(body)
  if (said) return new CommandError(exit, said.code, shown(said.detail))
  const answered = `${where(at)} answered ${status} to ${method} ${path.split('?')[0]}, and not as a gateway does`
  return new CommandError(EXIT.failed, `HTTP_${status}`, `${answered}; ${advice(at)}`)
}

const problem = z.object({ code: z.string().default('REFUSED'), detail: z.string() })

function problemOf(body: string): z.output<typeof problem> | undefined {
  try {
    return problem.safeParse(JSON.parse(body)).data
  } catch {
    return undefined
  }
}
