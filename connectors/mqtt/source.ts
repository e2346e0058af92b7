/** Makes the embedded broker a source: what clients publish is accepted before they are acknowledged. */

import { setTimeout as sleep } from 'node:timers/promises'
import {
  CALL_EXTENSIONS,
  type ClientPublish,
  type CloudEvent,
  type Context,
  type Emit,
  extension,
  GatewayError,
  type Source,
  toGatewayError,
} from '#connector'
import type { MqttSourceConfig } from './config.ts'
import { readCall, type Unreadable } from './envelope.ts'
import { normalize, withExpiry } from './normalize.ts'

/** What is refused for now, as its targets rest, is offered again this often. Milliseconds. */
const LOOK_AGAIN_MS = 500

export class MqttSource implements Source {
  readonly #config: MqttSourceConfig
  readonly #context: Context
  readonly #queue: (() => void)[] = []
  #active = 0
  #end: (() => void) | undefined
  #ending = new AbortController()
  #idle: PromiseWithResolvers<void> | undefined

  constructor(config: MqttSourceConfig, context: Context) {
    this.#config = config
    this.#context = context
  }

  async start(emit: Emit, _signal: AbortSignal): Promise<void> {
    this.#ending = new AbortController()
    this.#end = this.#context.broker.intercept(this.#config.filters, (publish) => this.#take(publish, emit))
  }

  async stop(): Promise<void> {
    this.#end?.()
    this.#end = undefined
    this.#ending.abort(new GatewayError('STOPPING', `${this.#context.name} (mqtt): receiving: the source is stopping`))
    if (this.#active === 0) return
    this.#idle ??= Promise.withResolvers()
    await this.#idle.promise
  }

  /** Resolves once the event is accepted. Rejects when it is not, or stopping finds no room: the client sends it again. */
  async #take(publish: ClientPublish, emit: Emit): Promise<void> {
    if (this.#active >= this.#context.maxInFlight) await new Promise<void>((wake) => this.#queue.push(wake))
    else this.#active++
    try {
      await this.#accepted(publish, emit)
    } finally {
      this.#release()
    }
  }

  /** What there is no room for waits here, and the socket of its client with it; at QoS 0 it is dropped. */
  async #accepted(publish: ClientPublish, emit: Emit): Promise<void> {
    const { credit } = this.#context
    const { signal } = this.#ending
    for (;;) {
      if (credit.refusal() !== undefined) await credit.wait(signal)
      try {
        await this.#emit(publish, emit)
        return
      } catch (thrown) {
        const { code, retryAfterMs = LOOK_AGAIN_MS } = toGatewayError(thrown)
        if (code !== 'OVERLOADED' || publish.qos === 0) throw thrown
        await sleep(Math.min(retryAfterMs, LOOK_AGAIN_MS), undefined, { signal })
      }
    }
  }

  /** Hands the slot on, in order, or gives it up. */
  #release(): void {
    const next = this.#queue.shift()
    if (next) next()
    else if (--this.#active === 0) this.#idle?.resolve()
  }

  /** Not async, and throws: one promise less for each publish. */
  #emit(publish: ClientPublish, emit: Emit): Promise<unknown> {
    const { topic, qos } = publish
    const service = this.#service(topic)
    const event = service === undefined ? normalize(publish) : readCall(publish, service)
    if ('problem' in event) return this.#refuse(event, publish)
    const call = withExpiry(this.#checked(event, publish), publish.properties, Date.now())
    return emit(call, { address: topic, direct: qos === 0 })
  }

  #service(topic: string): string | undefined {
    const prefix = `${this.#config.service_prefix}/`
    return topic.startsWith(prefix) && topic.length > prefix.length ? topic.slice(prefix.length) : undefined
  }

  /** A caller may only name a reply topic that it may publish to itself, and a callId that is one level of a topic. */
  #checked(event: CloudEvent, publish: ClientPublish): CloudEvent {
    const callId = extension(event, CALL_EXTENSIONS.callId)
    if (callId !== undefined && !/^[^+#/\0]{1,255}$/.test(callId))
      throw new GatewayError(
        'EVENT_INVALID',
        `${this.#context.name} (mqtt): reading a call: callid must have 1 to 255 characters, without +, # and /`,
      )
    const replyTo = extension(event, CALL_EXTENSIONS.replyTo)
    if (replyTo === undefined || isAllowed(replyTo, publish)) return event
    throw new GatewayError(
      'REPLY_TOPIC_REFUSED',
      `${this.#context.name} (mqtt): reading a call: the reply topic "${replyTo}" is refused; name one without wildcards or a leading $, no deeper than broker.limits.max_topic_levels, that client "${publish.clientId}" may publish to`,
    )
  }

  /** Answers a call that cannot be read, and is done with it; when nobody can be answered, the publish is refused. */
  async #refuse({ problem, callId, messageId, replyTo }: Unreadable, publish: ClientPublish): Promise<void> {
    if (replyTo === undefined || !isAllowed(replyTo, publish)) throw problem
    this.#context.log.warn({ client: publish.clientId, topic: publish.topic, callId }, problem.message)
    this.#context.refused?.(problem, { address: publish.topic, client: publish.clientId, callId })
    const { code, message, type } = problem
    const answer = { callId, ...(messageId !== undefined && { messageId }), status: 'error' }
    await this.#context.broker.publish({
      topic: replyTo,
      payload: new TextEncoder().encode(JSON.stringify({ ...answer, error: { type, code, message } })),
      qos: 1,
      retain: false,
      properties: {
        contentType: 'application/json',
        ...(publish.properties?.correlationData && { correlationData: publish.properties.correlationData }),
      },
    })
  }
}

const isAllowed = (topic: string, publish: ClientPublish): boolean =>
  !/[+#\0]|^\$|^$/.test(topic) && publish.mayPublish(topic)
