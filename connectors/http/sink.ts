/** Delivers events as HTTP requests: a webhook in the CloudEvents binding, signed when asked. */

import { lookup as resolve } from 'node:dns'
import type { LookupFunction } from 'node:net'
import type { Agent } from 'undici'
import {
  AddressRefused,
  type CloudEvent,
  type Context,
  Deadline,
  type ErrorOptions,
  GatewayError,
  loadDial,
  Reach,
  type Sink,
} from '#connector'
import { type Answered, type AnswerFacts, answerError, excerpt, hider } from './sink-answer.ts'
import type { HttpSinkConfig } from './sink-config.ts'
import { askConsent, NoConsent } from './sink-consent.ts'
import { exchange, type Posting } from './sink-exchange.ts'
import { type Stationery, stationery, toRequest } from './sink-request.ts'

export class HttpSink implements Sink {
  readonly #config: HttpSinkConfig
  readonly #context: Context
  readonly #lookup: LookupFunction
  readonly #posting: Posting
  readonly #stationery: Stationery
  readonly #doing: string
  readonly #hide: (text: string) => string
  #agent: Agent | undefined
  #gone: GatewayError | undefined
  #consented = false

  /** `lookup` resolves host names; the system's unless told. */
  constructor(config: HttpSinkConfig, context: Context, lookup: LookupFunction = resolve as LookupFunction) {
    this.#config = config
    this.#context = context
    this.#lookup = lookup
    this.#posting = { url: new URL(config.url), method: config.method, redirects: config.redirects }
    this.#stationery = stationery(config)
    this.#doing = `${context.name} (http): delivering to "${this.#posting.url.origin}"`
    this.#hide = hider(secretsOf(config, this.#posting.url))
  }

  /** Connects to nothing yet: the other side may come later. */
  async start(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    const { allow, max_connections: connections, timeout: timeoutMs } = this.#config
    const { openAgent } = await loadDial()
    this.#agent = openAgent({ reach: new Reach(allow), lookup: this.#lookup, connections, timeoutMs })
  }

  /**
   * Resolves once the answer is a 2xx. Rejects with SINK_UNAVAILABLE (no connection, no answer in time, 408, 429, 5xx),
   * SINK_REJECTED (any other answer, an address that may not be dialled), or SINK_GONE, from the first 410 on.
   */
  async deliver(event: CloudEvent, signal: AbortSignal): Promise<void> {
    if (this.#gone) throw this.#gone
    const agent = this.#agent
    if (agent === undefined) throw new GatewayError('SINK_UNAVAILABLE', `${this.#doing}: it is stopped`)
    const deadline = new Deadline(this.#config.timeout, signal)
    const answered = await this.#send(agent, event, deadline.signal)
      .catch((error: unknown) => {
        throw deadline.passed && !signal.aborted ? this.#late(error) : this.#unsent(error)
      })
      .finally(() => deadline.end())
    const maxRetryAfterMs = this.#config.max_retry_after
    const facts: AnswerFacts = { doing: this.#doing, now: this.#now(), maxRetryAfterMs, hide: this.#hide }
    const error = answerError(answered, facts)
    if (error?.code === 'SINK_GONE') this.#end(error)
    if (error) throw error
  }

  /** What comes next is sent, whatever was answered before. */
  resume(): void {
    this.#gone = undefined
  }

  /** Ends every connection and what is under way on it. */
  async stop(): Promise<void> {
    const agent = this.#agent
    this.#agent = undefined
    await agent?.destroy()
  }

  async #send(agent: Agent, event: CloudEvent, signal: AbortSignal): Promise<Answered> {
    const { validate } = this.#config
    if (validate && !this.#consented) {
      const rate = await askConsent(agent, this.#posting.url, validate, signal)
      this.#consented = true
      const most = rate === undefined ? 'any number of' : `${rate}`
      this.#context.log.info(
        { sink: this.#context.name, rate },
        `${this.#doing}: ${most} deliveries a minute are allowed`,
      )
    }
    return exchange(agent, this.#posting, toRequest(event, this.#stationery, this.#now()), signal)
  }

  /** 410: the other side wants nothing more (CloudEvents webhook, 2.2). */
  #end(error: GatewayError): void {
    if (this.#gone) return
    this.#gone = error
    this.#context.log.error({ sink: this.#context.name, code: error.code }, error.message)
  }

  #now(): number {
    return this.#context.clock?.now() ?? Date.now()
  }

  #late(cause: unknown): GatewayError {
    const what = `no answer within ${this.#config.timeout} ms`
    return this.#error('SINK_UNAVAILABLE', what, { cause, type: 'TimeoutError', fingerprint: 'http timeout' })
  }

  #unsent(cause: unknown): GatewayError {
    if (cause instanceof AddressRefused)
      return this.#error('SINK_REJECTED', cause.message, { fingerprint: 'http address' })
    if (cause instanceof NoConsent) return this.#error('SINK_UNAVAILABLE', cause.message, {})
    if (cause instanceof Error && 'code' in cause && cause.code === 'UND_ERR_INVALID_ARG')
      return this.#error('SINK_REJECTED', `the event cannot be sent: ${cause.message}`, { cause })
    return this.#error('SINK_UNAVAILABLE', `no answer: ${reason(cause)}`, { cause })
  }

  #error(code: 'SINK_UNAVAILABLE' | 'SINK_REJECTED', what: string, options: ErrorOptions): GatewayError {
    return new GatewayError(code, `${this.#doing}: ${this.#hide(what)}`, options)
  }
}

/** What stopped a request, in words. An attempt at several addresses has an error for each, and no words of its own. */
function reason(cause: unknown): string {
  if (!(cause instanceof Error)) return excerpt(String(cause))
  const { code } = cause as NodeJS.ErrnoException
  // Codes such as ECONNREFUSED stay as they are looked for; the first word of a sentence does not begin one here.
  return excerpt(cause.message || code || cause.name).replace(/^[A-Z](?=[a-z])/, (first) => first.toLowerCase())
}

/** Everything in the options that an answer may repeat and nobody else may read. */
function secretsOf({ headers, sign }: HttpSinkConfig, url: URL): readonly string[] {
  const values = Object.values(headers)
  const tokens = values.flatMap((value) => value.split(/\s+/)).filter(({ length }) => length >= 6)
  const secrets = sign === undefined ? [] : [sign.secret].flat().flatMap((text) => [text, text.slice('whsec_'.length)])
  const path = [url.href, `${url.pathname}${url.search}`, url.pathname, url.search, ...url.searchParams.values()]
  return [...values, ...tokens, ...secrets, ...path]
}
