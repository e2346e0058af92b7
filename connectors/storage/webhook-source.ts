/** Takes the notifications that MinIO posts to the HTTP face, and answers each once its events are on disk. */

import { createHash, timingSafeEqual } from 'node:crypto'
import { type Context, type Emit, type HookAnswer, type HookRequest, type Source, toGatewayError } from '#connector'
import type { StorageConfig, WebhookConfig } from './config.ts'
import { type Change, isWanted, readNotification } from './normalize.ts'

const STOPPING: HookAnswer = { status: 503, retryAfterMs: 1_000 }

export class WebhookSource implements Source {
  readonly #config: StorageConfig
  readonly #webhook: WebhookConfig
  readonly #context: Context
  readonly #underWay = new Set<Promise<unknown>>()
  readonly #waiting: (() => void)[] = []
  #active = 0
  #end: (() => void) | undefined

  constructor(config: StorageConfig, webhook: WebhookConfig, context: Context) {
    this.#config = config
    this.#webhook = webhook
    this.#context = context
  }

  /** Rejects with CONFIG_INVALID when another source has the path. */
  async start(emit: Emit): Promise<void> {
    const { hooks, name } = this.#context
    const path = this.#webhook.path ?? `/storage/${encodeURIComponent(name)}`
    this.#end = hooks.take(path, (request) => this.#answer(request, emit))
  }

  async stop(): Promise<void> {
    this.#end?.()
    this.#end = undefined
    while (this.#underWay.size > 0) await Promise.all(this.#underWay)
  }

  async #answer({ body, headers, method }: HookRequest, emit: Emit): Promise<HookAnswer> {
    if (!this.#isKnown(String(headers['authorization'] ?? ''))) return { status: 401 }
    // MinIO asks whether somebody is there.
    if (method === 'HEAD' || method === 'GET') return { status: 200 }
    if (method !== 'POST') return { status: 405 }
    const changes = readNotification(Buffer.from(body).toString())
    if (changes === undefined) return { status: 400 }
    const refusal = this.#context.credit.refusal()
    if (refusal) return { status: 503, retryAfterMs: refusal.retryAfterMs ?? 1_000 }
    if (this.#end === undefined) return STOPPING
    const taken = this.#inTurn(() => this.#take(changes, emit))
    this.#underWay.add(taken)
    return taken.finally(() => this.#underWay.delete(taken))
  }

  /** Runs so many at once as the gateway allows; the others wait, and their senders with them. */
  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (this.#active < this.#context.maxInFlight) this.#active += 1
    else await new Promise<void>((resolve) => this.#waiting.push(resolve))
    try {
      return await work()
    } finally {
      const next = this.#waiting.shift()
      if (next) next()
      else this.#active -= 1
    }
  }

  /** Never rejects. */
  async #take(changes: readonly Change[], emit: Emit): Promise<HookAnswer> {
    for (const change of changes.filter((one) => isWanted(one, this.#config))) {
      try {
        await emit(change.event, { made: true })
      } catch (thrown) {
        const error = toGatewayError(thrown)
        this.#context.refused?.(error, { address: '', event: change.event })
        return { status: 503, retryAfterMs: error.retryAfterMs ?? 1_000 }
      }
    }
    return { status: 200 }
  }

  /** A token of one word is sent as a bearer's, one of two as it stands. */
  #isKnown(given: string): boolean {
    const { token } = this.#webhook
    const wanted = token.includes(' ') ? token : `Bearer ${token}`
    return timingSafeEqual(digest(given), digest(wanted))
  }
}

const digest = (value: string): Buffer => createHash('sha256').update(value).digest()
