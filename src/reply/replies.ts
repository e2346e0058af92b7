/** Publishes replies on their topics and hands them to the HTTP callers that wait. */

import { CALL_EXTENSIONS, type CloudEvent, extension } from '../event/index.ts'
import { formatReply, type ReplyMessage } from './forms.ts'
import type { Reply, ReplyPublisher } from './reply.ts'

/** The broker, as far as replies need it. Resolves once the broker holds the message. */
export interface ReplyTopics {
  publish(message: ReplyMessage): Promise<void>
}

/** Every reply of the gateway goes through the one instance of this. */
export class Replies implements ReplyPublisher {
  readonly #topics: ReplyTopics
  readonly #waiting = new Map<string, Set<(reply: Reply) => void>>()

  constructor(topics: ReplyTopics) {
    this.#topics = topics
  }

  async publish(reply: Reply, event: CloudEvent): Promise<void> {
    this.#wake(reply.callId, reply)
    if (extension(event, CALL_EXTENSIONS.replyForm) === 'http') return
    await this.#topics.publish(formatReply(reply, event))
  }

  follow(callId: string, first: string): void {
    if (callId === first) return
    const waiting = this.#waiting.get(callId)
    if (waiting === undefined) return
    this.#waiting.delete(callId)
    const followed = this.#waiting.get(first) ?? new Set()
    for (const wake of waiting) followed.add((reply) => wake({ ...reply, callId }))
    this.#waiting.set(first, followed)
  }

  /** Resolves with the reply of a call; ask before the call is made. Rejects with the reason of `signal`, and forgets it. */
  wait(callId: string, signal: AbortSignal): Promise<Reply> {
    const { promise, resolve, reject } = Promise.withResolvers<Reply>()
    const waiting = this.#waiting.get(callId) ?? new Set()
    const leave = () => {
      waiting.delete(wake)
      if (waiting.size === 0 && this.#waiting.get(callId) === waiting) this.#waiting.delete(callId)
      reject(signal.reason)
    }
    const wake = (reply: Reply) => {
      signal.removeEventListener('abort', leave)
      resolve(reply)
    }
    if (signal.aborted) {
      reject(signal.reason)
      return promise
    }
    this.#waiting.set(callId, waiting.add(wake))
    signal.addEventListener('abort', leave, { once: true })
    return promise
  }

  /** Callers that wait now. */
  get waiting(): number {
    return this.#waiting.size
  }

  #wake(callId: string, reply: Reply): void {
    const waiting = this.#waiting.get(callId)
    if (waiting === undefined) return
    this.#waiting.delete(callId)
    for (const wake of waiting) wake(reply)
  }
}
