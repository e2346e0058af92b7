/** Publishes replies on their topics and hands them to the HTTP callers that wait. */

import { CALL_EXTENSIONS, type CloudEvent, extension } from '../event/index.ts'
import { formatReply, type ReplyMessage } from './forms.ts'
import { type Reply, type ReplyPublisher, replyTopic } from './reply.ts'

/** The broker, as far as replies need it. Resolves once the broker holds the message. */
export interface ReplyTopics {
  publish(message: ReplyMessage): Promise<void>
}

/** A repetition of a call that has no answer yet, and the callId that it came with. */
interface Repetition {
  readonly callId: string
  readonly event: CloudEvent
}

/** Repetitions of one call that are kept, each for another topic; who asks more often is answered on the latest. */
const MOST_REPETITIONS = 16
/** Calls whose repetitions are kept; the oldest is forgotten first. */
const MOST_REPEATED = 10_000

/** Every reply of the gateway goes through the one instance of this. */
export class Replies implements ReplyPublisher {
  readonly #topics: ReplyTopics
  readonly #waiting = new Map<string, Set<(reply: Reply) => void>>()
  readonly #repeated = new Map<string, Map<string, Repetition>>()

  constructor(topics: ReplyTopics) {
    this.#topics = topics
  }

  async publish(reply: Reply, event: CloudEvent): Promise<void> {
    this.#wake(reply.callId, reply)
    const repetitions = this.#repeated.get(reply.callId)
    if (repetitions) await this.#answerAll(reply, event, repetitions)
    if (!isForHttp(event)) await this.#topics.publish(formatReply(reply, event))
  }

  follow(callId: string, first: string, event: CloudEvent): void {
    if (!isForHttp(event)) this.#remember(first, { callId, event })
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

  #remember(first: string, repetition: Repetition): void {
    const held = this.#repeated.get(first) ?? new Map<string, Repetition>()
    const place = placeOf(repetition.event, repetition.callId)
    held.delete(place)
    this.#repeated.set(first, held.set(place, repetition))
    dropOldest(held, MOST_REPETITIONS)
    dropOldest(this.#repeated, MOST_REPEATED)
  }

  /** The repetitions that the answer to `event` itself does not reach. */
  async #answerAll(reply: Reply, event: CloudEvent, repetitions: ReadonlyMap<string, Repetition>): Promise<void> {
    this.#repeated.delete(reply.callId)
    const own = placeOf(event, reply.callId)
    const others = [...repetitions].filter(([place]) => place !== own || isForHttp(event))
    await Promise.all(
      others.map(([, { callId, event: each }]) => this.#topics.publish(formatReply({ ...reply, callId }, each))),
    )
  }

  #wake(callId: string, reply: Reply): void {
    const waiting = this.#waiting.get(callId)
    if (waiting === undefined) return
    this.#waiting.delete(callId)
    for (const wake of waiting) wake(reply)
  }
}

const isForHttp = (event: CloudEvent): boolean => extension(event, CALL_EXTENSIONS.replyForm) === 'http'

/** Where and under which name an answer goes: two calls of one place are answered by one message. */
const placeOf = (event: CloudEvent, callId: string): string =>
  [replyTopic(event, callId), extension(event, CALL_EXTENSIONS.correlationData) ?? ''].join('\0')

function dropOldest(map: Map<string, unknown>, most: number): void {
  const [oldest] = map.size > most ? map.keys() : []
  if (oldest !== undefined) map.delete(oldest)
}
