/** A queue held in memory, and a source for it that can be wrong in chosen ways: what tests the source suite itself. */

import * as z from 'zod'
import {
  type CloudEvent,
  type Context,
  defineConnector,
  defineSource,
  type Emit,
  GatewayError,
  type Guarantees,
  type Source,
} from '#connector'
import type { SendAnswer, Upstream } from './source.ts'

/** Ways to be wrong; each breaks one requirement and no other. */
export type QueueFault =
  | 'rewrites-json'
  | 'acknowledges-early'
  | 'drops-rejected'
  | 'fresh-id'
  | 'hides-rejected'
  | 'reorders'
  | 'unbounded'
  | 'one-at-a-time'
  | 'stops-early'
  | 'emits-after-stop'
  | 'starts-from-now'
  | 'does-not-reconnect'
  | 'reads-text'
  | 'starts-anyway'
  | 'names-nothing'
  | 'leaves-a-timer'
  | 'ignores-credit'
  | 'hides-what-it-made'
  | 'passes-over-invalid'

interface Message {
  readonly id: string
  readonly subject: string
  readonly data: Uint8Array
  readonly answer: PromiseWithResolvers<SendAnswer>
  leased: boolean
}

/** The server's side. A message stays until it is acknowledged; cutting connections ends their leases. */
class Queue {
  readonly messages: Message[] = []
  readonly timers = new Set<NodeJS.Timeout>()
  /** Counts cuts: a connection is good for as long as it was made since the last one. */
  connection = 0
  #count = 0

  send(subject: string, data: Uint8Array): Promise<SendAnswer> {
    const answer = Promise.withResolvers<SendAnswer>()
    this.messages.push({ id: String(this.#count++), subject, data, answer, leased: false })
    return answer.promise
  }

  settle(message: Message, answer: SendAnswer): void {
    const at = this.messages.indexOf(message)
    if (at >= 0) this.messages.splice(at, 1)
    message.answer.resolve(answer)
  }

  cut(): void {
    this.connection += 1
    for (const message of this.messages) message.leased = false
  }
}

const queues = new Map<string, Queue>()

class QueueSource implements Source {
  readonly #name: string
  readonly #context: Context
  readonly #guarantees: Guarantees
  readonly #fault: QueueFault | undefined
  readonly #busy = new Set<Promise<void>>()
  #queue: Queue | undefined
  #connection = 0
  #timer: NodeJS.Timeout | undefined

  constructor(name: string, context: Context, guarantees: Guarantees, fault: QueueFault | undefined) {
    this.#name = name
    this.#context = context
    this.#guarantees = guarantees
    this.#fault = fault
  }

  async start(emit: Emit): Promise<void> {
    const queue = queues.get(this.#name)
    if (!queue && this.#fault === 'starts-anyway') return
    if (!queue) {
      const which = this.#fault === 'names-nothing' ? 'the queue' : `queue "${this.#name}"`
      const message = `${this.#context.name} (queue): connecting: ${which} does not exist; create it first`
      throw new GatewayError('SOURCE_UNAVAILABLE', message)
    }
    if (this.#fault === 'starts-from-now') queue.messages.length = 0
    this.#queue = queue
    this.#connection = queue.connection
    this.#timer = setInterval(() => this.#poll(queue, emit), 1)
    queue.timers.add(this.#timer)
  }

  #poll(queue: Queue, emit: Emit): void {
    if (this.#connection !== queue.connection) {
      if (this.#fault === 'does-not-reconnect') return
      this.#connection = queue.connection
    }
    if (this.#context.credit.refusal() && this.#fault !== 'ignores-credit') return
    const limit = this.#fault === 'one-at-a-time' ? 1 : this.#context.maxInFlight
    const waiting = this.#fault === 'reorders' ? queue.messages.toReversed() : queue.messages.slice()
    const taken = new Set(queue.messages.filter(({ leased }) => leased).map(({ subject }) => subject))
    for (const message of waiting) {
      if (this.#fault !== 'unbounded' && this.#busy.size >= limit) return
      if (message.leased || taken.has(message.subject)) continue
      taken.add(message.subject)
      message.leased = true
      const work: Promise<void> = this.#handle(queue, message, emit).finally(() => this.#busy.delete(work))
      this.#busy.add(work)
    }
  }

  async #handle(queue: Queue, message: Message, emit: Emit): Promise<void> {
    const at = queue.messages.indexOf(message)
    if (this.#fault === 'acknowledges-early') queue.messages.splice(at, 1)
    try {
      await emit(normalize(message, this.#name, this.#fault), { made: this.#fault !== 'hides-what-it-made' })
      queue.settle(message, 'accepted')
    } catch (error) {
      const isForGood = error instanceof GatewayError && error.disposition === 'reject'
      if (this.#guarantees.rejected === 'reported')
        queue.settle(message, this.#fault === 'hides-rejected' ? 'accepted' : 'refused')
      else if (this.#fault === (isForGood ? 'passes-over-invalid' : 'drops-rejected')) queue.settle(message, 'refused')
      else if (this.#fault === 'acknowledges-early') queue.messages.splice(at, 0, message)
      message.leased = false
    }
  }

  async stop(): Promise<void> {
    const queue = this.#queue
    this.#queue = undefined
    if (this.#fault === 'emits-after-stop') {
      // Still polls, so still holds a timer: one that keeps no process alive, or it would be a leak as well.
      this.#timer?.unref()
    } else if (this.#timer) {
      clearInterval(this.#timer)
      queue?.timers.delete(this.#timer)
    }
    if (this.#fault === 'leaves-a-timer') queue?.timers.add(setInterval(() => {}, 1_000))
    if (this.#fault !== 'stops-early') await Promise.all(this.#busy)
  }
}

const normalize = (message: Message, queue: string, fault: QueueFault | undefined): CloudEvent => ({
  specversion: '1.0',
  id: fault === 'fresh-id' ? crypto.randomUUID() : message.id,
  source: `/queue/${queue}`,
  type: 'queue.message',
  subject: message.subject,
  data: readData(message.data, fault),
})

function readData(data: Uint8Array, fault: QueueFault | undefined): Uint8Array {
  const text = Buffer.from(data).toString()
  if (fault === 'reads-text') return Buffer.from(text)
  if (fault !== 'rewrites-json') return data
  try {
    return Buffer.from(JSON.stringify(JSON.parse(text)))
  } catch {
    return data
  }
}

/** Declares the queue source, wrong in one way when asked. */
export const queueConnector = (guarantees: Guarantees, fault?: QueueFault) =>
  defineConnector({
    type: 'queue',
    title: 'Queue',
    summary: 'Receives messages from a queue in memory.',
    stability: 'experimental',
    since: '0.1.0',
    source: defineSource({
      config: z.strictObject({ queue: z.string().describe('Name of the queue.') }),
      guarantees,
      create: (config, context) => new QueueSource(config.queue, context, guarantees, fault),
    }),
  })

/** Opens one isolated queue. Senders wait for the source's answer where the source reports, else for the queue's. */
export async function openQueue(reports: boolean): Promise<Upstream> {
  const name = crypto.randomUUID()
  const queue = new Queue()
  queues.set(name, queue)
  return {
    config: { queue: name },
    async send(samples) {
      const answers = samples.map(({ subject, data }) => queue.send(subject, data))
      return reports ? Promise.all(answers) : samples.map(() => 'accepted' as const)
    },
    unacknowledged: async () => queue.messages.length,
    interrupt: async () => queue.cut(),
    async [Symbol.asyncDispose]() {
      queues.delete(name)
      for (const timer of queue.timers) clearInterval(timer)
    },
  }
}
