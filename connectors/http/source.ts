/** Runs the HTTP face: from listening to the last answer. */

import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Context, Emit, GatewayError, Source } from '#connector'
import { discardBody } from './body.ts'
import type { HttpConfig } from './config.ts'
import { type Listener, openExchange, sendProblem } from './exchange.ts'
import type { Parts } from './parts.ts'
import { refuse, toProblem } from './problem.ts'
import { tellRefused } from './refused.ts'
import { serve } from './router.ts'
import { listen, makeServer } from './server.ts'
import { Slots } from './slots.ts'
import { Waits } from './waits.ts'

export class HttpSource implements Source {
  readonly #config: HttpConfig
  readonly #context: Context
  readonly #waits = new Waits()
  readonly #slots: Slots
  readonly #listener: Listener = { stopping: false }
  #server: Server | undefined
  #address = ''
  #stopped: Promise<void> | undefined

  constructor(config: HttpConfig, context: Context) {
    this.#config = config
    this.#context = context
    const busy = 'accepting: too many requests wait already; send it again later'
    this.#slots = new Slots(context.maxInFlight, config.max_queued, () =>
      refuse('OVERLOADED', context.name, busy, 1_000),
    )
  }

  /** `host:port` that it listens on, once started. */
  get address(): string {
    return this.#address
  }

  /** Resolves when it listens. Rejects with ADDRESS_IN_USE, or CONFIG_INVALID when the address cannot be listened on. */
  async start(emit: Emit, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    const parts: Parts = {
      config: this.#config,
      context: this.#context,
      emit: (event, offer) => this.#slots.run(() => emit(event, offer)),
      slots: this.#slots,
      waits: this.#waits,
    }
    const server = makeServer(this.#config, (request, response) => this.#handle(parts, request, response))
    this.#address = await listen(server, this.#config, this.#context.name)
    this.#server = server
    server.on('error', (error) => this.#context.log.error({ err: error }, 'the http listener reports an error'))
    this.#context.log.info({ listen: this.#address }, 'http listens')
  }

  /** Resolves when every request under way is answered: those that wait for a reply get `drain` for it, then 503. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop()
    return this.#stopped
  }

  #handle(parts: Parts, request: IncomingMessage, response: ServerResponse): void {
    const exchange = openExchange(request, response, this.#listener)
    const served = this.#listener.stopping ? Promise.reject(stopping(this.#context)) : serve(parts, exchange)
    served.catch((error: unknown) => {
      // Cut off before it was whole: nobody is there to be told, and nothing is wrong here.
      if (request.destroyed && !request.complete) return
      tellRefused(this.#context, exchange, error)
      const problem = toProblem(error)
      if (problem.code === 'INTERNAL')
        this.#context.log.error({ err: error, path: exchange.path }, 'answering a request went wrong')
      sendProblem(exchange, problem)
      discardBody(request, this.#config.body_limit)
    })
  }

  async #stop(): Promise<void> {
    this.#listener.stopping = true
    const server = this.#server
    if (!server) return
    const closed = new Promise<void>((resolve) => server.close(() => resolve()))
    server.closeIdleConnections()
    const drained = setTimeout(() => void this.#cut(server), this.#config.drain)
    await closed
    clearTimeout(drained)
    await this.#slots.idle()
  }

  /** What has no whole request by now does not get one, and no reply is waited for; what was emitted is. */
  async #cut(server: Server): Promise<void> {
    this.#waits.endAll()
    await this.#slots.idle()
    // Lets the last answers out.
    await new Promise((resolve) => setImmediate(resolve))
    server.closeAllConnections()
  }
}

const stopping = ({ name }: Context): GatewayError =>
  refuse('STOPPING', name, 'accepting: the gateway is stopping; send it again to the one that follows', 5_000)
